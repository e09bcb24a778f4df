"""Items of a synthesis as the verification stores them, made by hand: for the stages that read them."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import Verified
from titrant.artifacts.synthetic import LevelYield

ITEM = {
    "problem": "generator/0/0",
    "source": "generator seed 0, number 0",
    "licence": "CC0-1.0",
    "family": "sum-of-changed",
    "area": "lists",
    "difficulty": 2,
    "statement": "Write `total(values: list[int]) -> int`. Return the sum of `values`.\n\nExample: total([1, 2]) is 3.",
    "about": "Return the sum of `values`.",
    "signature": "def total(values: list[int]) -> int:",
    "entry_point": "total",
    "idea": "Add them up one by one.",
    "shown": 1,
    "examples": "[(([1, 2],), 3)]",
    "accepted": "def total(values: list[int]) -> int:\n    result = 0\n    for value in values:\n        result += value\n    return result",
    "first": "def total(values: list[int]) -> int:\n    result = 0\n    for value in values:\n        result += value\n    return result",
    "corrupted": "def total(values: list[int]) -> int:\n    result = 0\n    for value in values:\n        result -= value\n    return result",
    "mutation": "line 4: += becomes -=",
    "tests": ["assert total([4, 5]) == 9", "assert total([]) == 0"],
    "text": "Return the sum of `values` (total).\n\nAdd them up one by one. For 4 and 5 the result is 9.",
    "translations": '{"javascript": "function total(values) {\\n  return values.reduce((a, b) => a + b, 0);\\n}"}',
    "sample": 0,
    "teacher": "",
    "prompt": "",
    "seed": 0,
    "cost": math.nan,
    "level": "reference",
    "inputs": 48,
    "mutants": 8,
    "killed": 7,
    "contracts": "hold on the inputs",
    "tree": "00",
    "shape": "11",
    "refused": "",
}  # fmt: skip
"""A whole one."""

SCHEMA = pa.schema(
    [
        (
            name,
            pa.list_(pa.string())
            if isinstance(value, list)
            else pa.float64()
            if isinstance(value, float)
            else pa.int64()
            if isinstance(value, int)
            else pa.string(),
        )
        for name, value in ITEM.items()
    ]
)


def renamed(number: int, **changes) -> dict:
    """The item under another name, its function too, so that no two are equal."""
    name = f"total_{number}"
    item = {key: value.replace("total", name) if isinstance(value, str) else value for key, value in ITEM.items()} | {
        "problem": f"generator/0/{number}",
        "tests": [test.replace("total", name) for test in ITEM["tests"]],
    }
    return item | {"source": f"generator seed 0, number {number}"} | changes


def write_items(folder: Path, items: list[dict], group_rows: int = 1000) -> Path:
    """`items.parquet` under a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(items, schema=SCHEMA)
    pq.write_table(table, folder / "items.parquet", row_group_size=group_rows)
    return folder


def summary_of(items: list[dict], /, **changes) -> Verified:
    """What the verification would say of them."""
    accepted = [item for item in items if item["accepted"]]
    refused = [item["refused"] for item in items if item["refused"]]
    fields = {
        "items": len(items),
        "accepted": len(accepted),
        "corrupted": sum(bool(item["corrupted"]) for item in items),
        "texts": sum(bool(item["text"]) for item in items),
        "translations": {"javascript": sum(item["translations"] != "{}" for item in items)},
        "levels": {
            "parses": LevelYield(tried=len(items), passed=len(items)),
            "runs": LevelYield(tried=len(items), passed=len(items)),
            "tests": LevelYield(tried=len(items), passed=len(accepted)),
            "reference": LevelYield(tried=len(items), passed=len(accepted)),
            "mutants": LevelYield(tried=len(accepted), passed=len(accepted)),
            "contracts": LevelYield(tried=0, passed=0),
        },
        "refused": {reason: refused.count(reason) for reason in sorted(set(refused))},
        "families": len({item["family"] for item in accepted}),
        "shapes": len({item["shape"] for item in accepted}),
        "words": len({word for item in items for word in item["statement"].split()}),
        "mutants": sum(item["mutants"] for item in items),
        "killed": sum(item["killed"] for item in items),
        "cost": None,
        "tier": "bubblewrap",
        "versions": {"python": "3.11.4"},
    }
    return Verified(**(fields | changes))
