"""Results as files that lm-evaluation-harness writes and reads, and such files read in.

    results_STAMP.json          metrics by task, their configurations, versions, shots, counts
    samples_TASK_STAMP.jsonl    a document a line: what was asked, what was answered, hashes of document, prompt, target

The stamp is a time in the harness's form. Where files are part of an artifact it is always the same, so that equal work
gives equal bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from titrant.errors import Problem, StudyError
from titrant.evaluate.harness.outcomes import TaskOutcome
from titrant.study.tasks import HARNESS

NO_TIME = datetime(1970, 1, 1)
"""The stamp of files in an artifact."""
MERGED = ("results", "configs", "versions", "n-shot", "higher_is_better", "n-samples", "group_subtasks")
FIXED = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
HASHES = {"doc_hash", "prompt_hash", "target_hash"}
PROBLEMS_SHOWN = 10


def write_results(
    folder: Path, outcomes: Iterable[TaskOutcome], *, model: str, seconds: float = 0.0, time: datetime = NO_TIME
) -> Path:
    """Write results and samples of one model into `folder`; the path of the results comes back.

    `model` is the name that the files give it, `seconds` how long the evaluation took.
    """
    from lm_eval.utils import handle_non_serializable, hash_string, sanitize_model_name

    found = list(outcomes)
    whole: dict[str, Any] = {part: {} for part in MERGED}
    hashes = {}
    stamp = time.isoformat(timespec="microseconds").replace(":", "-")
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in found:
        for part in MERGED:
            whole[part] |= outcome.record.get(part, {})
        for name, samples in outcome.record["samples"].items():
            parts = [sample["doc_hash"] + sample["prompt_hash"] + sample["target_hash"] for sample in samples]
            hashes[name] = hash_string("".join(parts))
            lines = [json.dumps(_flat(s), default=handle_non_serializable, ensure_ascii=False) for s in samples]
            (folder / f"samples_{name}_{stamp}.jsonl").write_bytes("".join(f"{line}\n" for line in lines).encode())
    whole["configs"] = {name: _without_machine(config) for name, config in whole["configs"].items()}
    limit = _limit(whole["n-samples"])
    whole |= {
        "config": {"model": "titrant", "model_args": f"pretrained={model}", "bootstrap_iters": 0, "limit": limit},
        "git_hash": None,
        "date": time.timestamp() if time != NO_TIME else 0.0,
        "lm_eval_version": HARNESS,
        "task_hashes": hashes,
        "model_source": "titrant",
        "model_name": model,
        "model_name_sanitized": sanitize_model_name(model),
        "total_evaluation_time_seconds": str(seconds),
        **dict.fromkeys(("system_instruction", "system_instruction_sha", "chat_template", "chat_template_sha")),
        "fewshot_as_multiturn": False,
    }
    path = folder / f"results_{stamp}.json"
    text = json.dumps(whole, indent=2, default=handle_non_serializable, ensure_ascii=False)
    path.write_bytes(f"{text}\n".encode())
    return path


def _limit(counts: Mapping[str, Mapping[str, int]]) -> int | dict[str, int | None] | None:
    """The harness's `limit`: how many documents of each task were asked at most, None if all were.

    One number where that says it of all tasks, as with the harness, which knows no other; else by task.
    """
    limits = {
        name: count["effective"] if count["effective"] < count["original"] else None for name, count in counts.items()
    }
    most = max((limit for limit in limits.values() if limit is not None), default=None)
    if most is None or all(count["effective"] == min(most, count["original"]) for count in counts.values()):
        return most
    return limits


def _flat(sample: Mapping[str, Any]) -> dict[str, Any]:
    """A sample as the harness writes it: arguments by name, answers as text."""
    from lm_eval.utils import sanitize_list

    arguments = {
        f"gen_args_{place}": {f"arg_{number}": value for number, value in enumerate(given)}
        for place, given in enumerate(sample["arguments"])
    }
    return {
        **sample,
        "arguments": arguments,
        "resps": sanitize_list(sample["resps"]),
        "filtered_resps": sanitize_list(sample["filtered_resps"]),
        "target": str(sample["target"]),
    }


def _without_machine(config: Mapping[str, Any]) -> dict[str, Any]:
    """A task's configuration without our function that hands out the documents, and without paths."""
    kept = {key: value for key, value in config.items() if key not in {"custom_dataset", "process_docs"}}
    metadata = kept.get("metadata")
    if isinstance(metadata, Mapping):
        kept["metadata"] = {key: value for key, value in metadata.items() if key != "config_source"}
    return kept


@dataclass(frozen=True)
class ReadItem:
    """One document of a task, as a samples file has it."""

    document: int
    values: Mapping[str, float]
    """By metric; metrics that are no single number are left out."""
    doc_hash: str = ""
    prompt_hash: str = ""
    """Empty where the file is older than the hashes."""


@dataclass(frozen=True)
class ReadTask:
    """One task of one model, read in."""

    task: str
    filter: str
    items: Sequence[ReadItem]
    results: Mapping[str, Any] = field(default_factory=dict)
    """The task's line of the results file: `acc,none` and the like; empty if there is no such file."""

    def values(self, metric: str) -> dict[int, float]:
        """A metric by document. Raises StudyError if the file does not have it."""
        if not all(metric in item.values for item in self.items):
            has = sorted(set.intersection(*(set(item.values) for item in self.items)))
            raise StudyError(f"the samples of task '{self.task}' have no metric '{metric}'; they have {', '.join(has)}")
        return {item.document: item.values[metric] for item in self.items}


def read_results(folder: Path) -> list[ReadTask]:
    """Every task and filter in the newest results of a folder that lm-evaluation-harness or Titrant wrote.

    Samples are needed: totals alone cannot be compared item by item. Raises StudyError with file:line.
    """
    stamps: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("samples_*.jsonl")):
        stamps.setdefault(_stamp(path), []).append(path)
    if not stamps:
        raise StudyError(
            f"'{folder}' holds no samples_*.jsonl: give the folder of one model's results, written with --log_samples"
        )
    newest = max(stamps)
    totals = folder / f"results_{newest}.json"
    lines = _json(totals.read_bytes(), str(totals)).get("results", {}) if totals.is_file() else {}
    found = []
    for path in stamps[newest]:
        task = path.name.removeprefix("samples_").removesuffix(f"_{newest}.jsonl")
        found += _read_samples(path, task, lines.get(task, {}))
    return found


def _stamp(path: Path) -> str:
    return path.stem.rpartition("_")[2]


def _read_samples(path: Path, task: str, results: Mapping[str, Any]) -> list[ReadTask]:
    items: dict[str, list[ReadItem]] = {}
    problems = []
    # only \n ends a line: str.splitlines would cut at separators that JSON allows inside a string
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.strip():
            try:
                sample = _json(line, "a line")
                items.setdefault(str(sample.get("filter", "none")), []).append(_item(sample))
            except (StudyError, KeyError, TypeError, ValueError) as error:
                problems.append(Problem(f"this is no sample of lm-evaluation-harness: {error}", f"{path}:{number}"))
    if problems:
        raise StudyError(problems[:PROBLEMS_SHOWN])
    if not items:
        raise StudyError(f"'{path}' holds no samples")
    return [ReadTask(task, name, read, results) for name, read in items.items()]


def _item(sample: Mapping[str, Any]) -> ReadItem:
    values = {
        key: float(value)
        for key, value in sample.items()
        if key not in FIXED | HASHES and isinstance(value, (bool, int, float))
    }
    return ReadItem(int(sample["doc_id"]), values, str(sample.get("doc_hash", "")), str(sample.get("prompt_hash", "")))


def _json(raw: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(re.sub(rb"^\xef\xbb\xbf", b"", raw))
    except ValueError as error:
        raise StudyError(f"{where} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise StudyError(f"{where} is not a JSON object")
    return found


def same_documents(one: ReadTask, other: ReadTask) -> list[tuple[ReadItem, ReadItem]]:
    """The documents that both were asked in the same words, in the order of the first.

    Documents are matched by hash, or by number where a file has no hashes. Raises StudyError if none match, or if the
    same document stands under other prompts: then the two were not asked the same.
    """
    hashed = all(item.doc_hash for item in (*one.items, *other.items))
    theirs = {(item.doc_hash if hashed else item.document): item for item in other.items}
    pairs = []
    for item in one.items:
        match = theirs.get(item.doc_hash if hashed else item.document)
        if match is not None:
            if item.prompt_hash and match.prompt_hash and item.prompt_hash != match.prompt_hash:
                raise StudyError(
                    f"document {item.document} of task '{one.task}' was asked in other words by the two results: other "
                    "shots, another version of the task, or a chat template"
                )
            pairs.append((item, match))
    if not pairs:
        raise StudyError(f"the two results of task '{one.task}' share no document")
    return pairs
