"""Parts of a budget become optimizer steps, and schedules become curves in steps and absolute rates.

Steps are cut at cumulative boundaries: boundary(p) = round(tokens up to part p / batch tokens), so that two arms with
equal parts train on exactly equal tokens however they are cut into phases. In an additive design a part counts 1/s,
s being the share of the fixed sources in the mixture of its phase.
"""

from __future__ import annotations

from fractions import Fraction

from titrant.errors import Problem, StudyError
from titrant.jobs import TrainPhase
from titrant.study.curve import Curve
from titrant.study.evaluation import Additive
from titrant.study.ladder import Scale
from titrant.study.phase import Arm, Continued, FromCheckpoint, Schedule
from titrant.study.study import Study


def resolve_phases(study: Study, arm: Arm, scale: Scale) -> tuple[TrainPhase, ...]:
    """The phases of an arm at a scale, in steps, absolute rates and exact shares.

    Needs an expanded study whose chains were checked.
    """
    stretches = _stretches(study, arm)
    resolved: list[TrainPhase] = []
    at = Fraction(0)
    for index, link in enumerate(arm.chain):
        phase = study.phases[link.phase]
        parts = Fraction(repr(phase.parts))
        begin, end = (_step_at(study, scale, stretches, position) for position in (at, at + parts))
        previous = resolved[-1] if resolved else None
        if isinstance(phase.schedule, Continued):
            assert previous is not None
            curve = previous.curve.model_copy(update={"offset_steps": previous.curve.offset_steps + previous.steps})
        else:
            horizon = Fraction(repr(phase.schedule.horizon_parts or phase.parts))
            horizon_steps = _step_at(study, scale, stretches, at + horizon) - begin
            curve = _curve(link.phase, phase.schedule, scale.learning_rate, horizon_steps, previous)
        outside = phase.initialisation if isinstance(phase.initialisation, FromCheckpoint) else None
        resolved.append(
            TrainPhase(
                shares={
                    source: f"{share.numerator}/{share.denominator}"
                    for source, share in sorted(study.mixtures[link.mixture].shares.items())
                },
                steps=end - begin,
                curve=curve,
                initialisation="previous" if index else ("checkpoint" if outside else "scratch"),
                checkpoint=outside,
                optimizer_state=phase.optimizer_state if index else "reset",
                data=phase.data,
            )
        )
        at += parts
    return tuple(resolved)


def _stretches(study: Study, arm: Arm) -> tuple[tuple[Fraction, Fraction], ...]:
    """(parts, factor) of each phase: how many parts, and what one part of it counts."""
    stretches = []
    for link in arm.chain:
        factor = Fraction(1)
        if isinstance(study.design, Additive):
            shares = study.mixtures[link.mixture].shares
            fixed = sum((shares.get(source, Fraction(0)) for source in study.design.fixed), Fraction(0))
            factor = 1 / fixed if fixed else factor
        stretches.append((Fraction(repr(study.phases[link.phase].parts)), factor))
    return tuple(stretches)


def _step_at(study: Study, scale: Scale, stretches: tuple[tuple[Fraction, Fraction], ...], position: Fraction) -> int:
    """Optimizer steps up to `position` (in parts); beyond the last phase its factor goes on."""
    counted, left = Fraction(0), position
    for parts, factor in stretches:
        here = min(left, parts)
        counted += here * factor
        left -= here
    counted += left * stretches[-1][1]
    steps = counted * scale.tokens / Fraction(repr(study.budget_parts)) / scale.global_batch_tokens
    return int(steps + Fraction(1, 2))


def _curve(name: str, schedule: Schedule, rate: float, horizon_steps: int, previous: TrainPhase | None) -> Curve:
    assert not isinstance(schedule, Continued)
    if schedule.start == "current":
        assert previous is not None
        warmup_steps, peak = 0, previous.curve.rate_at(previous.steps - 1)
        if peak <= 0:  # the curve before it is longer than its phase by less than half a batch
            raise StudyError(
                Problem(
                    f"phase '{name}' starts from the current learning rate, which the phase before it ends at 0 in its "
                    f"{previous.steps} steps; set its schedule's start to 'warmup', or give the phase before it a "
                    "final_fraction above 0",
                    path=("phases", name, "schedule"),
                )
            )
    else:
        warmup_steps, peak = round(schedule.warmup_fraction * horizon_steps), rate * schedule.peak_fraction
    decay_steps, decay_shape, final = horizon_steps - warmup_steps, "linear", peak
    if schedule.shape == "constant":
        decay_steps = 0
    elif schedule.shape == "warmup-stable-decay":
        decay_steps = min(decay_steps, round(schedule.decay_fraction * horizon_steps))
        decay_shape = schedule.decay_shape
    else:
        decay_shape = schedule.shape
    if schedule.shape != "constant":
        final = peak * schedule.final_fraction
    return Curve(
        shape=schedule.shape,
        start_rate=0.0 if warmup_steps else peak,
        peak_rate=peak,
        final_rate=final,
        warmup_steps=warmup_steps,
        decay_steps=decay_steps,
        decay_shape=decay_shape,
        horizon_steps=horizon_steps,
    )
