"""The other side of `bench/pipeline.py`, run by a Python that has datatrove and spaCy and nothing of ours.

Reads one JSON request a line, `{"texts": FILE, "what": "filters" | "rules" | "pipeline"}`, and answers with one JSON
line. FILE holds one JSON string a line. `filters` runs each filter over all texts and says the CPU seconds of each;
`rules` says for every rule alone, with all others switched off, which documents it drops; `pipeline` also finds
near-duplicates among what the filters leave and encodes what is left (`tokenizer`: a file, `end_of_text`, `folder`).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.dedup import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer
from datatrove.utils.logging import logger

logger.remove()

FILTERS = {
    "gopher-quality": GopherQualityFilter,
    "gopher-repetition": GopherRepetitionFilter,
    "c4": C4QualityFilter,
    "fineweb": FineWebQualityFilter,
}
GOPHER_SETTINGS = """min_doc_words max_doc_words min_avg_word_length max_avg_word_length max_symbol_word_ratio
    max_bullet_lines_ratio max_ellipsis_lines_ratio max_non_alpha_words_ratio min_stop_words"""
OFF = {
    "gopher-quality": dict.fromkeys(GOPHER_SETTINGS.split()),
    "gopher-repetition": {
        **{f"dup_{what}_frac": None for what in ("line", "para", "line_char", "para_char")},
        "top_n_grams": (),
        "dup_n_grams": (),
    },
    "fineweb": {"line_punct_thr": 0.0, "short_line_thr": 9.0, "char_duplicates_ratio": 9.0, "new_line_ratio": 9e9},
}
TOP, DUPLICATE = {2: 0.2, 3: 0.18, 4: 0.16}, {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
RULES = {
    "gopher-quality: words": {"min_doc_words": 50, "max_doc_words": 100_000},
    "gopher-quality: mean_word_length": {"min_avg_word_length": 3, "max_avg_word_length": 10},
    "gopher-quality: symbols_per_word": {"max_symbol_word_ratio": 0.1},
    "gopher-quality: bullet_line_share": {"max_bullet_lines_ratio": 0.9},
    "gopher-quality: ellipsis_line_share": {"max_ellipsis_lines_ratio": 0.3},
    "gopher-quality: alphabetic_word_share": {"max_non_alpha_words_ratio": 0.8},
    "gopher-quality: stop_words": {"min_stop_words": 2},
    "gopher-repetition: duplicate_line_share": {"dup_line_frac": 0.3},
    "gopher-repetition: duplicate_paragraph_share": {"dup_para_frac": 0.3},
    "gopher-repetition: duplicate_line_character_share": {"dup_line_char_frac": 0.2},
    "gopher-repetition: duplicate_paragraph_character_share": {"dup_para_char_frac": 0.2},
    **{f"gopher-repetition: top_{n}_gram_character_share": {"top_n_grams": ((n, t),)} for n, t in TOP.items()},
    **{
        f"gopher-repetition: duplicate_{n}_gram_character_share": {"dup_n_grams": ((n, t),)}
        for n, t in DUPLICATE.items()
    },
    "fineweb: punctuated_line_share": {"line_punct_thr": 0.12},
    "fineweb: short_line_share": {"short_line_thr": 0.67},
    "fineweb: duplicate_filled_line_character_share": {"char_duplicates_ratio": 0.01},
    "fineweb: lines_per_word": {"new_line_ratio": 0.3},
    "c4": {},
}


def keeps(rule, text: str) -> bool:
    """Whether a filter keeps a text; a filter that fails (no words) keeps nothing."""
    try:
        return rule.filter(Document(text=text, id="")) is True
    except ZeroDivisionError:
        return False


def run_filters(texts: list[str]) -> dict:
    """CPU seconds of each filter over all texts, one after another for each text, as a pipeline does."""
    filters = {name: kind() for name, kind in FILTERS.items()}
    seconds, kept = dict.fromkeys(filters, 0.0), {name: [] for name in filters}
    for text in texts:
        for name, rule in filters.items():
            start = time.process_time()
            kept[name].append(keeps(rule, text))
            seconds[name] += time.process_time() - start
    return {"seconds": seconds, "kept": kept}


def run_rules(texts: list[str]) -> dict:
    """Which texts each rule keeps, alone."""
    made = {}
    for title, settings in RULES.items():
        family = title.split(":")[0]
        made[title] = FILTERS[family](**{**OFF.get(family, {}), **settings})
    kept = {title: [] for title in made}
    for text in texts:
        for title, rule in made.items():
            kept[title].append(keeps(rule, text))
    return {"kept": kept}


class Clock:
    """CPU seconds and bytes of text by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.bytes: dict[str, int] = {}

    def time(self, part: str, documents: list[Document], work):
        """What `work` returns; its seconds go to a part."""
        start = time.process_time()
        made = work()
        self.seconds[part] = self.seconds.get(part, 0.0) + time.process_time() - start
        self.bytes[part] = sum(len(document.text.encode()) for document in documents)
        return made


def run_pipeline(request: dict) -> dict:
    """Filters, MinHash and tokens, each over what the part before leaves; and each filter over everything."""
    folder, clock = Path(request["folder"]), Clock()
    reader = JsonlReader(str(Path(request["texts"]).parent), glob_pattern=Path(request["texts"]).name)
    documents = clock.time("read", [], lambda: list(reader.run()))
    clock.bytes["read"] = sum(len(document.text.encode()) for document in documents)
    filters = {name: kind() for name, kind in FILTERS.items()}
    whole, until_dropped, survivors, kept = dict.fromkeys(filters, 0.0), 0.0, [], {name: [] for name in filters}
    for document in documents:
        alive = True
        for name, rule in filters.items():
            start = time.process_time()
            kept[name].append(keeps(rule, document.text))
            spent = time.process_time() - start
            whole[name] += spent
            until_dropped += spent if alive else 0.0
            alive = alive and kept[name][-1]
        if alive:
            survivors.append(document)
    clock.seconds["filters"], clock.bytes["filters"] = until_dropped, clock.bytes["read"]
    unique = near_duplicates_dropped(survivors, folder, clock)
    encoder = DocumentTokenizer(
        str(folder / "tokens"),
        request["tokenizer"],
        save_filename="all",
        eos_token=request["end_of_text"],
        shuffle_documents=False,
    )
    clock.time("tokens", unique, lambda: encoder.run(iter(unique)))
    return {
        "seconds": clock.seconds,
        "bytes": clock.bytes,
        "filters": whole,
        "kept": kept,
        "survivors": [document.id for document in survivors],
        "unique": [document.id for document in unique],
        "tokens": [str(path) for path in sorted((folder / "tokens").iterdir())],
    }


def near_duplicates_dropped(documents: list[Document], folder: Path, clock: Clock) -> list[Document]:
    """What datatrove keeps of near-duplicates, with its default settings."""
    config = MinhashConfig()
    signatures, buckets, clusters = (str(folder / name) for name in ("signatures", "buckets", "clusters"))
    sign = MinhashDedupSignature(signatures, config)
    clock.time("signatures", documents, lambda: sign.run(iter(documents)))

    def match() -> list[Document]:
        for rank in range(config.num_buckets):
            MinhashDedupBuckets(signatures, buckets, config=config).run(None, rank, config.num_buckets)
        MinhashDedupCluster(buckets, clusters, config=config).run(None, 0, 1)
        return list(MinhashDedupFilter(clusters).run(iter(documents), 0, 1))

    return clock.time("matching", documents, match)


def main() -> None:
    """Answer requests until the end of the input."""
    for rule in (GopherQualityFilter(), C4QualityFilter()):
        keeps(rule, "Loads what the filters load when they first see a text. " * 20)
    for line in sys.stdin:
        request = json.loads(line)
        if request["what"] == "pipeline":
            print(json.dumps(run_pipeline(request)), flush=True)
            continue
        texts = [json.loads(row) for row in Path(request["texts"]).read_text("utf-8").split("\n") if row]
        answer = run_filters(texts) if request["what"] == "filters" else run_rules(texts)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
