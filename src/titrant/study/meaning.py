"""The second ring of checks: names resolve, chains of phases make sense, and arms differ in what they say they do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from fractions import Fraction

from titrant.study.architecture import TrainedTokenizer
from titrant.study.contrast import Contrast
from titrant.study.declaration import listing, suggestion
from titrant.study.derived import derivation_problems
from titrant.study.evaluation import Additive, Evaluation
from titrant.study.histories import history_problems
from titrant.study.phase import Arm, Continued, FromCheckpoint, Phase
from titrant.study.recipe import Recipe, recipe_of
from titrant.study.study import Study
from titrant.study.suites import suite
from titrant.study.units import show_count

MAX_RUNGS = {
    "entity-tracking": 6,
    "arithmetic": 6,
    "bracket-closing": 6,
    "variable-binding": 6,
    "copying": 8,
    "sorting": 6,
    "structural-generalisation": 6,
}
"""The hardest rung of each probe, known here so that a study is refused before anything is trained."""

Found = tuple[tuple[str | int, ...], str]
"""A path in the study and what is wrong there."""


def check_meaning(study: Study) -> list[Found]:
    """All problems of meaning, in the order of the file; chains and contrasts are looked at once names resolve."""
    problems = [*derivation_problems(study.sources, study.synthesis), *_names(study), *_sweeps(study)]
    declared = len(study.contrasts)
    if not problems:
        study = study.expanded()
        problems += [*_chains(study), *_evaluation(study), *history_problems(study), *_comparisons(study)]
        problems += _probe(study)
    if not problems:
        problems += [*_budgets(study), *_contrasts(study, declared)]
    return problems


def _unknown(what: str, name: str, known: Iterable[str], user: str) -> str:
    known = list(known)
    return f"{user} names {what} '{name}', which does not exist{suggestion(name, known)}; there are {listing(known)}"


def _names(study: Study) -> Iterator[Found]:
    for name, mixture in study.mixtures.items():
        for source in mixture.weights:
            if source not in study.sources:
                yield (
                    ("mixtures", name, source),
                    _unknown("source", source, study.sources, f"mixture '{name}'"),
                )
    if isinstance(study.tokenizer, TrainedTokenizer) and study.tokenizer.mixture not in study.mixtures:
        yield (
            ("tokenizer", "mixture"),
            _unknown("mixture", study.tokenizer.mixture, study.mixtures, "the tokenizer"),
        )
    for name, arm in study.arms.items():
        for index, link in enumerate(arm.chain):
            where = ("arms", name, index)
            if link.phase not in study.phases:
                yield where, _unknown("phase", link.phase, study.phases, f"arm '{name}'")
            if link.mixture not in study.mixtures:
                yield where, _unknown("mixture", link.mixture, study.mixtures, f"arm '{name}'")
    if isinstance(study.design, Additive):
        for source in study.design.fixed:
            if source not in study.sources:
                yield ("design", "fixed"), _unknown("source", source, study.sources, "the additive design")
    for source in study.evaluation.bits_per_byte.sources:
        if source not in study.sources:
            yield (
                ("evaluation", "bits_per_byte", "sources"),
                _unknown("source", source, study.sources, "bits_per_byte"),
            )


def _sweeps(study: Study) -> Iterator[Found]:
    for name, sweep in study.sweeps.items():
        for key in ("of", "into"):
            mixture = getattr(sweep, key)
            if mixture not in study.mixtures:
                yield ("sweeps", name, key), _unknown("mixture", mixture, study.mixtures, f"sweep '{name}'")
        for link in sweep.phases:
            phase = link if isinstance(link, str) else link.phase
            if phase not in study.phases:
                yield ("sweeps", name, "phases"), _unknown("phase", phase, study.phases, f"sweep '{name}'")
            if not isinstance(link, str) and link.mixture not in study.mixtures:
                yield (
                    ("sweeps", name, "phases"),
                    _unknown("mixture", link.mixture, study.mixtures, f"sweep '{name}'"),
                )
        if all(isinstance(link, str) is False for link in sweep.phases):
            yield ("sweeps", name, "phases"), f"sweep '{name}' sweeps nothing: name one of its phases bare"
        for share in sweep.percent:
            label = f"{name}-{share:g}"
            if label in study.arms or label in study.mixtures:
                yield (
                    ("sweeps", name),
                    f"sweep '{name}' makes an arm '{label}', which exists already; rename one",
                )


def _chains(study: Study) -> Iterator[Found]:
    for name, arm in study.arms.items():
        yield from ((("arms", name, index), message) for index, message in _chain_problems(study, name, arm))


def _chain_problems(study: Study, name: str, arm: Arm) -> Iterator[tuple[int, str]]:
    curve_left = Fraction(0)  # parts of the current curve that lie ahead
    falls_to_zero = ended_at_zero = False
    for index, link in enumerate(arm.chain):
        phase = study.phases[link.phase]
        at = f"phase '{link.phase}' of arm '{name}'"
        parts = Fraction(repr(phase.parts))
        if index == 0:
            yield from ((0, message) for message in _first_phase_problems(at, phase))
        elif phase.initialisation != "previous":
            yield (
                index,
                f"{at} starts from {_start_of(phase)}, so that nothing before it counts; begin the arm with it, "
                "or set its initialisation to 'previous'",
            )
        if phase.data == "disjoint":
            bare = [s for s in study.mixtures[link.mixture].shares if not study.sources[s].reserve_fraction]
            if bare:
                yield (
                    index,
                    f"{at} draws disjoint data, but nothing is reserved of source {listing(bare)}; give it a "
                    "reserve_fraction above 0",
                )
        if ended_at_zero and not isinstance(phase.schedule, Continued) and phase.schedule.start == "current":
            before = arm.chain[index - 1].phase
            yield (
                index,
                f"{at} starts from the current learning rate, and phase '{before}' before it ends at 0 "
                "(final_fraction: 0): nothing would be learnt; set its schedule's start to 'warmup', or give the curve "
                f"of '{before}' a final_fraction above 0 or a horizon_parts beyond its end",
            )
        if isinstance(phase.schedule, Continued):
            if index and curve_left < parts:
                yield (
                    index,
                    f"{at} continues a curve of which {float(curve_left):g} parts are left, but is {phase.parts:g} "
                    "parts long; raise horizon_parts of the schedule that begins the curve",
                )
            curve_left -= parts
        else:
            horizon = Fraction(repr(phase.schedule.horizon_parts or phase.parts))
            if horizon < parts:
                yield (
                    index,
                    f"the curve of {at} is over after {float(horizon):g} of its {phase.parts:g} parts; raise "
                    "horizon_parts or leave it out",
                )
            curve_left = horizon - parts
            falls_to_zero = getattr(phase.schedule, "final_fraction", 1) == 0
        ended_at_zero = falls_to_zero and curve_left <= 0


def _first_phase_problems(at: str, phase: Phase) -> Iterator[str]:
    if isinstance(phase.schedule, Continued):
        yield f"{at} comes first and has no curve to continue; give it a schedule with a shape of its own"
    elif phase.schedule.start == "current":
        yield f"{at} comes first and has no current learning rate to start from; set its schedule's start to 'warmup'"
    if phase.data == "replay":
        yield f"{at} comes first and has nothing to replay; set its data to 'fresh'"


def _start_of(phase: Phase) -> str:
    given = phase.initialisation
    return f"checkpoint '{given.checkpoint}'" if isinstance(given, FromCheckpoint) else given


def _evaluation(study: Study) -> Iterator[Found]:
    names = study.outcomes()
    for outcome in sorted({name for name in names if names.count(name) > 1}):
        yield ("evaluation",), f"outcome '{outcome}' is asked for twice; delete one"
    for index, probe in enumerate(study.evaluation.probes):
        most = MAX_RUNGS.get(probe.name)
        if most is not None and max(probe.rungs, default=1) > most:
            yield (
                ("evaluation", "probes", index),
                f"probe '{probe.name}' asks for rung {max(probe.rungs)}; its rungs are 1 to {most}",
            )
    planted = any(source.plant for source in study.sources.values())
    if "probe/planted-facts" in names and not planted:
        yield (
            ("evaluation", "probes"),
            "the probe 'planted-facts' asks for facts that no source plants; give a source `plant`, or drop the probe",
        )
    yield from _suites(study.evaluation)
    for index, contrast in enumerate(study.contrasts):
        for pattern in contrast.outcomes:
            if not any(fnmatchcase(name, pattern) for name in names):
                yield (
                    ("contrasts", index, "outcomes"),
                    f"no outcome is called '{pattern}'{suggestion(pattern, names)}; there are {listing(names)}",
                )


def _suites(evaluation: Evaluation) -> Iterator[Found]:
    for name in evaluation.suites:
        if suite(name).judged and not evaluation.judging:
            yield (
                ("evaluation", "suites"),
                f"suite '{name}' has answers judged, and no judge is declared; give `judging: {{judges: [...]}}`, or "
                "name the suites knowledge, reasoning and code instead",
            )
    asked = [suite(name) for name in evaluation.suites]
    of_suites = {task.name for each in asked for task in each.tasks} | {
        task.name for each in asked for task in each.code
    }
    for index, task in enumerate(evaluation.without):
        if task not in of_suites:
            yield (
                ("evaluation", "without", index),
                f"no suite that is asked for has a task '{task}'{suggestion(task, of_suites)}; they have "
                f"{listing(of_suites) or 'none'}",
            )


def _comparisons(study: Study) -> Iterator[Found]:
    if not study.arms:
        yield (), "the study has no arms: declare `arms` or `sweeps`"
    elif study.control is not None and study.control not in study.arms:
        yield ("control",), _unknown("arm", study.control, study.arms, "control")
    elif not study.contrasts:
        yield (), "nothing is compared: name a `control` and a second arm, or declare `contrasts`"
    for index, contrast in enumerate(study.contrasts):
        for key in ("arm", "control"):
            name = getattr(contrast, key)
            if name not in study.arms:
                yield ("contrasts", index, key), _unknown("arm", name, study.arms, f"contrast {index + 1}")


def _probe(study: Study) -> Iterator[Found]:
    """Whether the learning-rate probe names two arms that a contrast compares, and a scale."""
    probe = study.learning_rate_probe
    if probe is None:
        return
    unknown = [key for key in ("arm", "control") if getattr(probe, key) not in study.arms]
    for key in unknown:
        yield (
            ("learning_rate_probe", key),
            _unknown("arm", getattr(probe, key), study.arms, "the learning-rate probe"),
        )
    pairs = [(contrast.arm, contrast.control) for contrast in study.contrasts]
    if not unknown and (probe.arm, probe.control) not in pairs:
        turned = (probe.control, probe.arm) in pairs
        known = ", ".join(dict.fromkeys(f"'{arm}' against '{control}'" for arm, control in pairs))
        yield (
            ("learning_rate_probe",),
            f"the learning-rate probe asks about '{probe.arm}' against '{probe.control}', which no contrast compares"
            + (": swap `arm` and `control`" if turned else f"; compared are {known}"),
        )
    scale = probe.scale or next(iter(study.scales))
    if scale not in study.scales:
        yield (
            ("learning_rate_probe", "scale"),
            _unknown("scale", scale, study.scales, "the learning-rate probe"),
        )
    for factor in probe.factors:
        name = probe.scale_at(scale, factor)
        if factor != 1 and name in study.scales:
            yield (
                ("scales", name),
                f"the learning-rate probe calls scale '{scale}' at {factor:g} times its rate '{name}', which is a "
                "scale of the study; rename that one",
            )


def _budgets(study: Study) -> Iterator[Found]:
    """Every phase has at least one step, and every source of its mixture at least one sequence.

    What several arms ask alike is told once, of the first of them.
    """
    told: set[tuple[str, ...]] = set()
    for scale_name, scale in study.scales.items():
        for name, arm in study.arms.items():
            for index, link in enumerate(arm.chain):
                tokens = Fraction(scale.tokens) * Fraction(repr(study.phases[link.phase].parts))
                tokens /= Fraction(repr(study.budget_parts))
                at = f"phase '{link.phase}' of arm '{name}' at scale '{scale_name}'"
                if tokens < scale.global_batch_tokens:
                    if (scale_name, link.phase) not in told:
                        yield (
                            ("scales", scale_name, "tokens"),
                            f"{at} gets {show_count(float(tokens))} tokens, less than one batch of "
                            f"{show_count(scale.global_batch_tokens)}; raise tokens or lower global_batch_tokens",
                        )
                    told.add((scale_name, link.phase))
                    continue
                for source, share in study.mixtures[link.mixture].shares.items():
                    if share * tokens < scale.sequence_length:
                        if (scale_name, link.phase, link.mixture, source) not in told:
                            need = _rounded_up(scale.sequence_length / tokens)
                            yield (
                                ("arms", name, index),
                                f"source '{source}' has {float(share):.3g} of mixture '{link.mixture}', less than one "
                                f"sequence of {at}; raise its share to {need}, raise the scale's tokens, or leave it "
                                "out",
                            )
                        told.add((scale_name, link.phase, link.mixture, source))


def _rounded_up(share: Fraction) -> str:
    """Three significant digits, never less than the share itself."""
    step = Fraction(10) ** (math.floor(math.log10(share)) - 2)
    return f"{float(math.ceil(share / step) * step):.6g}"


def _contrasts(study: Study, declared: int) -> Iterator[Found]:
    """`declared`: how many contrasts stand in the study itself; those that it implies stand at their arm."""
    same = _same_recipes(study)
    for index, contrast in enumerate(study.contrasts):
        where = ("contrasts", index) if index < declared else ("arms", contrast.arm)
        problems = list(_contrast_problems(study, contrast))
        if not problems:
            problems = list(_asked_before(study, index, same))
        yield from ((where, message) for message in problems)


def _same_recipes(study: Study) -> dict[str, str]:
    """By arm that is compared, the first such arm that trains the same recipe: itself, as a rule."""
    first: dict[str, Recipe] = {}
    same = {}
    for name in dict.fromkeys(name for contrast in study.contrasts for name in (contrast.arm, contrast.control)):
        recipe = recipe_of(study, study.arms[name])
        same[name] = next((other for other, theirs in first.items() if theirs == recipe), name)
        first.setdefault(same[name], recipe)
    return same


def _asked_before(study: Study, index: int, same: Mapping[str, str]) -> Iterator[str]:
    """Whether an earlier contrast compares the same two recipes on some of the same outcomes."""
    contrast = study.contrasts[index]
    pair, outcomes = {same[contrast.arm], same[contrast.control]}, study.outcomes_of(contrast)
    for number, earlier in enumerate(study.contrasts[:index], 1):
        if {same[earlier.arm], same[earlier.control]} != pair:
            continue
        shared = [outcome for outcome in study.outcomes_of(earlier) if outcome in outcomes]
        if not shared:
            continue
        on = "" if set(shared) == set(outcomes) else f" on {listing(shared)}"
        if (earlier.arm, earlier.control) == (contrast.arm, contrast.control):
            how = f"as contrast {number} does"
        elif (earlier.arm, earlier.control) == (contrast.control, contrast.arm):
            how = f"which is contrast {number} the other way round"
        else:
            how = f"the same recipes as '{earlier.arm}' and '{earlier.control}' of contrast {number}"
        yield (
            f"arm '{contrast.arm}' is compared with '{contrast.control}'{on}, {how}: one difference would count twice "
            f"in the correction for multiplicity; {'name each outcome in one of them' if on else 'drop one of them'}"
        )
        return


def _contrast_problems(study: Study, contrast: Contrast) -> Iterator[str]:
    if contrast.arm == contrast.control:
        yield f"arm '{contrast.arm}' is compared with itself; name two arms"
        return
    arm, control = (recipe_of(study, study.arms[name]) for name in (contrast.arm, contrast.control))
    found = arm.differences(control)
    if not found:
        yield (
            f"arm '{contrast.arm}' equals its control '{contrast.control}': they train the same recipe, so there is "
            "nothing to compare; change one, or drop the contrast"
        )
    undeclared = [kind for kind in found if kind not in contrast.differs_in]
    if undeclared:
        allowed = f"[{', '.join((*contrast.differs_in, *undeclared))}]"
        yield (
            f"arms '{contrast.arm}' and '{contrast.control}' differ in {' and '.join(undeclared)}, which the contrast "
            f"does not declare; declare `differs_in: {allowed}`, or compare arms that differ in "
            f"{' and '.join(contrast.differs_in)} alone"
        )
    if isinstance(study.design, Additive):
        for name in (contrast.arm, contrast.control):
            for link in study.arms[name].chain:
                shares = study.mixtures[link.mixture].shares
                if not any(source in shares for source in study.design.fixed):
                    yield (
                        f"mixture '{link.mixture}' of arm '{name}' holds none of {listing(study.design.fixed)}, whose "
                        "tokens the additive design fixes; use a competitive design, or give it a share"
                    )
