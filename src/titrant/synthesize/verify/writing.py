"""The tables of `Verified`, row by row, and what they sum up to."""

from __future__ import annotations

import json
import math
import platform
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import LevelYield, Solutions, Verified
from titrant.jobs import VerificationJob
from titrant.study.synthesis import LEVELS
from titrant.synthesize.verify import judging, mutants
from titrant.synthesize.verify.candidates import Asked, Candidate
from titrant.synthesize.verify.deciding import Decided
from titrant.synthesize.verify.judging import Judged

_TEXTS, _NUMBERS = pa.string(), pa.int64()
ITEMS = pa.schema(
    [(name, _TEXTS) for name in ("problem", "source", "licence", "family", "area")]
    + [("difficulty", _NUMBERS)]
    + [(name, _TEXTS) for name in ("statement", "about", "signature", "entry_point", "idea")]
    + [("shown", _NUMBERS)]
    + [(name, _TEXTS) for name in ("examples", "accepted", "first", "corrupted", "mutation")]
    + [("tests", pa.list_(_TEXTS))]
    + [(name, _TEXTS) for name in ("text", "translations")]
    + [("sample", _NUMBERS), ("teacher", _TEXTS), ("prompt", _TEXTS), ("seed", _NUMBERS), ("cost", pa.float64())]
    + [("level", _TEXTS), ("inputs", _NUMBERS), ("mutants", _NUMBERS), ("killed", _NUMBERS)]
    + [(name, _TEXTS) for name in ("contracts", "tree", "shape", "refused")]
)
"""Of `items.parquet`."""
CANDIDATES = pa.schema(
    [("problem", _TEXTS), ("form", _TEXTS), ("sample", _NUMBERS)]
    + [(name, _TEXTS) for name in ("level", "status", "detail")]
)
"""Of `candidates.parquet`."""
_WORD = re.compile(r"[^\W\d_]+")


class Writer:
    """Writes items as they are decided, and counts."""

    def __init__(self, out: Path, job: VerificationJob, tier: str, solutions: Path | None) -> None:
        self._job, self._tier = job, tier
        self._teacher = Solutions.read(solutions).teacher if solutions is not None else ""
        self._stack = ExitStack()
        options = {"compression": "zstd", "write_statistics": False}
        self._items = self._stack.enter_context(pq.ParquetWriter(out / "items.parquet", ITEMS, **options))
        self._candidates = self._stack.enter_context(
            pq.ParquetWriter(out / "candidates.parquet", CANDIDATES, **options)
        )
        self._count: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._translations: Counter[str] = Counter()
        self._tried: Counter[str] = Counter()
        self._passed: Counter[str] = Counter()
        self._families: set[str] = set()
        self._shapes: set[str] = set()
        self._words: set[str] = set()
        self._cost = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def add(self, asked: Sequence[Asked], decided: Sequence[Decided]) -> None:
        """Write some problems, in order."""
        pairs = list(zip(asked, decided, strict=True))
        self._items.write_table(pa.Table.from_pylist([self._item(*pair) for pair in pairs], schema=ITEMS))
        rows = [row for pair in pairs for row in self._solutions(*pair)]
        self._candidates.write_table(pa.Table.from_pylist(rows, schema=CANDIDATES))

    def _item(self, one: Asked, decided: Decided) -> dict[str, Any]:
        problem, solutions = one.problem, one.of("python")
        place = decided.accepted
        candidate = solutions[place] if place is not None else None
        judged = decided.judged[place] if place is not None else Judged()
        costs = [each.cost for each in one.candidates]
        row = {
            **{name: getattr(problem, name) for name in ITEMS.names if hasattr(problem, name)},
            "examples": decided.examples,
            "accepted": _plain(candidate.text) if candidate else "",
            "first": _plain(next((each.text for each in solutions if each.text), "")),
            "corrupted": judged.corrupted,
            "mutation": judged.mutation,
            "tests": list(judged.tests),
            "text": decided.text,
            "translations": _object(decided.translations),
            "sample": candidate.sample if candidate else -1,
            "teacher": self._teacher,
            "prompt": candidate.prompt if candidate else "",
            "seed": candidate.seed if candidate else 0,
            "cost": sum(costs) if costs else 0.0,
            "level": judged.level,
            "inputs": judged.inputs,
            "mutants": judged.mutants,
            "killed": judged.killed,
            "contracts": decided.contracts,
            "tree": judged.tree,
            "shape": judged.shape,
            "refused": decided.refused,
        }
        self._add_up(one, decided, row)
        return row

    def _add_up(self, one: Asked, decided: Decided, row: dict[str, Any]) -> None:
        self._count["items"] += 1
        self._cost += row["cost"]
        self._words.update(_WORD.findall(one.problem.statement.lower()))
        self._translations.update(language for language, _ in decided.translations)
        for name in ("accepted", "corrupted", "text"):
            self._count[name] += bool(row[name])
        if decided.accepted is None:
            reason = decided.refused
            self._refused[reason if not reason.startswith(judging.SAME) else f"{judging.SAME} another problem's"] += 1
            return
        if one.problem.family:
            self._families.add(one.problem.family)
        self._shapes.add(row["shape"])
        self._count["mutants"] += row["mutants"]
        self._count["killed"] += row["killed"]
        if row["mutants"]:
            self._tried["mutants"] += 1
            self._passed["mutants"] += bool(row["tests"])
        if row["contracts"].startswith(("confirmed", "refuted", "not decided")):
            self._tried["contracts"] += 1
            self._passed["contracts"] += row["contracts"] == "confirmed"

    def _solutions(self, one: Asked, decided: Decided) -> list[dict[str, Any]]:
        rows = []
        for candidate, judged in zip(one.of("python"), decided.judged, strict=True):
            self._count_levels(one, judged)
            rows.append(_row(one, candidate, judged.level, judged.status, judged.detail))
        checked = {"text": decided.text} | dict(decided.translations)
        for candidate in one.candidates:
            if candidate.form != "python":
                good = bool(candidate.text) and checked.get(candidate.form) == candidate.text
                said = "" if good else "it is not what is taken" if checked.get(candidate.form) else "it is not right"
                rows.append(_row(one, candidate, "", "passed" if good else "failed", said))
        return rows

    def _count_levels(self, one: Asked, judged: Judged) -> None:
        got = LEVELS.index(judged.level) + 1 if judged.level else 0
        shows = {"tests": bool(one.problem.tests or judged.inputs), "reference": bool(judged.inputs)}
        for place, level in enumerate(LEVELS):
            if got >= place and shows.get(level, True):
                self._tried[level] += 1
                self._passed[level] += got > place

    def summary(self) -> Verified:
        """What all that was written sums up to."""
        levels = [*LEVELS, "mutants", "contracts"]
        versions = {
            "python": platform.python_version(),
            "hypothesis": version("hypothesis"),
            "verification": str(judging.VERSION),
            "mutants": str(mutants.VERSION),
        }
        if self._tried["contracts"]:
            versions["crosshair"] = version("crosshair-tool")
        return Verified(
            items=self._count["items"],
            accepted=self._count["accepted"],
            corrupted=self._count["corrupted"],
            texts=self._count["text"],
            translations=dict(sorted(self._translations.items())),
            levels={level: LevelYield(tried=self._tried[level], passed=self._passed[level]) for level in levels},
            refused=dict(self._refused.most_common()),
            families=len(self._families),
            shapes=len(self._shapes),
            words=len(self._words),
            mutants=self._count["mutants"],
            killed=self._count["killed"],
            cost=None if math.isnan(self._cost) else self._cost,
            tier=self._tier,
            versions=versions,
        )


def _row(one: Asked, candidate: Candidate, level: str, status: str, detail: str) -> dict[str, Any]:
    return {
        "problem": one.problem.problem,
        "form": candidate.form,
        "sample": candidate.sample,
        "level": level,
        "status": status,
        "detail": _plain(detail),
    }


def _object(pairs: Sequence[tuple[str, str]]) -> str:
    return json.dumps(dict(pairs), ensure_ascii=False, sort_keys=True)


def _plain(text: str) -> str:
    """A text that a table can hold."""
    return text.encode("utf-8", "backslashreplace").decode()
