"""What a format can hold comes out as it went in: properties of every parser, over generated texts."""

from __future__ import annotations

import io
import json
import zipfile
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from titrant.corpus.formats.json_text import json_value, lines
from titrant.corpus.formats.parse import parse
from titrant.corpus.formats.tables import Columns, texts_of_rows
from titrant.corpus.formats.texts import LeftOut, Text, cleaned
from titrant.corpus.formats.wikipedia import articles
from titrant.corpus.opened import SourceFile
from titrant.errors import StoreError, StudyError
from titrant.study.parsers import JsonLines, JsonRecords, ParquetRows, PlainFiles, PythonStrings
from titrant.tokens.documents import content_hash

anything = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ["\r\n", "\ufeffx", "\0", "\u2028\x85", '"\\']
)
texts = st.lists(anything, min_size=1, max_size=8)


def file_of(content, name="a"):
    return SourceFile(name, f"files:{name}", lambda: io.BytesIO(content))


def read(content, parser, name="a"):
    return [item.text for item in parse(file_of(content, name), parser) if isinstance(item, Text)]


@given(texts=texts, ascii_only=st.booleans(), end=st.sampled_from(["", "\n", "\n\n \n"]))
def test_json_lines(texts, ascii_only, end):
    records = [json.dumps({"n": n, "t": text}, ensure_ascii=ascii_only) for n, text in enumerate(texts)]
    assert read(("\n".join(records) + end).encode(), JsonLines(text="t")) == texts


@given(texts=texts, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 4), as_object=st.booleans())
def test_json_records(texts, ascii_only, indent, as_object):
    records = [{"t": text} for text in texts]
    value = {f"k{n}": record for n, record in enumerate(records)} if as_object else records
    content = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert read(content, JsonRecords(text="t")) == texts


@settings(deadline=None)
@given(
    texts=texts,
    kind=st.sampled_from([pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]),
    compression=st.sampled_from(["none", "snappy", "zstd", "gzip"]),
    group=st.integers(1, 5),
)
def test_parquet_rows(texts, kind, compression, group):
    whole = io.BytesIO()
    column = pa.array(texts).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(texts, kind)
    if not pa.types.is_string_view(kind):  # which Parquet does not tell from a string
        pq.write_table(
            pa.table({"t": column, "x": range(len(texts))}), whole, compression=compression, row_group_size=group
        )
        assert read(whole.getvalue(), ParquetRows(text="t")) == texts
    batch = pa.record_batch({"t": column})
    assert [item.text for item in texts_of_rows(batch, Columns("t"), "here", 0)] == texts


@given(text=anything)
def test_a_plain_file_is_its_text(text):
    assert read(text.encode(), PlainFiles()) == ([] if "\0" in text else [text])


@given(texts=texts)
def test_python_strings(texts):
    source = "".join(f"x{n} = {text!r}\n" for n, text in enumerate(texts))
    assert read(source.encode(), PythonStrings(min_characters=1)) == [text for text in texts if text]


prose = st.text("abc é漢\n.,", max_size=40).map(
    lambda text: "\n".join(line.strip() for line in text.split("\n")).strip()
)


@settings(deadline=None)
@given(texts=st.lists(prose.filter(lambda text: "\n\n" not in text), max_size=5))
def test_wikipedia_pages_without_markup(texts):
    pages = "".join(
        f"<page><id>{n}</id><revision><text>{escape(t)}</text></revision></page>" for n, t in enumerate(texts)
    )
    stream = io.BytesIO(f"<mediawiki>{pages}</mediawiki>".encode())
    assert list(articles(stream, "here")) == [(f"{n + 1}.{n}", text) for n, text in enumerate(texts)]


@given(content=st.binary(max_size=200), blocks=st.integers(1, 7))
def test_lines_are_what_split_says_however_the_blocks_fall(content, blocks):
    class InBlocks(io.BytesIO):
        def read(self, size=-1):
            return super().read(blocks)

    expected = content.split(b"\n")
    assert list(lines(InBlocks(content))) == (expected if expected[-1] else expected[:-1])


@given(text=anything)
def test_a_cleaned_text_is_the_utf8_that_is_hashed(text):
    content = cleaned(text)
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if isinstance(content, LeftOut):
        assert not expected.strip()
    else:
        assert content == expected.encode()
        assert content_hash(expected) == content_hash(content.decode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | anything,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(anything, below, max_size=4),
    max_leaves=20,
)


@given(value=json_values)
def test_a_json_value_is_the_value(value):
    assert json_value(json.dumps(value), "here") == value


@given(content=st.text('{}[]":,0123.eE-+truefalsn\\ud8"ab ', max_size=40))
@example("NaN")
@example("-Infinity")
@example('{"a": 1e999}')
def test_a_text_that_is_no_json_is_one_error(content):
    try:
        expected = json.loads(content)
    except ValueError:
        try:
            json_value(content, "here")
        except StudyError as error:
            assert str(error).startswith("here ")  # noqa: PT017
        else:
            raise AssertionError(f"{content!r} was taken for JSON") from None
    else:
        try:
            assert repr(json_value(content, "here", unique=False)) == repr(expected)
        except StudyError as error:
            assert "deep" in str(error)  # noqa: PT017


@given(
    content=st.binary(max_size=300),
    parser=st.sampled_from([JsonLines(), JsonRecords(text="t"), ParquetRows(), PlainFiles(), PythonStrings()]),
    name=st.sampled_from(["a", "a.gz", "a.bz2", "a.xz", "a.zst"]),
)
def test_bytes_of_any_kind_are_texts_or_one_error(content, parser, name):
    try:
        for item in parse(file_of(content, name), parser):
            assert item is not None
    except (StudyError, StoreError) as error:
        assert name in str(error)  # noqa: PT017


@settings(deadline=None)
@given(members=st.dictionaries(st.text("ab/.é", min_size=1, max_size=8), anything, min_size=1, max_size=5))
def test_members_of_a_zip_come_out_under_their_names_or_are_refused(members, tmp_path_factory):
    from titrant.corpus.origins.archives import archive_files
    from titrant.study.origins import Archive

    path = tmp_path_factory.mktemp("zip") / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text.encode())
    kept = {name: text for name, text in members.items() if not name.endswith("/")}
    try:
        with archive_files(Archive(archive=str(path))) as listed:
            found = [(entry.item, entry.item.read()) for entry in listed if isinstance(entry.item, SourceFile)]
    except StudyError:
        assert not kept
        return
    for file, content in found:
        assert not file.name.startswith(("/", "../"))
        assert file.name != ".."
        assert content.decode() in kept.values()
    safe = {name for name in kept if "." not in name and not name.startswith("/") and "//" not in name}
    assert {file.name for file, _ in found} >= safe
