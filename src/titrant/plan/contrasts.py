"""The contrasts of a study as findings are told of them: outcomes and flags written out."""

from __future__ import annotations

from collections.abc import Iterator

from titrant.jobs import PlannedContrast
from titrant.study.derived import root_of
from titrant.study.evaluation import Additive
from titrant.study.recipe import recipe_of
from titrant.study.study import Study


def planned_contrasts(study: Study) -> Iterator[PlannedContrast]:
    """Each contrast with the names of its outcomes and with what its arms differ in beyond the mixture, as flags."""
    for contrast in study.contrasts:
        arm, control = (recipe_of(study, study.arms[name]) for name in (contrast.arm, contrast.control))
        flags = [f"{kind.replace('_', ' ')} differs" for kind in arm.differences(control) if kind != "mixture"]
        if isinstance(study.design, Additive) and "tokens differs" not in flags:
            flags.append("tokens differ by design (additive)")
        yield PlannedContrast(
            arm=contrast.arm,
            control=contrast.control,
            differs_in=contrast.differs_in,
            outcomes=study.outcomes_of(contrast),
            flags=tuple(flags),
        )


def same_documents(study: Study) -> tuple[tuple[str, ...], ...]:
    """Outcomes that are scored on the same held-out documents, two or more to a group."""
    groups: dict[str, list[str]] = {}
    for outcome in study.outcomes():
        kind, _, source = outcome.partition("/")
        if kind == "bits_per_byte":
            groups.setdefault(root_of(source, study.sources), []).append(outcome)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
