"""Archives: members become documents without being unpacked, and what would harm ends in one sentence."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import warnings
import zipfile

import pyarrow.parquet as pq
import pytest
import zstandard

from titrant.corpus.origins import pieces as origins
from titrant.errors import EngineError, StoreError, StudyError
from titrant.study.world import content_of_file

FORMATS = ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "7z")
MEMBERS = {"b/one.py": "x = 1\n", "a.md": "# Héllo\n", "b/c/two.py": "y = 2\n", "b/skip.txt": "no"}


def tar_bytes(members, links=()):
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    return whole.getvalue()


def written(path, members, links=()):
    """An archive of a list of (name, bytes), in the format that the path's ending names."""
    kind = path.name.partition(".")[2]
    if kind == "zip":
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            warnings.simplefilter("ignore")  # duplicate names
            for name, content in members:
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
            for name, _, target in links:
                info = zipfile.ZipInfo(name)
                info.create_system, info.external_attr = 3, 0o120777 << 16
                archive.writestr(info, target)
    elif kind == "7z":
        py7zr = pytest.importorskip("py7zr")
        with py7zr.SevenZipFile(path, "w") as archive:
            for name, content in members:
                archive.writestr(content, name)
    else:
        pack = {
            "tar": bytes,
            "tar.gz": gzip.compress,
            "tar.bz2": __import__("bz2").compress,
            "tar.xz": lzma.compress,
            "tar.zst": zstandard.compress,
        }[kind]
        path.write_bytes(pack(tar_bytes(members, links)))
    return path


def encoded(members):
    return [(name, text.encode()) for name, text in members.items()]


def texts(out):
    return [(row["id"], row["text"], row["language"]) for row in pq.read_table(out).to_pylist()]


@pytest.mark.parametrize("kind", FORMATS)
def test_members_are_read_in_the_archives_order_by_patterns(tmp_path, documents, kind):
    path = written(tmp_path / f"set.{kind}", encoded(MEMBERS))
    origin = {"archive": str(path), "members": ["**/*.py", "*.md"], "exclude": ["b/c/**"], "licence": "MIT"}
    summary, out = documents(origin, kind="code")
    assert sorted(texts(out)) == [("0/a.md", "# Héllo\n", "markdown"), ("0/b/one.py", "x = 1\n", "python")]
    if kind != "7z":
        assert texts(out)[0][0] == "0/b/one.py"
    assert {row["origin"] for row in pq.read_table(out).to_pylist()} == {"archive:a.md", "archive:b/one.py"}
    assert summary.left_out == {}


@pytest.mark.parametrize("kind", FORMATS)
def test_records_inside_of_compressed_members_are_parsed(tmp_path, documents, kind):
    lines = b"".join(b'{"text": "line %d"}\n' % n for n in range(5000))
    path = written(tmp_path / f"set.{kind}", [("a.jsonl.gz", gzip.compress(lines)), ("b.jsonl", lines)])
    summary, out = documents({"archive": str(path), "parse": {"format": "jsonl"}})
    assert summary.documents == 10_000
    assert {row[0] for row in texts(out)} >= {"0/a.jsonl.gz:5000", "0/b.jsonl:1"}


@pytest.mark.parametrize("kind", FORMATS)
def test_the_content_is_what_says_which_archive_it_is(tmp_path, documents, kind):
    path = written(tmp_path / f"set.{kind}", [("a.txt", b"a")]).rename(tmp_path / "download")
    assert documents({"archive": str(path)})[0].documents == 1


def test_what_is_no_archive_is_named(tmp_path, documents):
    (tmp_path / "a.zip").write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(StudyError, match=r"is no archive that can be read: neither zip nor 7z, nor a tar"):
        documents({"archive": str(tmp_path / "a.zip")})


def test_patterns_that_keep_nothing_are_an_error_also_where_errors_are_skipped(tmp_path, documents):
    path = written(tmp_path / "a.zip", [("a.txt", b"a")])
    for on_error in ("stop", "skip"):
        with pytest.raises(StudyError, match="holds no file that its patterns keep"):
            documents({"archive": str(path), "members": ["*.py"]}, on_error=on_error)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "7z"])
@pytest.mark.parametrize("name", ["../up.txt", "a/../../up.txt", "/etc/x.txt", "C:\\x.txt", "..\\up.txt"])
def test_a_member_whose_name_leads_out_is_refused_or_skipped_and_named(tmp_path, documents, kind, name):
    path = tmp_path / f"a.{kind}"
    try:
        written(path, [("ok.txt", b"ok"), (name, b"bad"), ("too.txt", b"too")])
    except ValueError:
        pytest.skip("this library does not write such a name")
    with pytest.raises(StudyError, match="has a name that leads out of the archive"):
        documents({"archive": str(path)})
    summary, out = documents({"archive": str(path)}, on_error="skip")
    assert sorted(row[1] for row in texts(out)) == ["ok", "too"]
    assert summary.left_out == {"file that cannot be read": 1}
    assert "leads out of the archive" in (out / "_unreadable.jsonl").read_text()


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.xz"])
def test_links_inside_are_counted_and_links_out_are_refused(tmp_path, documents, kind):
    inside = [("b/link", tarfile.SYMTYPE, "../ok.txt")]
    path = written(tmp_path / f"a.{kind}", [("ok.txt", b"ok")], inside)
    summary, _ = documents({"archive": str(path)})
    assert (summary.documents, summary.left_out) == (1, {"link": 1})
    for target in ("../../x", "/etc/passwd"):
        written(path, [("ok.txt", b"ok")], [("b/link", tarfile.SYMTYPE, target)])
        with pytest.raises(StudyError, match=r"is a link to '.*', out of the archive"):
            documents({"archive": str(path)})


def test_hard_links_devices_and_pipes_in_a_tar_are_no_files(tmp_path, documents):
    others = [("l", tarfile.LNKTYPE, "ok.txt"), ("f", tarfile.FIFOTYPE, ""), ("d", tarfile.CHRTYPE, "")]
    path = written(tmp_path / "a.tar", [("ok.txt", b"ok")], others)
    assert documents({"archive": str(path)})[0].left_out == {"link": 1, "no plain file": 2}


@pytest.mark.parametrize("kind", ["zip", "tar", "7z"])
def test_a_name_that_comes_twice_is_refused(tmp_path, documents, kind):
    path = written(tmp_path / f"a.{kind}", [("a.txt", b"one"), ("./a.txt", b"two")])
    if kind == "7z":
        written(path, [("a.txt", b"one"), ("a.txt", b"two")])
    with pytest.raises(StudyError, match="comes twice, and which of the two is meant cannot be known"):
        documents({"archive": str(path)})


def test_an_encrypted_member_of_a_zip_is_named(tmp_path, documents):
    path = written(tmp_path / "a.zip", [("a.txt", b"a" * 50)])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"member 'a\.txt' of archive .* is encrypted"):
        documents({"archive": str(path)})


@pytest.mark.parametrize(("place", "garbage"), [(30, b"\xff"), (28, b"\xff\xff")])
def test_a_zip_whose_own_headers_disagree_is_damaged(tmp_path, documents, place, garbage):
    path = written(tmp_path / "a.zip", [("é.txt", b"a" * 50)])
    content = bytearray(path.read_bytes())
    content[place : place + len(garbage)] = garbage
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"é\.txt cannot be read to its end"):
        documents({"archive": str(path)})


def test_a_name_that_is_damaged_to_nothing_is_no_bug(tmp_path, documents):
    path = written(tmp_path / "a.zip", [("a", b"a" * 50), ("b.txt", b"b")])
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 46] = 0  # the name ends where a NUL stands in it
    path.write_bytes(content)
    summary, out = documents({"archive": str(path)}, on_error="skip")
    assert [row[1] for row in texts(out)] == ["b"]
    assert summary.left_out == {"file that cannot be read": 1}


def test_an_encrypted_7z_is_named(tmp_path, documents):
    py7zr = pytest.importorskip("py7zr")
    for number, header in enumerate((False, True)):
        path = tmp_path / f"{number}.7z"
        with py7zr.SevenZipFile(path, "w", password="x", header_encryption=header) as archive:
            archive.writestr(b"a" * 50, "a.txt")
        with pytest.raises(StudyError, match="is encrypted"):
            documents({"archive": str(path)})


@pytest.mark.parametrize("kind", FORMATS)
def test_a_bomb_ends_in_one_sentence_before_it_is_unpacked(tmp_path, documents, kind):
    if kind == "tar":
        pytest.skip("nothing is packed")
    path = written(tmp_path / f"a.{kind}", [("zeros.txt", bytes(60_000_000)), ("ok.txt", b"ok")])
    with pytest.raises(StoreError, match="as a decompression bomb does; if it is none, raise the origin's max_expansi"):
        documents({"archive": str(path)})
    summary, _ = documents({"archive": str(path), "max_expansion": 1e6})
    assert summary.left_out == {"binary": 1}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_member_that_is_too_large_is_refused_by_its_size(tmp_path, documents, kind):
    path = written(tmp_path / f"a.{kind}", [("large.txt", b"word " * 1000), ("ok.txt", b"ok")])
    origin = {"archive": str(path), "max_member_bytes": 4999}
    with pytest.raises(StoreError, match=r"large\.txt unpacks to more than 4,999 bytes"):
        documents(origin)
    summary, out = documents(origin, on_error="skip")
    assert [row[1] for row in texts(out)] == ["ok"]
    assert summary.left_out == {"file that cannot be read": 1}


def test_a_compressed_member_that_unpacks_too_far_is_stopped(tmp_path, documents):
    path = written(tmp_path / "a.tar", [("a.txt.gz", gzip.compress(bytes(60_000_000)))])
    with pytest.raises(StoreError, match="decompression bomb"):
        documents({"archive": str(path)})


def cut_off(path, share):
    members = [(f"{n:03}.txt", bytes((n * 7919 * i) % 89 + 33 for i in range(3000))) for n in range(100)]
    content = written(path, members).read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_off_archive_is_an_error(tmp_path, documents, kind, share):
    path = cut_off(tmp_path / f"a.{kind}", share)
    with pytest.raises(
        StoreError, match=r"archive:\S+ cannot be read to its end|archive '.*' cannot be read to its end"
    ):
        documents({"archive": str(path)})


def test_what_a_cut_off_archive_gave_before_is_kept_where_errors_are_skipped(tmp_path, documents):
    path = cut_off(tmp_path / "a.tar", 0.6)
    summary, out = documents({"archive": str(path)}, on_error="skip")
    assert 50 < summary.documents < 70
    assert summary.left_out == {"file that cannot be read": 2}  # the member that was cut, and the archive
    assert "cannot be read to its end" in (out / "_unreadable.jsonl").read_text()


def test_a_tar_with_a_sparse_file_or_an_endless_header_is_refused(tmp_path, documents):
    for kind in (tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME):
        info = tarfile.TarInfo("a.txt")
        info.type, info.size = kind, 1 << 40
        (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(20_000))
        with pytest.raises(StoreError, match=r"may not be read: .*(sparse file|a header of 1,099,511,627,776 bytes)"):
            documents({"archive": str(tmp_path / "a.tar")})


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_a_chain_of_headers_before_one_member_is_refused(tmp_path, documents, kind):
    body = b"13 comment=x\n" if kind != tarfile.GNUTYPE_LONGNAME else b"a.txt\0"
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, len(body)
    header = info.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % 512)
    path = tmp_path / "a.tar"
    path.write_bytes(header * 20 + tar_bytes([("a.txt", b"a")]))
    assert documents({"archive": str(path)})[0].documents == 1
    path.write_bytes(header * 5000 + tar_bytes([("a.txt", b"a")]))
    with pytest.raises(StoreError, match="more than 20 headers of one member"):
        documents({"archive": str(path)})


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_second_archive_behind_the_first_is_never_passed_over(tmp_path, documents, pack):
    path = tmp_path / "a.tar"
    path.write_bytes(pack(tar_bytes([("a.txt", b"a")])) + pack(tar_bytes([("b.txt", b"b")])))
    with pytest.raises(StoreError, match="something stands behind its end, as if two archives"):
        documents({"archive": str(path)})


def test_a_wrong_check_sum_behind_the_last_member_is_noticed(tmp_path, documents):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tar_bytes([("a.txt", b"a")]) + bytes(3 << 20))[:-8] + b"12345678")
    with pytest.raises(StoreError, match="CRC check failed"):
        documents({"archive": str(path)})


def test_an_archive_that_is_not_the_pinned_one_or_changes_meanwhile_is_refused(tmp_path, documents, monkeypatch):
    path = written(tmp_path / "a.zip", [("a.txt", b"a"), ("b.txt", b"b")])
    documents({"archive": str(path), "content": content_of_file(path)})
    with pytest.raises(StudyError, match="changed after the study was pinned"):
        documents({"archive": str(path), "content": "0" * 64})
    real = origins.parse

    def and_touch(*given):
        path.write_bytes(path.read_bytes() + b"x")
        return real(*given)

    monkeypatch.setattr(origins, "parse", and_touch)
    with pytest.raises(StudyError, match=r"a\.zip' changed while it was read"):
        documents({"archive": str(path)}, on_error="skip")


def test_without_its_library_a_7z_is_an_error_that_says_what_to_install(tmp_path, documents, monkeypatch):
    path = written(tmp_path / "a.7z", [("a.txt", b"a")])
    monkeypatch.setitem(__import__("sys").modules, "py7zr", None)
    with pytest.raises(EngineError, match="needs the library `py7zr`: pip install"):
        documents({"archive": str(path)})


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_where_an_archive_lies_changes_no_byte_of_what_is_read(tmp_path, documents, kind):
    path = written(tmp_path / f"set.{kind}", [("a.txt", b"a"), ("../b.txt", b"b")])
    elsewhere = tmp_path / "other" / "download"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(path.read_bytes())
    outs = []
    for place in (path, elsewhere):
        content = content_of_file(place)
        outs.append(documents({"archive": str(place), "content": content}, on_error="skip")[1])
        assert pq.read_table(outs[-1])["origin"].to_pylist() == [f"archive@{content[:12]}:a.txt"]
    one, other = ({file.name: file.read_bytes() for file in sorted(out.iterdir())} for out in outs)
    assert one == other
    assert "_unreadable.jsonl" in one
