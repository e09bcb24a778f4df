"""What users write: wrong studies, files that are none, sources that hold too little. One clear sentence each.

The stages are the real ones.
"""

# ruff: noqa: F811 (fixtures are imported, and named again as arguments)
from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_small import Edit, complaint, line_of, prepare, small, titrant  # noqa: F401


def both(content: dict[str, Any], **weights: object) -> None:
    content["mixtures"]["balanced"].update(weights)


STUDIES: dict[str, tuple[Edit, str, str]] = {
    "unknown key": (
        lambda c: c["sources"]["text"].update(max_epoch=3),
        "max_epoch: 3",
        "sources.text.max_epoch: unknown key 'max_epoch', did you mean 'max_epochs'?; allowed here: 'from', 'kind', "
        "'language_shares', 'max_document_characters', 'max_epochs', 'models', 'on_error', 'paired_with', 'plant', 'redact', 'reserve_fraction', 'rules', 'transform'",
    ),
    "unknown source": (
        lambda c: both(c, cod=3),
        "cod: 3",
        "mixture 'balanced' names source 'cod', which does not exist, did you mean 'code'?; there are 'code', 'text'",
    ),
    "unknown mixture": (
        lambda c: c["arms"].update(x=[{"init": "balancd"}]),
        "- init: balancd",
        "arm 'x' names mixture 'balancd', which does not exist, did you mean 'balanced'?; there are 'balanced', "
        "'code', 'mostly-text', 'text'",
    ),
    "weights zero": (
        lambda c: both(c, text=0, code=0),
        "balanced:",
        "mixtures.balanced: the weights sum to 0: give at least one source a weight above 0",
    ),
    "weight negative": (
        lambda c: both(c, text=-1),
        "text: -1",
        "mixtures.balanced.text: the weight of source 'text' is -1; a weight is a finite number, 0 or more",
    ),
    "weight infinite": (
        lambda c: both(c, text=float("inf")),
        "text: .inf",
        "mixtures.balanced.text: the weight of source 'text' is inf; a weight is a finite number, 0 or more",
    ),
    "weight that vanishes": (
        lambda c: both(c, text=1, code=1e-9),
        "- init: balanced",
        "source 'code' has 1e-09 of mixture 'balanced', less than one sequence of phase 'init' of arm "
        "'balanced->text' at scale 'tiny'; raise its share to 0.0157, raise the scale's tokens, or leave it out",
    ),
    "arm equals control": (
        lambda c: c["arms"].update({"balanced->text": [{"init": "text"}, {"continue": "text"}]}),
        "- arm: balanced->text",
        "arm 'balanced->text' equals its control 'text->text': they train the same recipe, so there is nothing to "
        "compare; change one, or drop the contrast",
    ),
    "contrast differs more": (
        lambda c: c["arms"].update({"balanced->text": [{"whole": "balanced"}]}),
        "- arm: balanced->text",
        "arms 'balanced->text' and 'text->text' differ in schedule, which the contrast does not declare; declare "
        "`differs_in: [mixture, schedule]`, or compare arms that differ in mixture alone",
    ),
    "disjoint without reserve": (
        lambda c: (
            c["phases"]["continue"].update(data="disjoint"),
            c["sources"]["code"].update(reserve_fraction=0.2),
            c["sources"]["text"].update(reserve_fraction=0),
            c["arms"].update({"balanced->text": [{"init": "balanced"}, {"continue": "code"}]}),
        ),
        "- continue: text",
        "phase 'continue' of arm 'text->text' draws disjoint data, but nothing is reserved of source 'text'; give it "
        "a reserve_fraction above 0",
    ),
    "seed too large": (
        lambda c: c.update(seeds=[2**31]),
        "- 2147483648",
        "seeds.0: input should be less than 2147483648, not 2147483648",
    ),
    "less than one step": (
        lambda c: (c["scales"]["tiny"].update(tokens=1500), c["phases"]["continue"].update(parts=9)),
        "tokens: 1500",
        "phase 'init' of arm 'text->text' at scale 'tiny' gets 750 tokens, less than one batch of 1.024k; raise "
        "tokens or lower global_batch_tokens",
    ),
    "rung above the ladder": (
        lambda c: c["evaluation"].update(probes=[{"name": "sorting", "rungs": [1, 99]}]),
        "- name: sorting",
        "probe 'sorting' asks for rung 99; its rungs are 1 to 6",
    ),
    "odd source name": (
        lambda c: c["sources"].update({"a/b": c["sources"].pop("code")}),
        "a/b:",
        "sources.a/b: 'a/b' is not a name: use 1 to 60 letters, digits, spaces and . _ + > = % -, beginning with a "
        "letter or digit",
    ),
    "nothing to read": (
        lambda c: c["sources"]["code"].update({"from": []}),
        "from: []",
        "sources.code.from: it is empty; give at least 1",
    ),
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_wrong_study_is_one_sentence_with_its_line(titrant: Any, tmp_path: Path, name: str) -> None:
    edit, place, sentence = STUDIES[name]
    study = small(tmp_path, edit)
    for command in ("check", "run"):
        status, out, err = titrant(command, "study.yaml")
        assert (status, out) == (2, "")
        assert err == f"error: {sentence} (study.yaml:{line_of(study, place)})\n"
    assert not (tmp_path / "titrant-store").exists()


BYTES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "this study is empty (x.yaml)"),
    "not utf-8": (b"study: a\nquestion: caf\xe9\n", "byte 0xe9 at offset 22 is not UTF-8; save the study as UTF-8 (x.yaml:2)"),
    "binary": (b"\x7fELF\x00\xff", "byte 0xff at offset 5 is not UTF-8; save the study as UTF-8 (x.yaml:1)"),
    "nul": (
        b"study: a\nquestion: \x00\n",
        "this is not YAML: it holds the character U+0000, which YAML does not allow; delete it (x.yaml:2)",
    ),
    "deep": (b"[" * 100_000, "its values are nested more than 50 deep; a study needs no more than 10 (x.yaml)"),
    "sixty deep": (
        b"study: " + b"[" * 60 + b"]" * 60,
        "its values are nested more than 50 deep; a study needs no more than 10 (x.yaml)",
    ),
    "anchor bomb": (
        b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 9)),
        "its aliases unfold to more than 50,000 values; write the study out (x.yaml)",
    ),
    "a list": (b"- a\n", "a study is a mapping of keys such as study, sources and arms (x.yaml)"),
    "two arms of one name": (
        b"study: a\narms:\n  x: [{init: a}]\n  x: [{init: b}]\n",
        "two arms are named 'x' (the first on line 3); rename or delete one (x.yaml:4)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BYTES)
def test_a_file_that_is_no_study_is_one_sentence(titrant: Any, tmp_path: Path, name: str) -> None:
    content, sentence = BYTES[name]
    (tmp_path / "x.yaml").write_bytes(content)
    assert titrant("check", "x.yaml") == (2, "", f"error: {sentence}\n")


def test_a_study_of_a_gigabyte_is_not_read(titrant: Any, tmp_path: Path) -> None:
    with (tmp_path / "x.yaml").open("wb") as file:
        file.truncate(10**9)
    assert titrant("check", "x.yaml")[2] == (
        "error: a study of 1,000,000,000 bytes is not read: the limit is 1,000,000. Data belong in files that the "
        "study names (x.yaml)\n"
    )


def test_what_is_no_readable_file_is_said_so(titrant: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    assert titrant("check", "folder")[2] == "error: 'folder' is a folder: name the study file in it\n"
    assert "there is no study file 'nothing' and no shipped study of that name" in titrant("check", "nothing")[2]
    assert "cannot be a study file: File name too long" in titrant("check", "x" * 5000)[2]
    small(tmp_path)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert titrant("check", "study.yaml") == (2, "", "error: the study study.yaml cannot be read: Permission denied\n")


def test_a_python_study_that_fails_is_told_with_its_line_and_no_traceback(titrant: Any, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("import titrant\nimport not_there_at_all\n")
    assert titrant("check", "x.py")[2] == (
        "error: this Python file fails with ModuleNotFoundError: No module named 'not_there_at_all' (x.py:2)\n"
    )
    (tmp_path / "x.py").write_text("x = 1\n\ndef (\n")
    assert titrant("check", "x.py")[2].endswith("(x.py:3)\n")


def test_a_budget_that_a_source_cannot_fill_is_refused_with_mends_that_work(titrant: Any, tmp_path: Path) -> None:
    def ask(code: float, max_epochs: float) -> Edit:
        def edit(content: dict[str, Any]) -> None:
            content["scales"]["tiny"].update(tokens=131072)
            content["arms"] = {"text->text": [{"init": "text"}], "balanced->text": [{"init": "mixed"}]}
            content["mixtures"]["mixed"] = {"text": 1 - code, "code": code}
            content["sources"]["code"].update(max_epochs=max_epochs)
            content["sources"]["text"].update(max_epochs=3)

        return edit

    study = small(tmp_path, ask(0.9, 1))
    said = prepare(titrant, study)
    found = re.fullmatch(
        r"error: mixture 'mixed' draws 5\S+k tokens from source 'code' in phase 'init' of arm 'balanced->text' at "
        r"scale 'tiny', which holds (\S+)k and may be seen at most once \(\1k\)\. Lower its share to (\S+), raise "
        r"max_epochs to (\S+), or add \S+k tokens\. \((\S+):(\d+)\)",
        complaint(said),
    )
    assert found, said
    assert said[0] == 2
    assert (found[4], int(found[5])) == (str(study), line_of(study, "code: 0.9"))
    assert prepare(titrant, small(tmp_path, ask(float(found[2]), 1)))[0] == 0, "the share that was named"
    assert prepare(titrant, small(tmp_path, ask(0.9, float(found[3]))))[0] == 0, "the epochs that were named"
    assert prepare(titrant, small(tmp_path, ask(float(found[2]) + 0.01, 1)))[0] == 2
    assert prepare(titrant, small(tmp_path, ask(0.9, float(found[3]) - 0.02)))[0] == 2


def test_fresh_data_that_are_used_up_are_refused_once_however_many_arms_ask(titrant: Any, tmp_path: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["scales"]["tiny"].update(tokens=131072)
        content["sources"]["text"].update(max_epochs=9)
        content["arms"] = {"a": [{"init": "text"}, {"continue": "text"}], "b": [{"init": "balanced"}]}
        content["arms"]["c"] = [*content["arms"]["a"], {"cooldown": "balanced"}]
        content["contrasts"] = [{"arm": "b", "control": "a", "differs_in": ["mixture", "tokens", "schedule"]}]
        content["budget_parts"] = 10

    study = small(tmp_path, edit)
    said = prepare(titrant, study)
    assert said[0] == 2
    first = complaint(said).splitlines()[0]
    assert re.fullmatch(
        r"error: mixture 'text' draws 65\.54k tokens from source 'text' in phase 'continue' of arm 'a' at scale 'tiny', "
        r"which holds \S+k, of which earlier phases have drawn 65\.54k and \S+k are unseen\. Lower its share to "
        r"0\.\d+, declare the phase's data as `replay`, or add \S+k tokens\. \(.*study\.yaml:\d+\)",
        first,
    )
    assert complaint(said).count("mixture 'text' draws") == 1


def test_a_replay_of_data_never_drawn_is_refused_with_its_line(titrant: Any, tmp_path: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["phases"]["again"] = {**content["phases"]["continue"], "parts": 5, "data": "replay"}
        content["arms"]["balanced->text"] = [{"init": "balanced"}, {"again": "code"}]
        content["contrasts"][0]["differs_in"] = ["mixture", "data"]

    study = small(tmp_path, edit)
    said = prepare(titrant, study)
    assert (said[0], complaint(said)) == (
        2,
        "error: mixture 'code' draws 4.096k replayed tokens from source 'code' in phase 'again' of arm "
        "'balanced->text' at scale 'tiny', of which earlier phases of the arm have drawn 2.048k. Lower its share to "
        "0.5, have earlier phases draw 2.048k more tokens of it, or declare the phase's data as `fresh`. "
        f"({study}:{line_of(study, 'code: 1')})",
    )


def test_sequences_longer_than_a_source_are_told_once_with_the_line_of_the_source(titrant: Any, tmp_path: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["sources"]["text"].update(max_epochs=99)
        content["arms"] = {"text->text": [{"init": "text"}], "balanced->text": [{"init": "balanced"}]}
        content["scales"]["tiny"].update(tokens=2**18, sequence_length=2**16, global_batch_tokens=2**17)

    study = small(tmp_path, edit)
    said = prepare(titrant, study)
    assert (said[0], complaint(said)) == (
        2,
        "error: source 'code' is drawn at scale 'tiny' and holds no whole sequence of 65536 train tokens. Add documents, "
        f"lower the scale's sequence_length, or leave the source out. ({study}:{line_of(study, 'code:')})",
    )


def only(count: int) -> Callable[[Path], None]:
    def keep(folder: Path) -> None:
        for path in sorted((folder / "code").iterdir())[count:]:
            path.unlink()

    return keep


def filled(content: bytes) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for path in (folder / "code").iterdir():
            path.write_bytes(content)

    return fill


SOURCES: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (filled(b""), "source 'code': origin 1 of the source holds no document that can be used (left out: {'empty': 90}); check its patterns and how it is parsed"),
    "white space": (filled(b" \n\t "), "source 'code': origin 1 of the source holds no document that can be used (left out: {'empty': 90}); check its patterns and how it is parsed"),
    "not utf-8": (filled(b"caf\xe9 " * 99), "source 'code': origin 1 of the source holds no document that can be used (left out: {'not UTF-8': 90}); check its patterns and how it is parsed"),
    "one document": (only(1), "source 'code': it has 1 distinct document of its own (0 duplicates dropped): too few for both sides, because all pieces of one document stay on one side; add data, or give each of its parts as a document of its own (a file, or a line of a .jsonl)"),
    "one text": (filled(b"x = 1\n" * 50), "source 'code': it has 1 distinct document of its own (89 duplicates dropped): too few for both sides, because all pieces of one document stay on one side; add data, or give each of its parts as a document of its own (a file, or a line of a .jsonl)"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_with_nothing_in_it_is_named_with_its_line(titrant: Any, tmp_path: Path, name: str) -> None:
    spoil, sentence = SOURCES[name]
    study = small(tmp_path)
    spoil(tmp_path)
    status, _, err = prepare(titrant, study)
    assert status == 2
    assert complaint((status, "", err)) == f"error: {sentence} ({study}:{line_of(study, 'code:')})"


def test_a_vocabulary_that_the_text_cannot_fill_is_refused_with_a_mend_that_works(titrant: Any, tmp_path: Path) -> None:
    study = small(tmp_path, lambda c: c["tokenizer"].update(vocabulary=5000))
    said = prepare(titrant, study)
    found = re.fullmatch(
        r"error: 50k bytes of text give a vocabulary of (\d+), not of 5000\. Raise training_bytes or lower the "
        rf"vocabulary to \1\. \({re.escape(str(study))}:{line_of(study, 'tokenizer:')}\)",
        complaint(said),
    )
    assert found, said
    assert prepare(titrant, small(tmp_path, lambda c: c["tokenizer"].update(vocabulary=int(found[1]))))[0] == 0
