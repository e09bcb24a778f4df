"""Bad input: one sentence that names file and record, or what was left out by name; never a shorter corpus unsaid."""

from __future__ import annotations

import errno
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titrant.corpus import opened
from titrant.corpus.formats import parse
from titrant.corpus.formats.json_text import MAX_DEPTH, lines
from titrant.corpus.origins import pieces
from titrant.errors import EngineError, StoreError, StudyError


def texts(out):
    return pq.read_table(out)["text"].to_pylist()


def unreadable(out):
    return [json.loads(line) for line in (out / "_unreadable.jsonl").read_text().splitlines()]


BAD_LINES = {
    "not JSON": ('{"text": "cut', r"a\.jsonl:2 is not JSON"),
    "no object": ("[1]", r"a\.jsonl:2 is a JSON list"),
    "no key": ('{"txt": ""}', r"a\.jsonl:2 has no key 'text'; it has 'txt'"),
    "no string": ('{"text": {}}', r"'text' of \S*a\.jsonl:2 is a dict"),
    "key twice": ('{"text": "a", "text": "b"}', r"a\.jsonl:2 has the key 'text' twice in one object"),
    "two values": ('{"text": "a"} {"text": "b"}', r"a\.jsonl:2 is not JSON \(Extra data"),
    "too deep": ('{"text": "a", "x": ' + "[" * 500 + "]" * 500 + "}", rf"nests arrays .* more than {MAX_DEPTH} deep"),
    "far too deep": ("[" * 200_000, rf"nests arrays .* more than {MAX_DEPTH} deep"),
    "NUL bytes": ("\0\0\0", r"a\.jsonl:2 is not JSON"),
}


@pytest.mark.parametrize("bad", BAD_LINES)
def test_a_bad_record_stops_by_its_name_or_is_skipped_and_named(tmp_path, documents, bad):
    line, message = BAD_LINES[bad]
    (tmp_path / "a.jsonl").write_text(f'{{"text": "one"}}\n{line}\n{{"text": "three"}}\n')
    origin = {"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl"}}
    with pytest.raises(StudyError, match=message):
        documents(origin)
    summary, out = documents(origin, on_error="skip")
    assert texts(out) == ["one", "three"]
    assert summary.left_out == {"record that cannot be read": 1}
    (named,) = unreadable(out)
    assert named["name"] == "files:a.jsonl:2"
    assert named["reason"] == "record that cannot be read"


def test_only_the_first_few_are_named_and_all_are_counted(tmp_path, documents):
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n' + "{\n" * 100)
    summary, out = documents({"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl"}}, on_error="skip")
    assert summary.left_out == {"record that cannot be read": 100}
    assert [item["name"] for item in unreadable(out)] == [f"files:a.jsonl:{n}" for n in range(2, 22)]


def test_an_integer_of_any_length_is_a_number(tmp_path, documents):
    (tmp_path / "a.jsonl").write_text('{"text": "one", "n": ' + "9" * 5000 + "}\n")
    assert texts(documents({"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl"}})[1]) == ["one"]


def test_a_file_that_fails_half_way_keeps_the_records_before_it_under_skip(tmp_path, documents):
    content = gzip.compress("".join(f'{{"text": "line {n * n}"}}\n' for n in range(100_000)).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(content[: len(content) // 2])
    (tmp_path / "b.jsonl").write_text('{"text": "whole"}\n')
    origin = {"files": [str(tmp_path / "a.jsonl.gz"), str(tmp_path / "b.jsonl")], "parse": {"format": "jsonl"}}
    with pytest.raises(StoreError, match=r"a\.jsonl\.gz cannot be read to its end"):
        documents(origin)
    summary, out = documents(origin, on_error="skip")
    found = texts(out)
    assert 1000 < len(found) < 99_000
    assert found[:-1] == [f"line {n * n}" for n in range(len(found) - 1)]
    assert found[-1] == "whole"
    assert summary.left_out == {"file that cannot be read": 1}
    assert unreadable(out)[0]["name"] == "files:a.jsonl.gz"


def test_where_every_record_is_bad_skipping_them_is_an_error(tmp_path, documents):
    (tmp_path / "a.jsonl").write_text("{\n{\n")
    with pytest.raises(StudyError, match=r"no document that can be used \(left out: \{'record that cannot be read': 2"):
        documents({"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl"}}, on_error="skip")


def test_plain_files_that_are_binary_are_left_out_and_records_keep_their_nul(tmp_path, documents):
    (tmp_path / "a.txt").write_bytes(b"text\0\0")
    (tmp_path / "b.txt").write_bytes("text".encode("utf-16"))
    (tmp_path / "c.txt").write_bytes(b"text")
    summary, out = documents({"files": str(tmp_path / "*.txt")})
    assert texts(out) == ["text"]
    assert summary.left_out == {"binary": 1, "not UTF-8": 1}
    (tmp_path / "a.jsonl").write_text('{"text": "a\\u0000b"}\n')
    assert texts(documents({"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl"}})[1]) == ["a\0b"]


def test_records_that_are_not_utf8_are_left_out_in_every_format(tmp_path, documents):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "caf\xe9"}\n{"text": "ok"}\n{"text": "x", "l": "\\ud800"}\n')
    parse_jsonl = {"format": "jsonl", "language": "l"}
    (tmp_path / "a.jsonl").write_bytes(
        b'{"text": "caf\xe9"}\n{"text": "ok", "l": "en"}\n{"text": "x", "l": "\\ud800"}\n'
    )
    summary, out = documents({"files": str(tmp_path / "a.jsonl"), "parse": parse_jsonl})
    assert (texts(out), summary.left_out) == (["ok"], {"not UTF-8": 2})
    broken = pa.array([b"caf\xe9", b"ok", None], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": broken, "l": pa.array([None, "en", "en"])}), tmp_path / "a.parquet")
    origin = {"files": str(tmp_path / "a.parquet"), "parse": {"format": "parquet", "language": "l"}}
    summary, out = documents(origin)
    assert (texts(out), summary.left_out) == (["ok"], {"empty": 1, "not UTF-8": 1})


def test_a_key_that_is_no_text_still_makes_an_id(tmp_path, documents):
    (tmp_path / "a.json").write_text('{"\\ud800": {"t": "one"}, "%uD800": {"t": "two"}}')
    _, out = documents({"files": str(tmp_path / "a.json"), "parse": {"format": "json", "text": "t"}})
    assert pq.read_table(out)["id"].to_pylist() == ["0/a.json:%D800", "0/a.json:%25uD800"]


@pytest.mark.parametrize("format_", ["plain", "json", "python-strings", "jsonl"])
def test_what_is_too_large_to_hold_is_refused_by_its_size(tmp_path, documents, monkeypatch, format_):
    for module in (opened, parse):
        monkeypatch.setattr(module, "MAX_DOCUMENT_BYTES", 1000)
    monkeypatch.setattr(opened.SourceFile.read, "__defaults__", (1000,))
    monkeypatch.setattr(lines, "__defaults__", (1000,))
    monkeypatch.setattr(parse, "MAX_MODULE_BYTES", 1000)
    record = json.dumps({"text": "a" * 1001})
    (tmp_path / "a.x").write_text(f"[{record}]" if format_ == "json" else record)
    (tmp_path / "b.x").write_text('{"text": "x = 1"}' if format_ == "jsonl" else '"a string of its own"')
    parser = {"format": format_} | ({"text": "text"} if format_ == "json" else {})
    parser |= {"min_characters": 1} if format_ == "python-strings" else {}
    with pytest.raises(StudyError, match=r"a\.x(:1)? has more than 1,000 bytes"):
        documents({"files": str(tmp_path / "a.x"), "parse": parser})
    if format_ != "json":
        summary, _ = documents({"files": str(tmp_path / "*.x"), "parse": parser}, on_error="skip")
        assert summary.documents == 1
        assert sum(summary.left_out.values()) == 1


def test_a_line_beyond_the_limit_is_never_held(tmp_path):
    class Endless:
        def __init__(self, blocks):
            self.left = blocks

        def read(self, size):
            self.left -= 1
            return b"a" * size if self.left >= 0 else b"\nend\n" if self.left == -1 else b""

    import tracemalloc

    tracemalloc.start()
    assert list(lines(Endless(100), 3 << 20)) == [None, b"end"]
    assert tracemalloc.get_traced_memory()[1] < 12 << 20
    tracemalloc.stop()


def test_a_long_line_below_the_limit_is_read_whole(tmp_path, documents):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "word " * 2_000_000}))
    (tmp_path / "a.txt").write_text("word " * 2_000_000)
    for origin in (
        {"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl"}},
        {"files": str(tmp_path / "a.txt")},
    ):
        assert documents(origin)[0].bytes == 10_000_000


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([1]), "column 'text' of files:a.parquet is int64, not a string"),
        (pa.array([b"a"]), "column 'text' of files:a.parquet is binary, not a string"),
        (pa.array([["a"]]), None),
    ],
)
def test_a_column_of_another_kind_is_named(tmp_path, documents, column, message):
    pq.write_table(pa.table({"text": column, "other": ["b"]}), tmp_path / "a.parquet")
    origin = {"files": str(tmp_path / "a.parquet"), "parse": {"format": "parquet"}}
    with pytest.raises(StudyError, match=message or "column 'text' of .* is list<.*>, not a string"):
        documents(origin)
    with pytest.raises(StudyError, match=r"files:a\.parquet has no column 'txt'; it has 'other', 'text'"):
        documents({**origin, "parse": {"format": "parquet", "text": "txt"}})


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_parquet_file_that_is_cut_off_is_an_error(tmp_path, documents, share):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"row {n}" for n in range(5000)]}), path, row_group_size=500)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(StoreError, match=r"files:a\.parquet cannot be read as Parquet"):
        documents({"files": str(path), "parse": {"format": "parquet"}})


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (b"", "is not well-formed XML"),
        (b"<mediawiki><page>", "is not well-formed XML"),
        (b"<?xml version='1.0' encoding='none'?><a/>", "is not well-formed XML"),
        (b"<a>\xff</a>", "is not well-formed XML"),
        (
            b'<!DOCTYPE a [<!ENTITY a "'
            + b"x" * 100
            + b'">'
            + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
            + b"]><a>&j;</a>",
            "is not well-formed XML",
        ),
    ],
)
def test_xml_that_is_none_or_a_bomb_is_one_error(tmp_path, documents, xml, message):
    (tmp_path / "a.xml").write_bytes(xml)
    with pytest.raises(StoreError, match=message):
        documents({"files": str(tmp_path / "a.xml"), "parse": {"format": "wikipedia-xml"}})


def test_a_page_without_an_end_is_never_held(tmp_path, documents, monkeypatch):
    monkeypatch.setattr("titrant.corpus.formats.wikipedia.MAX_DOCUMENT_BYTES", 1 << 20)
    page = b"<page><id>1</id><revision><text>kept</text></revision></page>"
    (tmp_path / "a.xml").write_bytes(
        b"<mediawiki>"
        + page
        + b"<page><revision><text>"
        + b"word " * 800_000
        + b"</text></revision></page></mediawiki>"
    )
    origin = {"files": str(tmp_path / "a.xml"), "parse": {"format": "wikipedia-xml"}}
    with pytest.raises(StudyError, match="has more than 1,048,576 bytes between the ends of two pages"):
        documents(origin)
    summary, out = documents(origin, on_error="skip")
    assert texts(out) == ["kept"]
    assert summary.left_out == {"file that cannot be read": 1}


@pytest.mark.parametrize("mark", ["<ref>", "[http://a ", "<!--", "{|\n", "<nowiki>", "<ref name="])
def test_a_wiki_page_of_marks_without_an_end_is_left_out_before_it_is_parsed(tmp_path, documents, mark):
    pages = "".join(
        f"<page><id>{n}</id><revision><text>{text.replace('<', '&lt;')}</text></revision></page>"
        for n, text in enumerate((mark * 20_000, "kept"))
    )
    (tmp_path / "a.xml").write_text(f"<mediawiki>{pages}</mediawiki>")
    summary, out = documents({"files": str(tmp_path / "a.xml"), "parse": {"format": "wikipedia-xml"}})
    assert texts(out) == ["kept"]
    assert summary.left_out == {"wiki markup with too many marks without an end": 1}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ENOMEM, errno.ESTALE, errno.ENOSPC, errno.EACCES])
def test_what_the_machine_does_ends_the_job_and_is_never_skipped(tmp_path, documents, monkeypatch, number):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(name)

    def opened(path):
        if path.name == "b.txt":
            raise OSError(number, "not now")
        return path.open("rb")

    monkeypatch.setattr(pieces, "_opened", opened)
    with pytest.raises(EngineError, match=r"files:b\.txt could not be read \(.*: not now\); that is this machine"):
        documents({"files": str(tmp_path)}, on_error="skip")
