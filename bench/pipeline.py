"""Cleaning side by side with datatrove: MB of text a CPU second, and whether both drop the same documents.

    python bench/pipeline.py --datatrove OTHER/bin/python [--megabytes 20] [--rounds 3] [--agreement]

OTHER is a virtual environment with `datatrove[processing]==0.10.1` and `spacy` (its pinned versions would narrow
ours). Both sides see the same slices of the shipped study's sources, in turns, one thread each. `--agreement` also
asks datatrove for every rule alone, and lists where decisions differ.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.corpus import fetch_packages, read_documents
from titrant.corpus.signals import find_signals
from titrant.jobs import DocumentsJob
from titrant.study.load import load_study
from titrant.study.origins import Installed
from titrant.study.rule_sets import RULE_SETS

SETS = ("gopher-quality", "gopher-repetition", "c4", "fineweb")
FAMILIES = ("prose", "repetition", "web")
SLICE_BYTES = 2_000_000
"""Text that one side sees before it is the other's turn."""


def silent(done: int, total: int, unit: str, note: str = "") -> None:
    """A progress that says nothing."""


def collect(scratch: Path, megabytes: float) -> pa.Table:
    """Documents of the shipped study and of Python's own library, shuffled by a fixed seed, up to a size."""
    study = load_study("quickstart")
    tables = []
    sources = [(source.kind, source.origins) for source in study.sources.values()]
    sources.append(("code", (Installed(installed="python", exclude=("**/test/**",)),)))
    fetch_packages(study.sources, silent)
    for number, (kind, origins) in enumerate(sources):
        out = scratch / f"source-{number}"
        out.mkdir()
        job = DocumentsJob(kind=kind, origins=origins, plant=None)
        read_documents(job, {}, out, scratch=scratch, progress=silent)
        tables.append(pq.read_table(out))
    table = pa.concat_tables(tables)
    order = list(range(len(table)))
    random.Random(0).shuffle(order)
    sizes, taken, total = table["text"].to_pylist(), [], 0
    for row in order:
        total += len(sizes[row].encode())
        taken.append(row)
        if total >= megabytes * 1e6:
            break
    return table.take(taken)


def slices(table: pa.Table) -> list[pa.RecordBatch]:
    """Neighbouring documents of about SLICE_BYTES."""
    table = table.combine_chunks()
    batches, start, size = [], 0, 0
    for row, text in enumerate(table["text"].to_pylist()):
        size += len(text.encode())
        if size >= SLICE_BYTES or row == len(table) - 1:
            batches.append(table.slice(start, row + 1 - start).to_batches()[0])
            start, size = row + 1, 0
    return batches


def kept_by_rule(signals: pa.RecordBatch) -> dict[str, list[bool]]:
    """By rule, which documents pass; null passes."""
    kept = {}
    for name in SETS:
        for rule in RULE_SETS[name]:
            low, high = rule.at_least, rule.at_most
            kept[rule.title] = [
                value is None or ((low is None or value >= low) and (high is None or value <= high))
                for value in signals.column(rule.signal).to_pylist()
            ]
    return kept


class Peer:
    """datatrove in a process of its own."""

    def __init__(self, python: str) -> None:
        script = Path(__file__).with_name("datatrove_peer.py")
        self._process = subprocess.Popen(
            [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, path: Path, what: str) -> dict:
        """Its answer for the texts in a file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"texts": str(path), "what": what}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def compare_speed(batches: list[pa.RecordBatch], files: list[Path], peer: Peer, rounds: int) -> None:
    """Print MB a CPU second of both sides, slice by slice in turns."""
    megabytes = sum(len(text.encode()) for batch in batches for text in batch["text"].to_pylist()) / 1e6
    find_signals(batches[0], FAMILIES)  # tables and powers are made once
    ours: list[float] = []
    theirs: Counter[str] = Counter()
    for turn in range(rounds):
        seconds = 0.0
        for batch, file in zip(batches, files, strict=True):
            start = time.process_time()
            signals = find_signals(batch, FAMILIES)
            kept_by_rule(signals)
            seconds += time.process_time() - start
            if turn == 0:
                theirs.update(peer.ask(file, "filters")["seconds"])
        ours.append(seconds)
    for family in FAMILIES:
        start = time.process_time()
        for batch in batches:
            find_signals(batch, (family,))
        print(f"  ours, {family} alone: {megabytes / (time.process_time() - start):.1f} MB a CPU second")
    for name, spent in theirs.items():
        print(f"  datatrove, {name}: {megabytes / spent:.2f}")
    whole, other = megabytes / statistics.median(ours), megabytes / sum(theirs.values())
    print(f"quality rules, {megabytes:.1f} MB of text, in MB a CPU second:")
    print(f"  ours {whole:.1f}, datatrove {other:.3f}: {whole / other:.0f} x")
    print("  rounds: " + ", ".join(f"{megabytes / seconds:.1f}" for seconds in ours))


def compare_decisions(batches: list[pa.RecordBatch], files: list[Path], peer: Peer, report: Path | None) -> None:
    """Print by rule the share of documents that both sides keep or both drop."""
    equal: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    total, whole_equal, differences = 0, Counter(), []
    for batch, file in zip(batches, files, strict=True):
        signals = find_signals(batch, FAMILIES)
        ours, theirs = kept_by_rule(signals), peer.ask(file, "rules")["kept"]
        ours["c4"] = [all(row) for row in zip(*(ours[rule.title] for rule in RULE_SETS["c4"]), strict=True)]
        total += len(batch)
        for title, kept in theirs.items():
            same = [a == b for a, b in zip(ours[title], kept, strict=True)]
            equal[title] += sum(same)
            dropped[title] += kept.count(False)
            differences += [
                {"rule": title, "id": batch["id"][row].as_py(), "theirs": kept[row], "text": batch["text"][row].as_py(),
                 "ours": {name: signals.column(name)[row].as_py() for name in signals.schema.names}}
                for row, fine in enumerate(same) if not fine
            ]  # fmt: skip
        for name in SETS:
            titles = [title for title in theirs if title.split(":")[0] == name]
            whole_equal[name] += sum(
                all(a) == all(b)
                for a, b in zip(
                    zip(*(ours[title] for title in titles), strict=True),
                    zip(*(theirs[title] for title in titles), strict=True),
                    strict=True,
                )
            )
    print(f"equal decisions of {total} documents (dropped by datatrove):")
    for title in equal:
        print(f"  {equal[title] / total:8.3%}  {title} ({dropped[title]}; {total - equal[title]} differ)")
    for name in SETS:
        print(f"  {whole_equal[name] / total:8.3%}  all of {name}")
    if report is not None:
        report.write_text("".join(json.dumps(difference) + "\n" for difference in differences))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datatrove", required=True, help="a Python that has datatrove and spaCy")
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--agreement", action="store_true")
    parser.add_argument("--differences", type=Path, help="write every differing decision here, one JSON a line")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        batches = slices(collect(scratch, given.megabytes))
        files = [scratch / f"{number}.jsonl" for number in range(len(batches))]
        for file, batch in zip(files, batches, strict=True):
            file.write_text("".join(json.dumps(text) + "\n" for text in batch["text"].to_pylist()), "utf-8")
        peer = Peer(given.datatrove)
        compare_speed(batches, files, peer, given.rounds)
        if given.agreement:
            compare_decisions(batches, files, peer, given.differences)


if __name__ == "__main__":
    main()
