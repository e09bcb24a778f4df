"""The answer in one sentence, put together from findings by rules that never say more than the verdicts do.

Rules. The first declared contrast without flags leads, at the largest scale; if all are flagged, the first, with its
flags. Small families of outcomes are spelt out, of large ones the mean, and the rest counted. A direction is named
only for `better` and `worse`, with size, unit and interval; the same sentence says what is equivalent or not resolved,
which verdicts of the lead are others without the items that training data hold, and which depend on the learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titrant.report.document import Finding
from titrant.report.numbers import percent, plain, scale_of, seeds, sentence_decimals, signed, size
from titrant.report.outcomes import (
    DEPENDS,
    FLAGGED,
    SHOWN,
    Comparison,
    Shown,
    family_count,
    family_of,
    has_changed,
    is_mean,
    shown,
    where_of,
    without_signal,
)

RESOLVED = ("better", "worse")
SPELT_OUT = 3
"""Families with at most so many outcomes are spelt out, larger ones counted."""
TOGETHER = 3
"""So many small families with something unresolved are told in one clause."""


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
        clauses = _unresolved(f"between {arm} and {control}", seeds(len(lead.seeds)), families)
    else:
        spelt = [f for family, members in families.items() for f in _spelt_out(lead, family, members)]
        changes = _changes([finding for finding in spelt if finding.verdict in RESOLVED], alpha)
        rest = _rest(families)
        first = f"{arm} against {control} {changes}" if changes else f"for {arm} against {control}, {rest.pop(0)}"
        clauses = [first, *rest]
    if lead.flags:
        clauses.append(f"flagged: {_listing(lead.flags)}")
    if changed := [f"{where_of(f.outcome)} is {f.clean.verdict}" for f in lead.findings if f.clean and has_changed(f)]:
        clauses.append(f"without the items that training data hold, {_listing(changed)}")
    if turning := [where_of(finding.outcome) for finding in lead.findings if DEPENDS in finding.flags]:
        clauses.append(f"the verdict on {_listing(turning)} depends on the learning rate")
    return f"At {lead.scale} scale, {'; '.join(clauses)}."


def _spelt_out(lead: Comparison, family: str, members: Sequence[Finding]) -> list[Finding]:
    """Members of a small family, largest difference first; its mean, if there is one, of a large family and where a
    mean alone is resolved."""
    if len(members) <= SPELT_OUT and any(finding.verdict in RESOLVED for finding in members):
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
    """All comparisons counted: `44 comparisons: 9 better, 5 worse, 8 equivalent, 18 not resolved, 4 no signal`."""
    total = sum(len(group.findings) for group in groups)
    counts = {verdict: sum(group.count(verdict) for group in groups) for verdict in SHOWN}
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
    sentences += _detectable(findings, several=len(sizes) > 1)
    if mute := sum(without_signal(finding) for finding in findings):
        sentences.append(
            f"{mute} of {len(findings)} comparisons are on tasks without signal and can show no difference."
        )
    if held := [finding for finding in findings if FLAGGED in finding.flags]:
        changed = sum(map(has_changed, held))
        sentences.append(
            f"Training data hold items that {len(held)} comparison{'s are' if len(held) > 1 else ' is'} over; without "
            f"those items {changed or 'none'} of them {'has' if changed < 2 else 'have'} another verdict."
        )
    sentences.append("“Not resolved” does not mean “no effect”, and an order seen here need not hold at other sizes.")
    return " ".join(sentences)


def _detectable(findings: Sequence[Finding], *, several: bool) -> list[str]:
    """A sentence a unit: the smallest and the largest difference that would go unseen, and on which outcomes."""
    by_unit: dict[str, list[tuple[float, str]]] = {}
    for finding in findings:
        if finding.minimum_detectable is not None and not (is_mean(finding.outcome) or without_signal(finding)):
            where = where_of(finding.outcome) + (f" at {finding.scale} scale" if several else "")
            by_unit.setdefault(finding.unit, []).append((finding.minimum_detectable, where))
    sentences = []
    for unit, values in by_unit.items():
        (least, steady), (most, noisy) = min(values), max(values)
        # no rate can change by more than all of it
        least, most = (min(value, 1.0) if scale_of(unit).factor == 100 else value for value in (least, most))
        decimals = sentence_decimals((least, least + most), unit)
        low, high = size(least, unit, decimals), size(most, unit, decimals)
        points = f" {scale_of(unit).difference}" if scale_of(unit).factor != 1 else ""
        if low == high:
            span = f"{low}{points}"
        elif steady == noisy:
            span = f"{low} to {high}{points}, depending on the arms"
        else:
            span = f"{low}{points} on {steady} (the steadiest comparison) to {high}{points} on {noisy} (the noisiest)"
        sentences.append(f"A difference in {unit} smaller than about {span} would probably go unseen.")
    return sentences


def _named(arm: str, lead: Comparison, code_shares: Mapping[str, float]) -> str:
    ours, theirs = code_shares.get(lead.arm), code_shares.get(lead.control)
    if ours is None or theirs is None or percent(ours) == percent(theirs):
        return arm
    return f"{arm} ({percent(code_shares[arm])} code)"


def _changes(resolved: Sequence[Finding], alpha: float) -> str:
    """What was gained, then what it cost: `lowered bits per byte on code by 0.61 (95 % interval 0.57 to 0.65) and on
    markup by 0.52 (0.41 to 0.63), but raised it on text by ...`."""
    level, quantity = f"{percent(1 - alpha)} interval ", ""
    halves: list[str] = []
    for verdict in RESOLVED:
        groups: dict[tuple[str, str], list[str]] = {}
        for finding in (f for f in resolved if f.verdict == verdict):
            verb = "raised" if finding.difference > 0 else "lowered"
            said = f"on {where_of(finding.outcome)} by {_amount(finding, level)}"
            groups.setdefault((verb, finding.unit), []).append(said)
            level = ""
        phrases = []
        for (verb, unit), amounts in groups.items():
            phrases.append(f"{verb} {'it' if unit == quantity else unit} {_listing(amounts)}")
            quantity = unit
        if phrases:
            halves.append(", and ".join(phrases))
    return ", but ".join(halves)


def _amount(finding: Finding, level: str) -> str:
    low, high = finding.interval
    unit = finding.unit
    decimals = sentence_decimals((low, finding.difference, high), unit)
    spelt = scale_of(unit)
    if low <= 0 <= high:
        ends = [signed(end * spelt.factor, decimals) for end in (low, high)]
    else:
        ends = [size(end, unit, decimals) for end in sorted((low, high), key=abs)]
    points = f" {spelt.difference}" if spelt.factor != 1 else ""
    small = ", less than the margin" if abs(finding.difference) < finding.margin else ""
    return f"{size(finding.difference, unit, decimals)}{points} ({level}{ends[0]} to {ends[1]}{small})"


def _unresolved(between: str, number: str, families: Mapping[str, Sequence[Finding]]) -> list[str]:
    """Clauses where nothing is resolved: the families in which nothing is known stand in the first one."""
    open_ones = {
        family: members for family, members in families.items() if {shown(f) for f in members} == {"not resolved"}
    }
    where = _listing([_scope(family, members) for family, members in open_ones.items()], "or")
    first = f"with {number}, no difference {between} is resolved{f' {where}' if where else ''}"
    rest = {family: members for family, members in families.items() if family not in open_ones}
    return [first, *_rest(rest)]


def _scope(family: str, members: Sequence[Finding]) -> str:
    """`in bits per byte on text, code or markup`, `on any of 8 probes`."""
    quantity = f"in {members[0].unit} " if family == "bits_per_byte" else ""
    if len(members) > SPELT_OUT:
        return f"{quantity}on any of {family_count(family, len(members))}"
    return f"{quantity}on {_listing([where_of(finding.outcome) for finding in members], 'or')}"


def _rest(families: Mapping[str, Sequence[Finding]]) -> list[str]:
    """Clauses for what is not spelt out: whole large families, and the unresolved of small ones. Of many small families
    the unresolved share a clause, but for bits per byte, whose outcomes are sources."""
    small = {f: members for f, members in families.items() if f != "bits_per_byte" and len(members) <= SPELT_OUT}
    open_ = {f: names for f, members in small.items() if (names := _where(members, "not resolved"))}
    clauses = []
    for family, members in families.items():
        if len(members) > SPELT_OUT:
            clauses.append(_count(family, members))
            continue
        where = {verdict: _listing(_where(members, verdict)) for verdict in SHOWN}
        unit = members[0].unit
        if where["equivalent"]:
            clauses.append(f"{unit} on {where['equivalent']} is equivalent within the margin")
        if family in open_ and len(open_) >= TOGETHER:
            if family == next(iter(open_)):
                every = [name for names in open_.values() for name in names]
                clauses.append(f"no difference is resolved on {_listing(every, 'or')}")
        elif where["not resolved"]:
            clauses.append(f"the difference in {unit} on {where['not resolved']} is not resolved")
        if where["no signal"]:
            mute = [finding for finding in members if without_signal(finding)]
            clauses.append(f"{where['no signal']} {_silent(mute)}")
    return clauses


def _where(members: Sequence[Finding], verdict: Shown) -> list[str]:
    return [where_of(finding.outcome) for finding in members if shown(finding) == verdict]


def _count(family: str, members: Sequence[Finding]) -> str:
    """`all 8 probes stay at chance`, `of 8 probes, 1 is better and 7 are not resolved`."""
    mute = [finding for finding in members if without_signal(finding)]
    counts = {verdict: sum(shown(finding) == verdict for finding in members) for verdict in SHOWN}
    present = [verdict for verdict in SHOWN if counts[verdict]]
    total, on = family_count(family, len(members)), family == "bits_per_byte"
    if present == ["no signal"]:
        return f"all {total} {_silent(mute)}"
    if present == ["not resolved"]:
        return f"bits per byte is resolved on none of {total}" if on else f"none of {total} is resolved"
    if len(present) == 1:
        words = _word(present[0])
        return f"bits per byte is {words} on all {total}" if on else f"all {total} are {words}"
    if on:
        parts = [f"{_word(verdict)} on {counts[verdict]}" for verdict in present]
        return f"of {total}, bits per byte is {_listing(parts)}"
    parts = [
        f"{counts[verdict]} {'is' if counts[verdict] == 1 else 'are'} {_word(verdict)}"
        for verdict in present
        if verdict != "no signal"
    ]
    if mute:
        parts.append(f"{len(mute)} {_silent(mute)}")
    return f"of {total}, {_listing(parts)}"


def _word(verdict: Shown) -> str:
    return "equivalent within the margin" if verdict == "equivalent" else verdict


def _silent(mute: Sequence[Finding]) -> str:
    """What tasks that can tell nothing do, in the number that fits."""
    one = len(mute) == 1
    for flag in ("at chance", "at zero"):
        if all(flag in finding.flags for finding in mute):
            return f"stays {flag}" if one else f"stay {flag}"
    return "gives no signal" if one else "give no signal"


def _listing(parts: Sequence[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"
