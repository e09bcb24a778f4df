"""Public datasets whose columns are known, by name: what `{preset: NAME, revision: ...}` is written out to.

A preset fills in the dataset's name and its columns; the study gives the revision, and whatever it gives as well
goes before what the preset says. **Source:** the datasets' cards on the hub.
"""

from __future__ import annotations

from typing import Any

_PERMISSIVE = "permissive, by file"

PRESETS: dict[str, dict[str, Any]] = {
    "slimpajama": {
        "dataset": "cerebras/SlimPajama-627B",
        "language": "english",
        "where": [{"column": "meta.redpajama_set_name", "not_in": ["RedPajamaGithub", "RedPajamaStackExchange"]}],
    },
    "fineweb": {"dataset": "HuggingFaceFW/fineweb", "language": "english", "licence": "ODC-By-1.0"},
    "fineweb-edu": {"dataset": "HuggingFaceFW/fineweb-edu", "language": "english", "licence": "ODC-By-1.0"},
    "dclm": {"dataset": "mlfoundations/dclm-baseline-1.0", "language": "english", "licence": "CC-BY-4.0"},
    "c4": {"dataset": "allenai/c4", "config": "en", "language": "english", "licence": "ODC-By-1.0"},
    "wikipedia": {
        "dataset": "wikimedia/wikipedia",
        "config": "20231101.en",
        "language": "english",
        "licence": "CC-BY-SA-4.0",
    },
    "the-stack": {
        "dataset": "bigcode/the-stack-dedup",
        "text": "content",
        "language_column": "lang",
        "licence_column": "max_stars_repo_licenses",
    },
    "the-stack-v2": {  # holds ids: give `fetch` (without it there is no column of that name, and an error says so)
        "dataset": "bigcode/the-stack-v2-dedup",
        "text": "content",
        "language_column": "language",
        "licence_column": "detected_licenses",
    },
    "the-stack-smol": {
        "dataset": "bigcode/the-stack-smol",
        "text": "content",
        "language_column": "lang",
        "licence_column": "licenses",
    },
    "starcoderdata": {"dataset": "bigcode/starcoderdata", "text": "content", "licence": _PERMISSIVE},
    "commitpackft": {
        "dataset": "bigcode/commitpackft",
        "parse": {"format": "commits"},
        "text": "message",
        "language_column": "lang",
        "licence_column": "license",
    },
}
"""By name, the fields of the `dataset` origin."""
