"""The documents stage: what becomes a document, what is left out, and that its bytes are a function of the content."""

from __future__ import annotations

import bz2
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from blake3 import blake3

from titrant.corpus import writer as stage
from titrant.corpus.languages import language_of
from titrant.errors import StoreError, StudyError


def rows(folder):
    return pq.read_table(folder).to_pylist()


def texts(folder):
    return [row["text"] for row in rows(folder)]


def write_lines(path, records):
    path.write_bytes("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode())
    return path


def test_plain_files_become_one_document_each_with_language_and_hash(tmp_path, documents):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.py").write_text("x = 1\n")
    (folder / "sub" / "a.md").write_text("# Héllo\n")
    summary, out = documents({"files": str(folder), "licence": "MIT"})
    first, second = rows(out)
    assert (first["id"], first["language"], first["origin"]) == ("0/b.py", "python", "files:b.py")
    assert (second["id"], second["language"], second["licence"]) == ("0/sub/a.md", "markdown", "MIT")
    assert second["content_hash"] == blake3("# Héllo\n".encode()).hexdigest()[:32]
    assert not second["planted"]
    assert summary.documents == 2
    assert summary.bytes == 6 + 9 == sum(summary.bytes_by_language.values())
    assert summary.bytes_by_licence == {"MIT": 15}


def test_only_byte_order_mark_and_crlf_are_changed(tmp_path, documents):
    (tmp_path / "a.txt").write_bytes("\ufeff a\r\nb\rc\u2028\x0cd \ufeff\u0301\n\n".encode())
    _, out = documents({"files": str(tmp_path / "a.txt")})
    assert texts(out) == [" a\nb\rc\u2028\x0cd \ufeff\u0301\n\n"]


def test_files_that_are_not_utf8_and_empty_ones_are_left_out_and_counted(tmp_path, documents):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "latin.txt").write_bytes("café".encode("latin-1"))
    (folder / "binary.txt").write_bytes(bytes(range(256)))
    (folder / "none.txt").write_bytes(b"")
    (folder / "space.txt").write_text(" \n\t\u00a0\u2003\n")
    (folder / "good.txt").write_text("good")
    summary, out = documents({"files": str(folder)})
    assert texts(out) == ["good"]
    assert summary.left_out == {"empty": 2, "not UTF-8": 2}


def test_an_origin_without_any_usable_document_is_an_error_that_says_what_was_left_out(tmp_path, documents):
    (tmp_path / "space.txt").write_text(" \n")
    with pytest.raises(
        StudyError, match=r"origin 1 .* holds no document that can be used \(left out: \{'empty': 1\}\)"
    ):
        documents({"files": str(tmp_path / "space.txt")})


def test_a_pattern_that_matches_no_file_is_an_error(tmp_path, documents):
    with pytest.raises(StudyError, match="matches no file"):
        documents({"files": str(tmp_path / "*.txt")})


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2", ".zst"])
def test_json_lines_are_split_on_line_feeds_alone(tmp_path, documents, ending):
    given = ["one\u2028still one\u2029\x85\x0b\x1c", "two\r", "three\n"]
    plain = write_lines(tmp_path / "a.jsonl", [{"text": t, "lang": "EN", "lic": None} for t in given])
    compress = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstandard.compress}[ending]
    path = tmp_path / f"b.jsonl{ending}"
    path.write_bytes(compress(plain.read_bytes()))
    origin = {"files": str(path), "parse": {"format": "jsonl", "language": "lang", "licence": "lic"}}
    _, out = documents(origin)
    assert texts(out) == given
    assert {(row["language"], row["licence"]) for row in rows(out)} == {("en", "unknown")}
    assert [row["id"] for row in rows(out)] == [f"0/b.jsonl{ending}:{n}" for n in (1, 2, 3)]


def test_several_zstandard_frames_are_one_stream(tmp_path, documents):
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(b"".join(zstandard.compress(b'{"text": "%d"}\n' % n) for n in range(5)))
    _, out = documents({"files": str(path), "parse": {"format": "jsonl"}})
    assert texts(out) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard.compress)]
)
@pytest.mark.parametrize("damage", ["cut", "no such format"])
def test_a_damaged_compressed_file_is_an_error_and_never_a_shorter_corpus(
    tmp_path, documents, ending, compress, damage
):
    content = compress(b"".join(b'{"text": "line %d"}\n' % n for n in range(50_000)))
    path = tmp_path / f"a.jsonl{ending}"
    path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"plain text")
    with pytest.raises(StoreError, match=rf"files:a\.jsonl\{ending} cannot be read to its end"):
        documents({"files": str(path), "parse": {"format": "jsonl"}})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "cut of', r"files:a\.jsonl:2 is not JSON"),
        ('{"txt": "x"}', r"files:a\.jsonl:2 has no key 'text'; it has 'txt'"),
        ('["x"]', r"files:a\.jsonl:2 is a JSON list, not an object"),
        ('{"text": 7}', r"'text' of files:a\.jsonl:2 is a int, not a string"),
    ],
)
def test_a_wrong_json_line_is_named_with_file_and_line(tmp_path, documents, line, message):
    (tmp_path / "a.jsonl").write_text('{"text": "ok"}\n' + line + "\n")
    with pytest.raises(StudyError, match=message):
        documents({"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl"}})


def test_a_lone_surrogate_in_json_is_not_utf8_and_left_out(tmp_path, documents):
    (tmp_path / "a.jsonl").write_text('{"text": "\\ud800"}\n{"text": "\\ud83d\\ude00"}\n\n{"text": null}\n')
    summary, out = documents({"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl"}})
    assert texts(out) == ["😀"]
    assert summary.left_out == {"not UTF-8": 1, "empty": 1}


def test_json_arrays_and_objects_of_objects_are_read(tmp_path, documents):
    (tmp_path / "a.json").write_text('[{"t": "one"}, {"t": "two"}]')
    (tmp_path / "b.json").write_text('{"k:1": {"t": "three"}}')
    _, out = documents(
        {"files": [str(tmp_path / "a.json"), str(tmp_path / "b.json")], "parse": {"format": "json", "text": "t"}}
    )
    assert [(row["id"], row["text"]) for row in rows(out)] == [
        ("0/a.json:0", "one"),
        ("0/a.json:1", "two"),
        ("0/b.json:k%3A1", "three"),
    ]


def test_parquet_rows_are_read_and_a_missing_column_lists_those_there_are(tmp_path, documents):
    table = pa.table({"body": ["a", None, "b"], "lang": pa.array(["Go", "Go", None]).dictionary_encode()})
    pq.write_table(table, tmp_path / "a.parquet")
    origin = {"files": str(tmp_path / "a.parquet"), "parse": {"format": "parquet", "text": "body", "language": "lang"}}
    summary, out = documents(origin)
    assert [(row["id"], row["text"], row["language"]) for row in rows(out)] == [
        ("0/a.parquet:0", "a", "go"),
        ("0/a.parquet:2", "b", "unknown"),
    ]
    assert summary.left_out == {"empty": 1}
    with pytest.raises(StudyError, match="has no column 'text'; it has 'body', 'lang'"):
        documents({**origin, "parse": {"format": "parquet"}})
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-9])
    with pytest.raises(StoreError, match="cannot be read as Parquet"):
        documents(origin)


def test_python_strings_are_read_without_importing(tmp_path, documents):
    source = (
        'raise SystemExit("never run")\n'
        'A = "a" * 3\nB = """' + "b" * 250 + '"""\nC = "c" "' + "c" * 249 + '"\n'
        'D = f"' + "d" * 300 + '{A}"\nE = "\\d' + "e" * 199 + '"\n'
    )
    (tmp_path / "m.py").write_text(source)
    (tmp_path / "broken.py").write_text("def (")
    summary, out = documents({"files": str(tmp_path / "*.py"), "parse": {"format": "python-strings"}})
    assert texts(out) == ["b" * 250, "c" * 250, "\\d" + "e" * 199]
    assert summary.left_out == {"not Python": 1}


def test_files_that_changed_after_pinning_are_refused(tmp_path, documents):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(StudyError, match="changed after the study was pinned"):
        documents({"files": str(tmp_path / "a.txt"), "content": "0" * 64})


def test_the_standard_library_is_an_origin(documents):
    summary, out = documents({"installed": "python", "members": ["json/*.py"], "licence": "PSF-2.0"}, kind="code")
    assert rows(out)[0]["origin"] == "python:json/__init__.py"
    assert summary.bytes_by_language.keys() == {"python"}


def test_two_runs_write_identical_bytes_in_many_files_and_row_groups(tmp_path, documents, monkeypatch):
    monkeypatch.setattr(stage, "GROUP_BYTES", 2_000)
    monkeypatch.setattr(stage, "FILE_BYTES", 10_000)
    path = write_lines(tmp_path / "a.jsonl", [{"text": f"document {n} " * 20} for n in range(200)])
    origin = {"files": str(path), "parse": {"format": "jsonl"}}
    plant = {"facts_per_rung": 4, "copies": [1, 8], "seed": 5}
    (one, first), (two, second) = documents(origin, plant=plant), documents(origin, plant=plant)
    assert one == two
    names = sorted(path.name for path in first.iterdir())
    assert names[:2] == ["documents-00000.parquet", "documents-00001.parquet"]
    assert len(names) > 3
    assert [(first / name).read_bytes() for name in names] == [(second / name).read_bytes() for name in names]
    held = [sum(len(text) for text in pq.read_table(first / name)["text"].to_pylist()) for name in names]
    assert max(held) <= 12_400
    assert pq.read_metadata(first / names[0]).num_row_groups > 1


def test_ids_are_unique_when_names_look_like_pieces_or_parts(tmp_path, documents):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.txt", "a.txt#0", "a.txt%230", "a.txt:1"):
        (folder / name).write_text("word " * 50)
    _, out = documents({"files": str(folder)}, {"files": str(folder)})
    ids = [row["id"] for row in rows(out)]
    assert ids == [f"{n}/{name}" for n in (0, 1) for name in ("a.txt", "a.txt%230", "a.txt%25230", "a.txt%3A1")]


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.d.ts", "typescript"),
        ("A.PS1", "powershell"),
        ("k.cu", "cuda"),
        ("x/CMakeLists.txt", "cmake"),
        ("Makefile", "make"),
        (".py", "python"),
        ("a.b/c", "unknown"),
    ],
)
def test_languages_follow_from_the_end_of_the_name(name, language):
    assert language_of(name) == language


def test_two_files_of_one_name_are_refused_and_never_silently_one(tmp_path, documents):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(folder)
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    with pytest.raises(StudyError, match=r"would both be called 'x\.txt'; give their folders as two origins"):
        documents({"files": folders})
    _, out = documents(*({"files": folder} for folder in folders))
    assert texts(out) == ["a", "b"]
    documents({"files": [folders[0], f"{folders[0]}/x.txt"]})
