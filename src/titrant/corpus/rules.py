"""Rules applied: thresholds on stored signals, one pass over a few columns and none over any text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from titrant.errors import StoreError
from titrant.study.cleaning import Rule

PASSED = -1


def first_failed(signals: Path, rules: Sequence[Rule]) -> NDArray[np.int16]:
    """Of each document, the index of the first rule that it fails, or -1: shape (documents,).

    A null passes. Raises StoreError if the signals are damaged or lack one that a rule looks at.
    """
    found = [np.zeros(0, np.int16)]
    columns = list(dict.fromkeys(rule.signal for rule in rules))
    for path in sorted(signals.glob("signals-*.parquet")):
        try:
            for batch in pq.ParquetFile(path).iter_batches(65_536, columns=columns, use_threads=False):
                found.append(_failed_in(batch, rules))
        except (pa.ArrowException, OSError, KeyError) as error:
            raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    return np.concatenate(found)


def _failed_in(batch: pa.RecordBatch, rules: Sequence[Rule]) -> NDArray[np.int16]:
    failed = np.full(len(batch), PASSED, np.int16)
    for index in reversed(range(len(rules))):
        failed[_fails(batch[rules[index].signal], rules[index])] = index
    return failed


def _fails(values: pa.Array, rule: Rule) -> NDArray[np.bool_]:
    """Whether each value is outside of a rule's bounds; a null and a NaN are not."""
    if rule.one_of is not None:
        outside = pc.invert(pc.is_in(values, pa.array(rule.one_of, values.type)))
    else:
        outside = pa.array(np.zeros(len(values), bool))
        if rule.at_least is not None:
            outside = pc.or_kleene(outside, pc.less(values, rule.at_least))
        if rule.at_most is not None:
            outside = pc.or_kleene(outside, pc.greater(values, rule.at_most))
    known = pc.and_(pc.is_valid(values), pc.fill_null(outside, False))
    return np.asarray(known.to_numpy(zero_copy_only=False), dtype=bool)
