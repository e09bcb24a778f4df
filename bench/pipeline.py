"""Cleaning side by side with datatrove: MB of text a CPU second, and whether both drop the same documents.

    python bench/pipeline.py --datatrove OTHER/bin/python [--megabytes 20] [--rounds 3] [--agreement]
    python bench/pipeline.py --datatrove OTHER/bin/python --end-to-end [--megabytes 200] [--pages FOLDER] [--code torch]

OTHER is a virtual environment with `datatrove[processing]==0.10.1`, `spacy` and `orjson` (its pins would narrow
ours). Both sides see the same documents of the shipped study's sources, of Python's own library, of installed
distributions (`--code`) and of folders of HTML pages (`--pages`), one thread each. Without `--end-to-end` the rules
are compared slice by slice in turns; `--agreement` also asks datatrove for every rule alone, and lists where decisions
differ. With it, each side filters, drops near-duplicates and encodes what is left, as it does in earnest.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import FORMAT, RECORD, Artifact, Record
from titrant.corpus import fetch_packages, find_all_signals, read_documents, sign_documents, split_documents
from titrant.corpus.signals import find_signals
from titrant.corpus.writer import GROUP_BYTES
from titrant.corpus.writer import SCHEMA as DOCUMENTS
from titrant.jobs import DocumentsJob, SignalsJob, SignaturesJob, SplitJob, TokenizerJob, TokensJob
from titrant.study.architecture import TrainedTokenizer
from titrant.study.cleaning import NearDuplicates, Rule
from titrant.study.load import load_study
from titrant.study.origins import Files, Installed
from titrant.study.parsers import HtmlPages
from titrant.study.rule_sets import RULE_SETS
from titrant.tokens import encode_documents, make_tokenizer
from titrant.tokens.tokenizer import END_OF_TEXT

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "RAYON")}
SETS = ("gopher-quality", "gopher-repetition", "c4", "fineweb")
FAMILIES = ("prose", "repetition", "web")
SLICE_BYTES = 2_000_000
"""Text that one side sees before it is the other's turn."""


def silent(done: int, total: int, unit: str, note: str = "") -> None:
    """A progress that says nothing."""


def collect(scratch: Path, megabytes: float, pages: list[Path], code: list[str]) -> pa.Table:
    """Documents of the shipped study and what else is named, shuffled by a fixed seed, up to a size."""
    study = load_study("quickstart")
    tables = []
    sources = [(source.kind, source.origins) for source in study.sources.values()]
    sources.append(("code", (Installed(installed="python", exclude=("**/test/**",)),)))
    sources += [("code", (Installed(installed=name),)) for name in code]
    sources += [("text", (Files(files=(f"{folder}/**/*.html",), parse=HtmlPages()),)) for folder in pages]
    fetch_packages(study.sources, silent)
    for number, (kind, origins) in enumerate(sources):
        out, own = scratch / f"source-{number}", scratch / f"source-{number}-scratch"
        out.mkdir()
        own.mkdir()
        job = DocumentsJob(kind=kind, origins=origins, plant=None)
        read_documents(job, {}, out, scratch=own, progress=silent)
        read = pq.read_table(out)
        ids = pa.array([f"{number}/{id_}" for id_ in read["id"].to_pylist()], pa.string())
        tables.append(read.set_column(read.schema.get_field_index("id"), "id", ids))
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


def slices(table: pa.Table, most: int = SLICE_BYTES) -> list[pa.RecordBatch]:
    """Neighbouring documents of about so many bytes."""
    table = table.combine_chunks()
    batches, start, size = [], 0, 0
    for row, text in enumerate(table["text"].to_pylist()):
        size += len(text.encode())
        if size >= most or row == len(table) - 1:
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
            [python, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | ONE_THREAD,
        )

    def ask(self, path: Path, what: str, **more: str) -> dict:
        """Its answer for the texts in a file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"texts": str(path), "what": what, **more}) + "\n")
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


# ---------------------------------------------------------------------------------------------------------------------
# end to end


def store(folder: Path, table: pa.Table) -> None:
    """The documents as the documents stage stores them."""
    folder.mkdir()
    with pq.ParquetWriter(folder / "documents-00000.parquet", DOCUMENTS, compression="zstd") as writer:
        for batch in slices(table.select(DOCUMENTS.names).cast(DOCUMENTS), GROUP_BYTES):
            writer.write_batch(batch)


def record(folder: Path, summary: Artifact) -> None:
    """What makes a folder an artifact that the next stage reads."""
    made = Record(
        format=FORMAT, kind=summary.kind, version=summary.version, fingerprint="0" * 64, declaration={}, inputs={},
        files={}, summary=summary.model_dump(mode="json"),
    )  # fmt: skip
    (folder / RECORD).write_text(json.dumps(made.model_dump(mode="json")))


class Ours:
    """Our stages one after another, as `titrant run` does them, each in a folder of its own."""

    def __init__(self, scratch: Path, table: pa.Table) -> None:
        self._scratch = scratch
        self.seconds: dict[str, float] = {}
        self.folders = {"documents": scratch / "documents"}
        store(self.folders["documents"], table)

    def run(self, name: str, stage: Callable[..., Artifact], job: object, **inputs: str) -> None:
        """One stage; `inputs` says by role what it reads."""
        out, scratch = self._scratch / name, self._scratch / f"{name}-scratch"
        out.mkdir()
        scratch.mkdir()
        start = time.process_time()
        summary = stage(
            job,
            {role.replace("__", "/"): self.folders[made] for role, made in inputs.items()},
            out,
            scratch=scratch,
            progress=silent,
        )
        self.seconds[name] = time.process_time() - start
        record(out, summary)
        self.folders[name] = out


def run_ours(scratch: Path, table: pa.Table) -> Ours:
    """Signals, signatures, split and tokens; the tokenizer is trained on what no rule was asked of, untimed."""
    ours, near = Ours(scratch, table), NearDuplicates(permutations=128)
    rules = tuple(rule for name in SETS for rule in RULE_SETS[name])
    everything = SplitJob(hold_out_fraction=0.01, reserve_fraction=0)
    ours.run("split of all", split_documents, everything, documents="documents")
    trained = TrainedTokenizer(
        mixture="all", vocabulary=16_384, training_bytes=min(5_000_000, table["text"].nbytes // 2)
    )
    ours.run(
        "tokenizer", make_tokenizer, TokenizerJob(tokenizer=trained, byte_shares={"all": "1/1"}),
        documents__all="documents", split__all="split of all",
    )  # fmt: skip
    for _ in range(2):  # tables are made once, and are no part of the speed
        find_signals(table.slice(0, 20).combine_chunks().to_batches()[0], FAMILIES)
    ours.run("signals", find_all_signals, SignalsJob(families=FAMILIES), documents="documents")
    ours.run("signatures", sign_documents, SignaturesJob(near=near), documents="documents")
    ours.run(
        "split", split_documents, everything.model_copy(update={"rules": rules, "near": near}),
        documents="documents", signals="signals", signatures="signatures",
    )  # fmt: skip
    tokens = TokensJob(max_document_characters=None)
    ours.run("tokens", encode_documents, tokens, documents="documents", split="split", tokenizer="tokenizer")
    ours.run(
        "tokens of all", encode_documents, tokens, documents="documents", split="split of all", tokenizer="tokenizer"
    )
    return ours


def compare_pipelines(table: pa.Table, scratch: Path, peer: Peer) -> None:
    """Print what each part and the whole took on both sides, and where they keep, drop and encode the same."""
    sizes = {id_: len(text.encode()) for id_, text in zip(*(table[c].to_pylist() for c in ("id", "text")), strict=True)}
    megabytes = sum(sizes.values()) / 1e6
    ours = run_ours(scratch, table)
    folder = scratch / "theirs"
    folder.mkdir()
    file = folder / "documents.jsonl"
    with file.open("w", encoding="utf-8") as stream:
        for row in table.select(["id", "text"]).to_pylist():
            stream.write(json.dumps(row) + "\n")
    theirs = peer.ask(
        file, "pipeline", folder=str(folder), tokenizer=str(ours.folders["tokenizer"] / "tokenizer.json"),
        end_of_text=END_OF_TEXT,
    )  # fmt: skip
    fates = pq.read_table(ours.folders["split"] / "split.parquet")["fate"].to_pylist()
    by_id = dict(zip(table["id"].to_pylist(), fates, strict=True))
    print_speeds(megabytes, sizes, ours, theirs, by_id)
    print_fates(by_id, theirs)
    print_decisions(table["id"].to_pylist(), ours, theirs)
    print_tokens(ours, theirs)


def print_speeds(megabytes: float, sizes: dict, ours: Ours, theirs: dict, fates: dict[str, str]) -> None:
    """MB of what a part reads by the CPU seconds it took, and the whole by all seconds."""
    kept = sum(size for id_, size in sizes.items() if fates[id_] in ("train", "reserved")) / 1e6
    filters = ours.seconds["signals"] + ours.seconds["split"]
    print(f"{megabytes:.1f} MB, {len(sizes)} documents; MB a CPU second of what each part reads:")
    whole = megabytes / sum(theirs["filters"].values())
    rows = [
        ("all rules on all documents", megabytes / ours.seconds["signals"], whole),
        ("signatures", megabytes / ours.seconds["signatures"], rate(theirs, "signatures")),
        ("tokens", kept / ours.seconds["tokens"], rate(theirs, "tokens")),
    ]
    for name, mine, other in rows:
        print(f"  {name:30} ours {mine:8.2f}  datatrove {other:8.3f}  {mine / other:6.1f} x")
    for name, seconds in theirs["filters"].items():
        print(f"  datatrove's {name} alone: {megabytes / seconds:.2f}")
    print(f"  datatrove's matching {rate(theirs, 'matching'):.1f}, reading {rate(theirs, 'read'):.0f}")
    print(f"  our rules, duplicates and matching (split): {megabytes / ours.seconds['split']:.1f}")
    mine = filters + ours.seconds["signatures"] + ours.seconds["tokens"]
    other = sum(theirs["seconds"].values())
    print("end to end, each as it works (datatrove leaves a document at the first filter that drops it), CPU seconds:")
    print(f"  ours {mine:.1f}, datatrove {other:.1f}: {other / mine:.1f} x; kept {kept:.1f} MB")
    mine = filters + ours.seconds["signatures"] + ours.seconds["tokens of all"]
    other = sum(megabytes / speed for _, _, speed in rows) + sum(
        megabytes / rate(theirs, part) for part in ("read", "matching")
    )
    print("end to end, every part on every document (datatrove's parts at their speeds above), CPU seconds:")
    print(f"  ours {mine:.1f} ({megabytes / mine:.1f} MB/s), datatrove {other:.1f}: {other / mine:.1f} x", flush=True)


def rate(theirs: dict, part: str) -> float:
    """MB a CPU second of one of datatrove's parts."""
    return theirs["bytes"][part] / 1e6 / max(theirs["seconds"][part], 1e-9)


def print_fates(fates: dict[str, str], theirs: dict) -> None:
    """Documents by what both sides did with them."""
    survivors, unique = set(theirs["survivors"]), set(theirs["unique"])
    pairs: Counter[tuple[str, str]] = Counter()
    for id_, fate in fates.items():
        mine = (
            "kept" if fate in ("train", "reserved", "held_out") else "rule" if fate.startswith("rule") else "duplicate"
        )
        pairs[mine, "kept" if id_ in unique else "duplicate" if id_ in survivors else "rule"] += 1
    print("documents by what became of them, ours and datatrove's:")
    for (mine, other), count in sorted(pairs.items()):
        print(f"  {mine:10}{other:10}{count:8}{'' if mine == other else '  differ'}")


def print_decisions(ids: list[str], ours: Ours, theirs: dict) -> None:
    """By set of rules, documents that both sides keep or both drop, and how near to a threshold each other one is."""
    signals = pq.read_table(ours.folders["signals"] / "signals-00000.parquet").combine_chunks().to_batches()[0]
    kept = kept_by_rule(signals)
    print("equal decisions by set of rules, and of those that differ what lies nearest to its threshold:")
    for name in SETS:
        rules = RULE_SETS[name]
        mine = [all(row) for row in zip(*(kept[rule.title] for rule in rules), strict=True)]
        different = [row for row, (a, b) in enumerate(zip(mine, theirs["kept"][name], strict=True)) if a != b]
        dropped = theirs["kept"][name].count(False)
        print(f"  {1 - len(different) / len(ids):9.4%}  {name} (datatrove drops {dropped}; {len(different)} differ)")
        reasons: Counter[str] = Counter()
        for row in different:
            margins = [(margin(rule, signals.column(rule.signal)[row].as_py()), rule) for rule in rules]
            margins = [(abs(by), rule) for by, rule in margins if (by < 0) == (not mine[row])]
            by, rule = min(margins, key=lambda pair: pair[0], default=(0.0, rules[0]))
            size = "within 1 %" if by < 0.01 else "within 10 %" if by < 0.1 else "further away"
            reasons[f"we {'keep' if mine[row] else 'drop'}, {rule.signal} {size}"] += 1
        for reason, count in reasons.most_common():
            print(f"      {count:6}  {reason}")


def margin(rule: Rule, value: float | None) -> float:
    """How far inside its bounds a value is, by the bound; negative outside, infinite where nothing is asked."""
    if value is None:
        return math.inf
    low = math.inf if rule.at_least is None else (value - rule.at_least) / max(rule.at_least, 1e-9)
    high = (
        math.inf
        if rule.at_most is None
        else (rule.at_most - value) / max(rule.at_most, 1.0 if rule.at_most == 0 else 0)
    )
    return min(low, high)


def print_tokens(ours: Ours, theirs: dict) -> None:
    """Whether documents that both sides encoded have the same tokens."""
    rows = pq.read_table(ours.folders["tokens of all"] / "train.parquet", columns=["id", "tokens"]).to_pydict()
    mine = np.fromfile(ours.folders["tokens of all"] / "train.bin", np.uint16)
    end = np.cumsum(rows["tokens"])
    assert end[-1] == len(mine), (end[-1], len(mine))
    spans = {id_: (int(e) - n, int(e)) for id_, n, e in zip(rows["id"], rows["tokens"], end, strict=True)}
    index, other = (next(path for path in theirs["tokens"] if path.endswith(ending)) for ending in (".index", ".ds"))
    their_tokens, their_ends = np.fromfile(other, np.uint16), np.fromfile(index, np.uint64).astype(int)
    same = total = 0
    for id_, start, stop in zip(theirs["unique"], [0, *their_ends[:-1]], their_ends, strict=True):
        if id_ in spans:
            total += 1
            same += np.array_equal(mine[slice(*spans[id_])], their_tokens[start:stop])
    print(f"tokens: {same} of {total} documents that both encode are equal, end of text included", flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datatrove", required=True, help="a Python that has datatrove and spaCy")
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--end-to-end", action="store_true")
    parser.add_argument("--pages", type=Path, nargs="*", default=[], help="folders with HTML pages")
    parser.add_argument("--code", nargs="*", default=[], help="installed distributions whose Python files are read too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--agreement", action="store_true")
    parser.add_argument("--differences", type=Path, help="write every differing decision here, one JSON a line")
    given = parser.parse_args()
    if ONE_THREAD.items() - os.environ.items():  # libraries ask when they are loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        table = collect(scratch, given.megabytes, given.pages, given.code)
        peer = Peer(given.datatrove)
        if given.end_to_end:
            compare_pipelines(table, scratch, peer)
            return
        batches = slices(table)
        files = [scratch / f"{number}.jsonl" for number in range(len(batches))]
        for file, batch in zip(files, batches, strict=True):
            file.write_text("".join(json.dumps(text) + "\n" for text in batch["text"].to_pylist()), "utf-8")
        compare_speed(batches, files, peer, given.rounds)
        if given.agreement:
            compare_decisions(batches, files, peer, given.differences)


if __name__ == "__main__":
    main()
