"""The learning-rate probe as runs: two arms at other rates, which are kept out of the study's own comparisons.

At each factor but 1 the arms are trained at a scale that differs from the study's in its learning rate alone and that
has a name of its own (`nano-rate-x0.5`); at factor 1 the study's own runs are taken.
"""

from __future__ import annotations

from collections.abc import Iterator

from titrant.jobs import PlannedProbe, ProbeRate
from titrant.study.ladder import Scale
from titrant.study.study import Study


def planned_probe(study: Study) -> PlannedProbe | None:
    """What findings are told of it; None if the study has none."""
    probe = study.learning_rate_probe
    if probe is None:
        return None
    scale = probe.scale or next(iter(study.scales))
    rates = tuple(
        ProbeRate(
            factor=factor,
            learning_rate=study.scales[scale].learning_rate * factor,
            scale=probe.scale_at(scale, factor),
        )
        for factor in probe.factors
    )
    return PlannedProbe(arm=probe.arm, control=probe.control, scale=scale, rates=rates)


def probed_scales(study: Study) -> Iterator[tuple[str, str, Scale]]:
    """(arm, name of the scale, scale) of what is trained for the probe alone, each to be run with every seed."""
    probe = planned_probe(study)
    for rate in probe.rates if probe is not None else ():
        if probe is not None and rate.scale != probe.scale:
            scale = study.scales[probe.scale].model_copy(update={"learning_rate": rate.learning_rate})
            yield probe.arm, rate.scale, scale
            yield probe.control, rate.scale, scale
