"""The split by rules and shares: every document that is dropped says why, and no reason hides another source's loss."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_corpus_split import fates, write

from titrant.corpus.rules import first_failed
from titrant.errors import StoreError, StudyError
from titrant.study.cleaning import Rule

LONG = Rule(signal="words", at_least=3)
ENGLISH = Rule(signal="prose_language", one_of=("en",))


def signals(folder: Path, words, languages) -> Path:
    folder.mkdir()
    half = len(words) // 2
    for number, part in enumerate((slice(0, half), slice(half, None))):
        columns = {"words": pa.array(words[part], pa.float64()), "prose_language": languages[part]}
        pq.write_table(pa.table(columns), folder / f"signals-{number:05d}.parquet")
    return folder


def test_the_first_rule_that_a_document_fails_is_its_reason_and_a_null_passes(tmp_path, split):
    folder = write(tmp_path / "a", [f"d{n}" for n in range(40)], ["fact."])
    words = [1.0, 1.0, 5.0, None, float("nan"), *[9.0] * 35, 1.0]
    languages = ["en", "de", "de", None, "en", *["en"] * 35, "de"]
    given = signals(tmp_path / "signals", words, languages)
    summary, out = split(folder, rules=(LONG, ENGLISH), signals=given)
    found = fates(out)
    assert found[:3] == ["rule 3 <= words", "rule 3 <= words", "rule prose_language in en"]
    assert not any(fate.startswith("rule") for fate in found[3:])
    assert found[40] == "train", "what is planted is never dropped"
    assert summary.parts["rule 3 <= words"].documents == 2


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        (Rule(signal="words", at_least=2), [False, True, True, True]),
        (Rule(signal="words", at_most=2), [True, True, False, True]),
        (Rule(signal="words", at_least=2, at_most=2), [False, True, False, True]),
    ],
)
def test_bounds_pass_themselves(tmp_path, rule, passes):
    given = signals(tmp_path / "signals", [1.0, 2.0, 3.0, None], ["en"] * 4)
    assert (first_failed(given, [rule]) == -1).tolist() == passes


def test_signals_that_lack_what_a_rule_asks_are_named(tmp_path):
    given = signals(tmp_path / "signals", [1.0, 2.0], ["en"] * 2)
    with pytest.raises(StoreError, match=r"signals-0000\d.parquet cannot be read"):
        first_failed(given, [Rule(signal="sentences", at_least=1)])


def test_a_document_that_an_earlier_source_drops_is_not_lost_to_a_later_one(tmp_path, split):
    texts = [f"d{n}" for n in range(40)]
    earlier = write(tmp_path / "a", [*texts, "shared", "dropped there"])
    given = signals(tmp_path / "signals", [9.0] * 41 + [1.0], ["en"] * 42)
    _, first = split(earlier, rules=(LONG,), signals=given)
    _, second = split(write(tmp_path / "b", ["shared", "dropped there", *(f"e{n}" for n in range(40))]), text=first)
    assert fates(second)[0] == "duplicate of text"
    assert fates(second)[1] in ("train", "held_out")


def test_of_two_equal_documents_of_which_one_is_dropped_the_other_is_kept(tmp_path, split):
    folder = write(tmp_path / "a", ["same", "same", *(f"d{n}" for n in range(40))])
    given = signals(tmp_path / "signals", [1.0, 9.0, *[9.0] * 40], ["en"] * 42)
    found = fates(split(folder, rules=(LONG,), signals=given)[1])
    assert found[0].startswith("rule")
    assert found[1] in ("train", "held_out")


def in_languages(folder: Path, counts: dict[str, int]) -> Path:
    texts = [f"{language} {n}" for language, count in counts.items() for n in range(count)]
    write(folder, texts)
    for path in folder.glob("documents-*.parquet"):
        table = pq.read_table(path)
        spoken = pa.array([text.split()[0] for text in table["text"].to_pylist()])
        pq.write_table(table.set_column(table.schema.get_field_index("language"), "language", spoken), path)
    return folder


def test_the_scarcest_language_sets_how_much_of_each_is_kept(tmp_path, split):
    folder = in_languages(tmp_path / "a", {"python": 500, "java": 60, "lua": 90, "cobol": 7})
    summary, out = split(folder, language_shares={"python": 0.5, "java": 0.3, "lua": 0.2})
    texts = [text for path in sorted(folder.iterdir()) for text in pq.read_table(path)["text"].to_pylist()]
    pairs = list(zip(texts, fates(out), strict=True))
    kept = Counter(text.split()[0] for text, fate in pairs if fate in ("train", "reserved", "held_out"))
    assert kept == {"python": 100, "java": 60, "lua": 40}
    assert summary.parts["its language has no share"].documents == 7
    assert {text.split()[0] for text, fate in pairs if fate == "its language has no share"} == {"cobol"}
    # which are kept does not depend on the order of the documents
    chosen = {text for text, fate in pairs if fate in ("train", "reserved", "held_out")}
    turned = write(tmp_path / "b", texts[::-1])
    for path in turned.glob("documents-*.parquet"):
        table = pq.read_table(path)
        spoken = pa.array([text.split()[0] for text in table["text"].to_pylist()])
        pq.write_table(table.set_column(table.schema.get_field_index("language"), "language", spoken), path)
    again = fates(split(turned, language_shares={"python": 5, "java": 3, "lua": 2})[1])
    assert {
        t for t, fate in zip(texts[::-1], again, strict=True) if fate in ("train", "reserved", "held_out")
    } == chosen


def test_a_share_of_a_language_that_is_not_there_is_refused(tmp_path, split):
    folder = in_languages(tmp_path / "a", {"python": 50})
    with pytest.raises(StudyError, match=r"share to 'lua', of which the source keeps no document \(it has 'python'\)"):
        split(folder, language_shares={"python": 1, "lua": 1})


def test_what_took_all_documents_of_a_language_is_blamed_beside_its_share(tmp_path, documents, split):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(30):
        (folder / f"a{number:02}.py").write_text(f"x{number} = {number}\n")
        (folder / f"b{number:02}.lua").write_text(f"x{number} = {number}\n")
    _, read = documents({"files": str(folder)}, kind="code")
    with pytest.raises(StudyError) as caught:
        split(read, language_shares={"python": 1, "lua": 1, "go": 1})
    assert "Rules, duplicates and items of the evaluation go first; documents read: 'go' 0, 'lua' 30." in str(
        caught.value
    )


def test_a_language_without_a_share_takes_no_document_with_it(tmp_path, documents, split) -> None:
    """Its documents are gone before duplicates are looked for, so that what is equal to one of them is kept."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(40):
        (folder / f"a{number:02}.java").write_text(f"x{number} = {number}\n")
        (folder / f"b{number:02}.py").write_text(f"x{number} = {number}\n")
    _, read = documents({"files": str(folder)}, kind="code")
    summary, _ = split(read, hold_out_fraction=0.2, language_shares={"python": 1.0})
    fates = {fate: part.documents for fate, part in summary.parts.items() if part.documents}
    assert fates.pop("its language has no share") == 40
    assert sum(fates.values()) == fates["train"] + fates["held_out"] == 40
