"""The answer in one sentence, put together from findings by rules that never say more than the verdicts do.

Rules. The first declared contrast without flags leads, at the largest scale; if all are flagged, the first, with its
flags. Small families of outcomes are spelt out, of large ones the mean, and the rest counted. A direction is named
only for `better` and `worse`, with size, unit and interval; the same sentence says what is equivalent or not resolved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titrant.report.document import VERDICTS, Finding
from titrant.report.numbers import percent, plain, scale_of, seeds, sentence_decimals, signed, size
from titrant.report.outcomes import Comparison, family_count, family_of, is_mean, where_of, without_signal

RESOLVED = ("better", "worse")
SPELT_OUT = 3
"""Families with at most so many outcomes are spelt out, larger ones counted."""


def lead_of(groups: Sequence[Comparison], scales: Sequence[str]) -> Comparison:
    """The comparison that the headline leads with."""
    largest = [scale for scale in scales if any(group.scale == scale for group in groups)][-1]
    there = [group for group in groups if group.scale == largest]
    return next((group for group in there if not group.flags), there[0])


def compose_headline(
    groups: Sequence[Comparison], scales: Sequence[str], code_shares: Mapping[str, float], alpha: float
) -> str:
    """One sentence. `code_shares`: share of realised tokens from code by arm; `alpha`: 1 minus the intervals' level."""
    if not groups:
        return "The study declares no comparison, so nothing is gained or lost: the scores stand below."
    lead = lead_of(groups, scales)
    arm, control = _named(lead.arm, lead, code_shares), _named(lead.control, lead, code_shares)
    families = _families(lead)
    if all(finding.verdict not in RESOLVED for finding in lead.findings):
        first = f"no difference between {arm} and {control} is resolved with {seeds(len(lead.seeds))}"
        clauses = [first, *(_count(family, members) for family, members in families.items())]
    else:
        spelt = [f for family, members in families.items() for f in _spelt_out(lead, family, members)]
        changes = _changes([finding for finding in spelt if finding.verdict in RESOLVED], alpha)
        rest = _rest(families)
        first = f"{arm} against {control} {changes}" if changes else f"for {arm} against {control}, {rest.pop(0)}"
        clauses = [first, *rest]
    if lead.flags:
        clauses.append(f"flagged: {_listing(lead.flags)}")
    return f"At {lead.scale} scale, {'; '.join(clauses)}."


def _spelt_out(lead: Comparison, family: str, members: Sequence[Finding]) -> list[Finding]:
    """Members of a small family, largest difference first; of a large one, its mean if there is one."""
    if len(members) <= SPELT_OUT:
        return sorted(members, key=lambda finding: -abs(finding.difference))
    return [f for f in lead.findings if is_mean(f.outcome) and family_of(f.outcome) == family]


def _families(lead: Comparison) -> dict[str, list[Finding]]:
    families: dict[str, list[Finding]] = {}
    for finding in lead.findings:
        if is_mean(finding.outcome):
            continue
        families.setdefault(family_of(finding.outcome), []).append(finding)
    return families


def tally(groups: Sequence[Comparison]) -> str:
    """All comparisons counted by verdict: `44 comparisons: 9 better, 5 worse, 8 equivalent, 22 not resolved`."""
    total = sum(len(group.findings) for group in groups)
    counts = {
        verdict: sum(group.count(verdict) for group in groups)
        for verdict in ("better", "worse", "equivalent", "not resolved")
    }
    parts = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
    return f"{total} comparison{'' if total == 1 else 's'}: {parts}"


def limits(groups: Sequence[Comparison], sizes: Mapping[str, tuple[int, int]]) -> str:
    """What models of these sizes and this many seeds cannot tell. `sizes`: parameters and tokens of a run, by scale."""
    findings = [finding for group in groups for finding in group.findings]
    models = " and ".join(
        f"{plain(parameters, 0)} parameters trained on {plain(tokens, 0)} tokens a run ({scale})"
        for scale, (parameters, tokens) in sizes.items()
    )
    number = max((len(group.seeds) for group in groups), default=0)
    sentences = [f"These are models of {models}, {seeds(number)} an arm."]
    if detectable := _detectable(findings):
        sentences.append(f"Differences below about {detectable} would probably go unseen.")
    sentences.append("“Not resolved” does not mean “no effect”, and an order seen here need not hold at other sizes.")
    return " ".join(sentences)


def _detectable(findings: Sequence[Finding]) -> str:
    by_unit: dict[str, list[float]] = {}
    for finding in findings:
        if finding.minimum_detectable is not None and not (is_mean(finding.outcome) or without_signal(finding)):
            by_unit.setdefault(finding.unit, []).append(finding.minimum_detectable)
    parts = []
    for unit, values in by_unit.items():
        low, high = size(min(values), unit), size(max(values), unit)
        span = low if low == high else f"{low} to {high}"
        parts.append(f"{span} {scale_of(unit).difference}")
    return _listing(parts, "or")


def _named(arm: str, lead: Comparison, code_shares: Mapping[str, float]) -> str:
    ours, theirs = code_shares.get(lead.arm), code_shares.get(lead.control)
    if ours is None or theirs is None or percent(ours) == percent(theirs):
        return arm
    return f"{arm} ({percent(code_shares[arm])} code)"


def _changes(resolved: Sequence[Finding], alpha: float) -> str:
    """`lowered bits per byte on code by 0.61 (95 % interval 0.57 to 0.65) and raised it on text by ...`."""
    phrases: list[str] = []
    said: tuple[str, str] | None = None
    for finding in resolved:
        quantity, where = finding.unit, where_of(finding.outcome)
        verb = "raised" if finding.difference > 0 else "lowered"
        level = f"{percent(1 - alpha)} interval " if not phrases else ""
        amount = f"on {where} by {_amount(finding, level)}"
        if said == (verb, quantity):
            phrases.append(amount)
        else:
            phrases.append(f"{verb} {'it' if said and said[1] == quantity else quantity} {amount}")
        said = (verb, quantity)
    return _listing(phrases)


def _amount(finding: Finding, level: str) -> str:
    low, high = finding.interval
    unit = finding.unit
    decimals = sentence_decimals((low, finding.difference, high), unit)
    shown = scale_of(unit)
    if low <= 0 <= high:
        ends = [signed(end * shown.factor, decimals) for end in (low, high)]
    else:
        ends = [size(end, unit, decimals) for end in sorted((low, high), key=abs)]
    points = f" {shown.difference}" if shown.factor != 1 else ""
    small = ", less than the margin" if abs(finding.difference) < finding.margin else ""
    return f"{size(finding.difference, unit, decimals)}{points} ({level}{ends[0]} to {ends[1]}{small})"


def _rest(families: Mapping[str, Sequence[Finding]]) -> list[str]:
    """Clauses for what is not spelt out: whole large families, and the unresolved of small ones."""
    clauses = []
    for family, members in families.items():
        if len(members) > SPELT_OUT:
            clauses.append(_count(family, members))
            continue
        for verdict, words in (("equivalent", "equivalent within the margin"), ("not resolved", "not resolved")):
            where = [where_of(finding.outcome) for finding in members if finding.verdict == verdict]
            if where:
                clauses.append(f"{members[0].unit} on {_listing(where)} is {words}")
    return clauses


def _count(family: str, members: Sequence[Finding]) -> str:
    """`of 8 probes 1 is better, 1 worse, 1 equivalent, 5 not resolved`."""
    mute = sum(without_signal(finding) for finding in members)
    telling = [finding.verdict for finding in members if not without_signal(finding)]
    counts = [*((telling.count(verdict), verdict) for verdict in VERDICTS), (mute, "without signal")]
    (number, verdict), *others = [(number, verdict) for number, verdict in counts if number]
    whole = f"of {family_count(family, len(members))}"
    if family == "bits_per_byte":
        whole = f"of bits per byte on {family_count(family, len(members))}"
    parts = [f"{number} {'is' if number == 1 else 'are'} {verdict}", *(f"{n} {word}" for n, word in others)]
    return f"{whole} {', '.join(parts)}"


def _listing(parts: Sequence[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"
