"""The tokenizer: the same bytes from the same content, whatever the order, the threads and the shares' key order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3
from tiny_corpus import quiet, some_texts, write_source
from tokenizers import Tokenizer

from titrant.artifacts import TokenizerFile
from titrant.errors import StudyError
from titrant.jobs import TokenizerJob
from titrant.study.architecture import ExistingTokenizer, TrainedTokenizer
from titrant.tokens import make_tokenizer

SHARES = {"text": "3/4", "code": "1/4"}


def inputs_of(folder: Path, texts: list[str], codes: list[str]) -> dict[str, Path]:
    inputs = {}
    for source, documents in (("text", texts), ("code", codes)):
        fates = ["held_out" if text.startswith(("Tale 3", "def rule_3")) else "train" for text in documents]
        inputs[f"documents/{source}"], inputs[f"split/{source}"] = write_source(folder / source, documents, fates)
    return inputs


def make(
    folder: Path, inputs: dict[str, Path], vocabulary: int = 340, **changes: object
) -> tuple[TokenizerFile, bytes]:
    folder.mkdir()
    declared = TrainedTokenizer.model_validate(
        {"vocabulary": vocabulary, "mixture": "shares", "training_bytes": 12_000} | changes
    )
    job = TokenizerJob(tokenizer=declared, byte_shares=SHARES)
    made = make_tokenizer(job, inputs, folder, scratch=folder, progress=quiet)
    return made, (folder / "tokenizer.json").read_bytes()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return inputs_of(tmp_path_factory.mktemp("sources"), some_texts(120), some_texts(90, "code"))


def test_a_trained_tokenizer_has_the_vocabulary_asked_for_and_gives_back_every_byte(
    tmp_path: Path, inputs: dict[str, Path]
) -> None:
    made, content = make(tmp_path / "out", inputs)
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert (made.vocabulary, made.end_of_text_id) == (340, 0)
    assert tokenizer.get_vocab_size(with_added_tokens=True) == 340
    assert made.content == blake3(content).hexdigest()
    for text in ("", " a\n\n\tb  ", "naïve 漢字 \U0001f600 \x00", "1234567", "for x in y:\r\n    pass\r\n"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert len(tokenizer.encode("1234567").ids) == 7


def test_bytes_a_token_are_measured_for_each_source(tmp_path: Path, inputs: dict[str, Path]) -> None:
    made, _ = make(tmp_path / "out", inputs)
    assert set(made.bytes_per_token) == {"text", "code"}
    assert all(1 < measured < 8 for measured in made.bytes_per_token.values())


def test_the_sample_depends_on_content_and_not_on_the_order_of_documents_or_shares(
    tmp_path: Path, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, content = make(tmp_path / "one", inputs)
    backwards = inputs_of(tmp_path / "backwards", some_texts(120)[::-1], some_texts(90, "code")[::-1])
    monkeypatch.setitem(globals(), "SHARES", dict(reversed(SHARES.items())))
    assert make(tmp_path / "two", backwards) == (made, content)


def test_held_out_documents_are_never_sampled(tmp_path: Path, inputs: dict[str, Path]) -> None:
    _, content = make(tmp_path / "one", inputs)
    texts = ["Tale 3 is held out, and odd: zzzqqq " * 40 if t.startswith("Tale 3") else t for t in some_texts(120)]
    changed = inputs_of(tmp_path / "changed", texts, some_texts(90, "code"))
    assert make(tmp_path / "two", changed)[1] == content


@pytest.mark.parametrize("threads", ["1", "4"])
def test_the_bytes_do_not_depend_on_the_number_of_threads(
    tmp_path: Path, inputs: dict[str, Path], threads: str
) -> None:
    _, content = make(tmp_path / "here", inputs)
    (tmp_path / "there").mkdir()
    script = (
        "import sys, json; from pathlib import Path; from titrant.jobs import TokenizerJob;"
        "from titrant.tokens import make_tokenizer;"
        "job = TokenizerJob.model_validate_json(sys.argv[1]);"
        "inputs = {role: Path(p) for role, p in json.loads(sys.argv[2]).items()}; out = Path(sys.argv[3]);"
        "make_tokenizer(job, inputs, out, scratch=out, progress=lambda *a, **k: None)"
    )
    job = TokenizerJob(
        tokenizer=TrainedTokenizer(vocabulary=340, mixture="shares", training_bytes=12_000), byte_shares=SHARES
    )
    places = json.dumps({role: str(path) for role, path in inputs.items()})
    environment = os.environ | {"RAYON_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": str(threads != "1").lower()}
    arguments = [sys.executable, "-c", script, job.model_dump_json(), places, str(tmp_path / "there")]
    subprocess.run(arguments, check=True, env=environment)
    assert (tmp_path / "there" / "tokenizer.json").read_bytes() == content


def test_a_source_too_small_for_its_share_of_the_sample_is_an_error_with_the_bytes_that_would_do(
    tmp_path: Path, inputs: dict[str, Path]
) -> None:
    with pytest.raises(StudyError, match="takes 250k from source 'code', which holds") as raised:
        make(tmp_path / "out", inputs, training_bytes=1_000_000)
    assert len(raised.value.problems) == 2
    enough = int(str(raised.value).split("Lower training_bytes to ")[1].split(",")[0])
    make(tmp_path / "again", inputs, training_bytes=enough)


def test_a_vocabulary_that_the_sample_cannot_fill_is_an_error(tmp_path: Path, inputs: dict[str, Path]) -> None:
    with pytest.raises(StudyError, match=r"12k bytes of text give a vocabulary of \d+, not of 100000"):
        make(tmp_path / "out", inputs, vocabulary=100_000)


def test_an_existing_tokenizer_is_taken_as_it_is_or_refused(tmp_path: Path, inputs: dict[str, Path]) -> None:
    made, content = make(tmp_path / "first", inputs)
    file = tmp_path / "first" / "tokenizer.json"

    def take(**fields: object) -> TokenizerFile:
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        declared = ExistingTokenizer.model_validate({"file": str(file)} | fields)
        taken = make_tokenizer(TokenizerJob(tokenizer=declared, byte_shares={}), {}, out, scratch=out, progress=quiet)
        assert (out / "tokenizer.json").read_bytes() == content
        return taken

    assert take() == take(content=made.content, vocabulary=340)
    assert take().content == made.content
    assert take().bytes_per_token == {}
    with pytest.raises(StudyError, match=r"token '</s>' is not in the vocabulary"):
        take(end_of_text="</s>")
    with pytest.raises(StudyError, match=r"has content [0-9a-f]{12}, the study pins 000000000000"):
        take(content="0" * 64)
    with pytest.raises(StudyError, match="has 340 entries, the study says 500"):
        take(vocabulary=500)
