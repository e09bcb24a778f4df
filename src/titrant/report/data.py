"""The data: what every source held, what became of each of its documents and why, and examples to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from titrant.artifacts import Examples
from titrant.errors import StoreError
from titrant.report import numbers
from titrant.report.cells import Column, Table, cell, to_html, to_markdown
from titrant.report.document import ExampleEntry, SourceEntry
from titrant.report.markup import anchor, element, escape, markdown_text

KEPT = {"train": "trained on", "reserved": "reserved", "held_out": "held out"}
"""Fates of documents that are used, and their words."""
MOST_NAMED = 8
"""Languages and licences that are named; the rest is counted."""
NOTE = (
    "What was read, and what became of it: every document has one fate, and what is dropped has the first reason that "
    "was found. Shares are of bytes. Examples are those with the smallest content hashes, so that nobody chose them; "
    "secrets and e-mail addresses in them are replaced. Of a source that is transformed, kept examples are shown as "
    "they are trained on."
)

_EXAMPLES = TypeAdapter(dict[str, tuple[ExampleEntry, ...]])


def read_examples(folder: Path) -> dict[str, tuple[ExampleEntry, ...]]:
    """Examples of one source by fate. Raises StoreError if the file is damaged."""
    Examples.read(folder)
    path = folder / "examples.json"
    try:
        return _EXAMPLES.validate_python(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None


def data_html(sources: Sequence[SourceEntry]) -> str:
    """The section of the page."""
    return element("p", escape(NOTE), class_="note") + "".join(map(_source_html, sources))


def data_markdown(sources: Sequence[SourceEntry]) -> list[str]:
    """The same for report.md, without examples: they stand in report.json."""
    parts = ["## Data", markdown_text(NOTE)]
    for source in sources:
        parts += [f"### {markdown_text(source.source)}", markdown_text(_line(source)), to_markdown(fates_table(source))]
        parts += [f"- {head}: {markdown_text(text)}" for head, text in _compositions(source)]
    return parts


def fates_table(source: SourceEntry) -> Table:
    """Documents and bytes by fate: what is kept first, then reasons for dropping by size."""
    whole = sum(source.bytes.values())
    columns = (
        Column("fate"),
        Column("documents", numeric=True),
        Column("bytes", numeric=True),
        Column("share", numeric=True),
    )
    rows = tuple(
        (
            cell(_words(fate)),
            cell(numbers.count(source.documents[fate]), sort=source.documents[fate]),
            cell(numbers.count(source.bytes[fate]), sort=source.bytes[fate]),
            cell(numbers.percent(source.bytes[fate] / whole), sort=source.bytes[fate]),
        )
        for fate in _fates(source)
    )
    return Table(columns, rows, caption=f"What became of {source.source}")


def _fates(source: SourceEntry) -> list[str]:
    given = [fate for fate, number in source.documents.items() if number]
    dropped = sorted((fate for fate in given if fate not in KEPT), key=lambda fate: (-source.bytes[fate], fate))
    return [*(fate for fate in KEPT if fate in given), *dropped]


def _words(fate: str) -> str:
    return KEPT.get(fate, f"dropped: {fate}")


def _line(source: SourceEntry) -> str:
    kept = sum(source.documents.get(fate, 0) for fate in KEPT)
    share = sum(source.bytes.get(fate, 0) for fate in KEPT) / max(1, sum(source.bytes.values()))
    return (
        f"{source.kind}; {numbers.count(sum(source.documents.values()))} documents read, "
        f"{numbers.count(sum(source.bytes.values()))} bytes; {numbers.count(kept)} kept, {numbers.percent(share)} of "
        f"the bytes; {numbers.count(source.train_tokens)} tokens to train on"
    )


def _compositions(source: SourceEntry) -> list[tuple[str, str]]:
    found = [
        ("languages read, by bytes", _largest(source.bytes_by_language)),
        ("licences read, by bytes", _largest(source.bytes_by_licence)),
        ("licences kept, by tokens", _largest(source.tokens_by_licence)),
    ]
    if source.left_out:
        reasons = sorted(source.left_out.items(), key=lambda entry: (-entry[1], entry[0]))
        found.append(("not read", ", ".join(f"{reason} {numbers.count(number)}" for reason, number in reasons)))
    if (changes := source.transformed) is not None:
        parts = [f"{numbers.count(changes.changed)} documents", f"not {numbers.count(changes.unchanged)}"]
        parts += [f"left out {numbers.count(number)}: {reason}" for reason, number in changes.left_out.items()]
        found.append(("changed", ", ".join(parts)))
    return [(head, text) for head, text in found if text]


def _largest(sizes: Mapping[str, int]) -> str:
    whole = max(1, sum(sizes.values()))
    ranked = sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))
    named = ", ".join(f"{name} {numbers.percent(size / whole)}" for name, size in ranked[:MOST_NAMED])
    return f"{named} and {len(ranked) - MOST_NAMED} more" if len(ranked) > MOST_NAMED else named


def _source_html(source: SourceEntry) -> str:
    compositions = "".join(
        element("dt", escape(head)) + element("dd", escape(text)) for head, text in _compositions(source)
    )
    return "".join(
        [
            element("h3", escape(source.source), id=anchor("source", source.source)),
            element("p", escape(_line(source)), class_="note"),
            _flow(source),
            to_html(fates_table(source)),
            element("dl", compositions, class_="facts"),
            _examples_html(source),
        ]
    )


def _flow(source: SourceEntry) -> str:
    """One bar over all bytes: what is kept from the left, what is dropped after it."""
    whole = max(1, sum(source.bytes.values()))
    parts = "".join(
        element(
            "span",
            class_=f"part {fate.replace('_', '-') if fate in KEPT else 'dropped'}",
            style=f"flex-grow:{source.bytes[fate] / whole:.6f}",
            title=f"{_words(fate)}: {numbers.percent(source.bytes[fate] / whole)}",
        )
        for fate in _fates(source)
    )
    label = ", ".join(f"{_words(fate)} {numbers.percent(source.bytes[fate] / whole)}" for fate in _fates(source))
    return element("div", parts, class_="flow", role="img", aria_label=label)


def _examples_html(source: SourceEntry) -> str:
    parts = []
    for fate in _fates(source):
        for example in source.examples.get(fate, ()):
            length = f"{numbers.count(example.characters)} characters"
            about = f"{example.language}, {example.licence}, {example.origin}, {length}"
            more = "…" if len(example.text) < example.characters else ""
            head = element("b", escape(_words(fate))) + " " + element("span", escape(about), class_="quiet")
            parts.append(element("p", head, class_="example") + element("pre", escape(example.text + more)))
    return element("details", element("summary", "Examples of each fate") + "".join(parts)) if parts else ""
