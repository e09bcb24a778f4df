"""Token caches of other programs: every document comes back, and no file is read with another tokenizer than its own."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from titrant.corpus.origins import token_caches
from titrant.errors import StoreError, StudyError
from titrant.study.architecture import ExistingTokenizer
from titrant.study.load import open_study
from titrant.study.origins import TokenCache
from titrant.study.world import pin_study, token_files_of
from titrant.tokens.megatron import write_index

TEXTS = [f"Document {n}: the quick brown fox – naïve, 日本 {n * n}.\n\n  indented\tline" for n in range(40)]
END = "<|endoftext|>"


def trained(path: Path, texts: list[str], vocabulary: int = 400) -> Path:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path))
    return path


def encoded(tokenizer: Path, texts: list[str]) -> list[list[int]]:
    loaded = Tokenizer.from_file(str(tokenizer))
    return [[*loaded.encode(text, add_special_tokens=False).ids, loaded.token_to_id(END)] for text in texts]


def write_cache(folder: Path, kind: str, documents: list[list[int]], width: int = 2) -> Path:
    """A cache as its program writes it. The file of tokens."""
    folder.mkdir(exist_ok=True)
    tokens = np.array([token for document in documents for token in document], dtype=f"<u{width}")
    ends = np.cumsum([len(document) for document in documents]).astype("<u8")
    path = folder / f"part-0{kind}"
    path.write_bytes(tokens.tobytes())
    if kind == ".bin":
        dtype = np.dtype("<u2") if width == 2 else np.dtype("<i4")
        write_index(path.with_suffix(".idx"), dtype, np.array([len(document) for document in documents], dtype="<i4"))
    elif kind == ".ds":
        (folder / "part-0.ds.index").write_bytes(ends.tobytes())
        (folder / "part-0.ds.metadata").write_text("gpt2|2\n100\n100 T")
    else:
        with gzip.open(folder / "part-0.csv.gz", "wt", newline="") as out:
            for end, document in zip(ends, documents, strict=True):
                csv.writer(out).writerow([int(end) - len(document), int(end), "id,1", "a.jsonl", 7])
    return path


def origin(folder: Path, tokenizer: Path, **more: object) -> dict[str, object]:
    return {"tokens": str(folder), "tokenizer": {"file": str(tokenizer), "end_of_text": END}, **more}


def texts_in(out: Path) -> list[str]:
    return pq.read_table(out, columns=["text"]).column("text").to_pylist()


@pytest.mark.parametrize("width", [2, 4])
@pytest.mark.parametrize("kind", [".bin", ".ds", ".npy"])
def test_every_document_of_every_format_comes_back(tmp_path, documents, kind, width, monkeypatch):
    monkeypatch.setattr(token_caches, "BATCH_TOKENS", 300)
    tokenizer = trained(tmp_path / "tokenizer.json", TEXTS)
    write_cache(tmp_path / "cache", kind, encoded(tokenizer, TEXTS), width)
    summary, out = documents(origin(tmp_path / "cache", tokenizer, licence="MIT", language="english"))
    rows = pq.read_table(out).to_pylist()
    assert [row["text"] for row in rows] == TEXTS
    assert (rows[3]["id"], rows[3]["origin"]) == (f"0/part-0{kind}:3", f"tokens:part-0{kind}")
    assert summary.bytes_by_licence.keys() == {"MIT"}
    assert summary.bytes_by_language.keys() == {"english"}


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=8))
def test_what_is_decoded_is_what_was_encoded(texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    tokenizer = trained(folder / "tokenizer.json", TEXTS)
    write_cache(folder / "cache", ".ds", encoded(tokenizer, texts))
    study = pin_study(open_study(a_study(folder, origin("cache", Path("tokenizer.json")))))
    found = [
        item.text for batch in token_caches.cached_batches(study.sources["text"].origins[0]) for item in batch.items()
    ]
    assert found == texts


def a_study(folder: Path, declared: dict[str, object]) -> Path:
    content = yaml.safe_load((Path(__file__).parents[2] / "src/titrant/studies/quickstart.yaml").read_text())
    content["sources"]["text"]["from"] = [declared]
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_another_tokenizer_is_refused_although_it_would_decode(tmp_path, documents):
    ours = trained(tmp_path / "ours.json", TEXTS, vocabulary=300)
    other = trained(
        tmp_path / "other.json",
        [f"zzyzx wherever vowels overlap; gulls glide past {n} hulls" for n in range(9)],
        vocabulary=300,
    )
    assert Tokenizer.from_file(str(other)).get_vocab_size() == 300, "every token can be decoded"
    write_cache(tmp_path / "cache", ".ds", encoded(ours, TEXTS))
    with pytest.raises(StudyError, match=r"was not encoded by '.*other.json'.*name the tokenizer that encoded it"):
        documents(origin(tmp_path / "cache", other))


def test_a_token_beyond_the_vocabulary_is_named(tmp_path, documents):
    tokenizer = trained(tmp_path / "tokenizer.json", TEXTS)
    write_cache(tmp_path / "cache", ".npy", [*encoded(tokenizer, TEXTS), [5, 60000]])
    with pytest.raises(StudyError, match=r"document 40 of '.*part-0.npy' holds token 60000, and .* has 393"):
        documents(origin(tmp_path / "cache", tokenizer))


@pytest.mark.parametrize("kind", [".bin", ".ds", ".npy"])
def test_a_file_cut_short_is_refused(tmp_path, documents, kind):
    tokenizer = trained(tmp_path / "tokenizer.json", TEXTS)
    path = write_cache(tmp_path / "cache", kind, encoded(tokenizer, TEXTS))
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(StoreError, match=r"part-0\.\w+' has [\d,]+ bytes, which are not [\d,]+ tokens of"):
        documents(origin(tmp_path / "cache", tokenizer))


@pytest.mark.parametrize(
    ("kind", "beside"), [(".bin", "part-0.idx"), (".ds", "part-0.ds.index"), (".npy", "part-0.csv.gz")]
)
def test_an_index_that_is_missing_is_named_before_anything_runs(tmp_path, kind, beside):
    tokenizer = trained(tmp_path / "tokenizer.json", TEXTS)
    write_cache(tmp_path / "cache", kind, encoded(tokenizer, TEXTS))
    (tmp_path / "cache" / beside).unlink()
    with pytest.raises(StudyError, match=rf"{beside}' is not there"):
        pin_study(open_study(a_study(tmp_path, origin("cache", Path("tokenizer.json")))))


@pytest.mark.parametrize("beside", ["part-0.csv.gz"])
def test_an_index_that_is_damaged_is_an_error(tmp_path, documents, beside):
    tokenizer = trained(tmp_path / "tokenizer.json", TEXTS)
    write_cache(tmp_path / "cache", ".npy", encoded(tokenizer, TEXTS))
    (tmp_path / "cache" / beside).write_bytes(gzip.compress(b"a,b,c\n"))
    with pytest.raises(StoreError, match=r"what tells the documents of .* is damaged"):
        documents(origin(tmp_path / "cache", tokenizer))


def test_a_document_cut_inside_a_character_is_left_out_and_counted(tmp_path, documents):
    tokenizer = trained(tmp_path / "tokenizer.json", ["abc"], vocabulary=260)
    whole = encoded(tokenizer, [*["plain words here"] * 5, "日"])
    cut = [*whole[:5], whole[5][:2]]
    write_cache(tmp_path / "cache", ".ds", cut)
    summary, out = documents(origin(tmp_path / "cache", tokenizer))
    assert texts_in(out) == ["plain words here"] * 5
    assert summary.left_out == {"cut inside a character": 1}


def test_a_cache_of_a_study_is_pinned_by_its_content(tmp_path):
    tokenizer = trained(tmp_path / "tokenizer.json", TEXTS)
    write_cache(tmp_path / "cache", ".ds", encoded(tokenizer, TEXTS))
    path = a_study(tmp_path, origin("cache", Path("tokenizer.json")))
    first = pin_study(open_study(path)).sources["text"].origins[0]
    (tmp_path / "cache" / "part-0.ds.metadata").write_text("other")
    assert pin_study(open_study(path)).sources["text"].origins[0].content == first.content
    write_cache(tmp_path / "cache", ".ds", encoded(tokenizer, TEXTS[:-1]))
    assert pin_study(open_study(path)).sources["text"].origins[0].content != first.content
    assert json.loads(first.model_dump_json())["tokenizer"]["vocabulary"] == 393


def test_two_caches_of_one_name_are_refused_and_never_silently_one(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for ending in ("bin", "idx"):
            (tmp_path / folder / f"train.{ending}").write_text(folder)
    origin = TokenCache(
        tokens=(str(tmp_path / "a"), str(tmp_path / "b")),
        tokenizer=ExistingTokenizer(file="tokenizer.json", end_of_text=END),
    )
    with pytest.raises(StudyError, match=r"would both be called 'train\.(bin|idx)'; give their folders as two origins"):
        token_files_of(origin)
