"""All signals of some families for a batch of documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from titrant.corpus.signals import code, language, licence, model_scores, private, prose, repetition, size, syntax, web
from titrant.corpus.signals.texts import Texts
from titrant.errors import StudyError
from titrant.study.declaration import listing
from titrant.study.model_filters import ModelFilters
from titrant.study.signals import SIGNALS, Family

PORTION_BYTES = 400_000

_FINDERS: dict[str, Callable[[Texts], Mapping[str, Any]]] = {
    "size": size.find,
    "prose": prose.find,
    "repetition": repetition.find,
    "web": web.find,
    "code": code.find,
    "language": language.find,
    "licence": licence.find,
    "private": private.find,
    "syntax": syntax.find,
}


def find_signals(
    batch: pa.RecordBatch, families: Collection[Family], models: ModelFilters | None = None
) -> pa.RecordBatch:
    """One row a document, one column a signal of these families, in the order of the reference.

    `batch` has the columns `id`, `text`, `language`, `licence` and `origin` of documents.parquet. Numbers are float64,
    words are strings; null where a signal does not apply. A row depends on its document alone. The families
    `perplexity` and `classifier` need the model that `models` declares: StudyError if it does not.
    """
    models = models or ModelFilters()
    parts = [_find(batch.slice(start, end - start), families, models) for start, end in _portions(batch)]
    return pa.concat_batches(parts) if parts else pa.RecordBatch.from_pylist([], schema=schema(families))


def _find(batch: pa.RecordBatch, families: Collection[Family], models: ModelFilters) -> pa.RecordBatch:
    texts = Texts(batch)
    found: dict[str, Any] = {}
    for family in sorted(set(families)):
        found.update(_FINDERS[family](texts) if family in _FINDERS else _by_model(texts, family, models))
    columns = [_column(field.name, found[field.name]) for field in schema(families)]
    return pa.RecordBatch.from_arrays(columns, schema=schema(families))


def _by_model(texts: Texts, family: Family, models: ModelFilters) -> Mapping[str, Any]:
    if family == "perplexity" and models.perplexity is not None:
        return model_scores.find_perplexity(texts, models.perplexity)
    if family == "classifier" and models.classifier is not None:
        return model_scores.find_classifier_score(texts, models.classifier)
    names = listing([name for name, signal in SIGNALS.items() if signal.family == family])
    raise StudyError(f"a rule looks at {names}, and no model is declared that finds it; declare one as `{family}`")


def _portions(batch: pa.RecordBatch) -> Iterator[tuple[int, int]]:
    """Neighbouring rows of about PORTION_BYTES: what is looked at together should lie in the processor's cache."""
    sizes = pc.fill_null(pc.binary_length(batch.column("text")), 0).to_numpy(zero_copy_only=False)
    start, size = 0, 0
    for row, more in enumerate(sizes.tolist(), start=1):
        size += more
        if size >= PORTION_BYTES or row == len(sizes):
            yield start, row
            start, size = row, 0


def schema(families: Collection[Family]) -> pa.Schema:
    """The columns of the signals of these families."""
    return pa.schema(
        [
            (name, pa.string() if signal.unit == "word" else pa.float64())
            for name, signal in SIGNALS.items()
            if signal.family in families
        ]
    )


def _column(name: str, values: Any) -> pa.Array:
    if SIGNALS[name].unit == "word":
        return pa.array(values, pa.string())
    numbers = np.asarray(values, np.float64)
    return pa.array(numbers, mask=np.isnan(numbers))
