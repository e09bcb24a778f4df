"""Some problems from their solutions to what is decided about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from titrant.jobs import VerificationJob
from titrant.sandbox import Sandbox
from titrant.study.limits import Limits
from titrant.synthesize.verify import contracts, judging
from titrant.synthesize.verify.candidates import Asked
from titrant.synthesize.verify.deciding import Decided, decide
from titrant.synthesize.verify.forms import Solved, explanation, translated
from titrant.synthesize.verify.judging import Held
from titrant.synthesize.verify.verifier import Verifier


class Opening(Protocol):
    """Gives the sandbox with some limits, in which sets have the order that a hash seed gives them."""

    def __call__(self, limits: Limits, /, hash_seed: int = 0) -> Sandbox: ...


_OTHER_HASH_SEED = 1


def verify_part(
    job: VerificationJob, asked: Sequence[Asked], opened: Opening, tick: Callable[[int], None] = lambda done: None
) -> list[Decided]:
    """Judge all solutions of some problems and decide about each problem by itself. It depends on nothing else: neither
    on the other problems nor on the machine. `tick` is told of the time that passes."""
    sandbox = opened(job.verify.limits)
    verifier = Verifier(sandbox, lambda: opened(job.verify.limits, _OTHER_HASH_SEED), job.verify, tick)
    helds = verifier.held(asked)
    judged = verifier.judge_all(asked, helds)
    decided = [decide(one, found, job.verify.level) for one, found in zip(asked, judged, strict=True)]
    decided = _with_contracts(job, asked, helds, decided, opened)
    solved = [Solved(one, held, _accepted(one, found)) for one, held, found in zip(asked, helds, decided, strict=True)]
    translations: list[list[tuple[str, str]]] = [[] for _ in asked]
    for language in job.forms:
        if language not in ("python", "text"):
            for place, text in translated(language, solved, sandbox).items():
                translations[place].append((language, text))
    return [
        replace(
            found,
            examples=one.held.examples() if one.held and one.held.shown else "",
            text=explanation(one, sandbox) if "text" in job.forms else "",
            translations=tuple(others),
        )
        for found, one, others in zip(decided, solved, translations, strict=True)
    ]


def _accepted(one: Asked, found: Decided) -> str:
    return one.of("python")[found.accepted].text if found.accepted is not None else ""


def _with_contracts(
    job: VerificationJob,
    asked: Sequence[Asked],
    helds: Sequence[Held | None],
    decided: Sequence[Decided],
    opened: Opening,
) -> list[Decided]:
    """What is known of contracts; a solution whose contract is refuted is not accepted."""
    found: list[Decided] = []
    wanted: list[int] = []
    declared = job.verify.contracts
    for place, (one, held, each) in enumerate(zip(asked, helds, decided, strict=True)):
        found.append(_refuted_or_not(one, each, contracts.on_inputs(one.problem, held), job))
        looked = declared is not None and contracts.is_looked_at(one.problem, declared.share)
        if looked and found[-1].accepted is not None and found[-1].contracts == contracts.HOLD:
            wanted.append(place)
    if declared is not None and wanted:
        programs = []
        for place in wanted:
            held = helds[place]
            assert held is not None
            programs.append((asked[place].problem, _accepted(asked[place], found[place]), held))
        opened_for = opened(contracts.limits(declared.seconds))
        said = contracts.search(programs, declared.seconds, opened_for, opened(job.verify.limits))
        for place, state in zip(wanted, said, strict=True):
            found[place] = _refuted_or_not(asked[place], found[place], state, job)
    return found


def _refuted_or_not(one: Asked, found: Decided, state: str, job: VerificationJob) -> Decided:
    if state.startswith(contracts.REFUTED) and found.accepted is not None:
        worse = found.judged[found.accepted].but(judging.REFUTED, state)
        found = found.without(found.accepted, worse, one, job.verify.level)
        if found.accepted is not None:
            state = contracts.UNSEEN  # of the one that is accepted now
    return replace(found, contracts=state)
