"""A small study with every kind of source, each in the form in which users have it, and with known dirt in it."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import tarfile
from html import escape
from pathlib import Path

import yaml

SYLLABLES = ["ka", "lo", "mi", "ren", "tas", "vo", "du", "shi", "pel", "gor", "na", "fex", "bi", "quo", "zan"]
SECRET = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
ITEM = {
    "context": "Which copper kettle did the northern harbour master hang above the old signal lantern?",
    "choices": ["the dented one from the ferry", "a painted one", "none at all"],
    "answer": 0,
}
STUDY = {
    "study": "every-kind",
    "question": "Does every kind of source go the whole way?",
    "near_duplicates": {"similarity": 0.8},
    "sources": {
        "text": {
            "kind": "text",
            "from": [
                {
                    "files": "web/part.jsonl.gz",
                    "parse": {"format": "jsonl", "text": "text"},
                    "where": {"column": "meta.redpajama_set_name", "not_in": ["RedPajamaGithub"]},
                    "language": "english",
                }
            ],
            "rules": [{"signal": "words", "at_least": 30}],
            "redact": ["emails", "secrets"],
        },
        "code": {
            "kind": "code",
            "from": [{"archive": "code.tar.gz", "members": ["**/*.py", "**/*.lua"], "licence": "MIT"}],
            "rules": ["starcoder", "aryabumi"],
            "language_shares": {"python": 60, "lua": 40},
        },
        "repository": {"kind": "code", "from": [{"git": "repo", "revision": "main", "members": ["**/*.c"]}]},
        "commits": {"kind": "commits", "from": [{"git": "repo", "revision": "main", "parse": {"format": "commits"}}]},
        "notebooks": {"kind": "notebooks", "from": [{"files": "books", "parse": {"format": "notebook"}}]},
        "threads": {"kind": "threads", "from": [{"files": "Posts.xml", "parse": {"format": "stackexchange-xml"}}]},
        "markup": {"kind": "markup", "from": [{"files": "site", "exclude": ["**/*.bin"]}], "on_error": "skip"},
        "bare": {"kind": "code", "from": [{"source": "code"}], "transform": ["strip-comments"]},
    },
    "mixtures": {
        "text": {"text": 1},
        "every": {
            "text": 30, "code": 10, "repository": 10, "commits": 10, "notebooks": 10, "threads": 10, "markup": 10, "bare": 10
        },
    },
    "phases": {"whole": {"parts": 1, "schedule": {"shape": "cosine"}}},
    "arms": {"text": [{"whole": "text"}], "every": [{"whole": "every"}]},
    "control": "text",
    "budget_parts": 1,
    "scales": {
        "tiny": {
            "architecture": {"layers": 1, "width": 32, "heads": 2, "ffn_width": 64},
            "tokens": 8192,
            "sequence_length": 128,
            "global_batch_tokens": 1024,
            "learning_rate": 0.003,
            "precision": "float32",
        }
    },
    "seeds": [1, 2],
    "tokenizer": {"vocabulary": 300, "mixture": "every", "training_bytes": "50kB"},
    "evaluation": {
        "bits_per_byte": {
            "bytes_per_source": "2kB",
            "sources": ["text", "code", "notebooks", "threads", "markup", "bare"],  # files and commits are one text
        },
        "multiple_choice": [{"name": "harbour", "file": "harbour.jsonl"}],
        "decontaminate": {"action": "drop"},
        "checks_per_phase": 1,
        "check_bytes_per_source": "1kB",
    },
    "statistics": {"resamples": 200},
    "hold_out_fraction": 0.15,
}  # fmt: skip


def lay_out_every_kind(folder: Path) -> Path:
    """Write the study and all that it names; returns the study's path."""
    dice = random.Random(7)
    words = ["".join(dice.choices(SYLLABLES, k=dice.randint(1, 3))) for _ in range(1500)]

    def prose(length: int = 120) -> str:
        return " ".join(dice.choices(words, k=length)).capitalize() + "."

    def program(comment: str) -> str:
        names = dice.sample(words, 6)
        body = "\n".join(f"    {names[1]}_{n} = {names[2]}({dice.randint(0, 999)}) + {names[3]}" for n in range(12))
        return f"{comment} {prose(8)}\ndef {names[0]}({names[2]}, {names[3]}):\n{body}\n    return {names[3]}\n"

    _write_web(folder, dice, prose)
    _write_archive(folder, dice, program)
    _write_repository(folder / "repo", dice, prose, words)
    _write_notebooks(folder / "books", prose, program)
    _write_posts(folder / "Posts.xml", dice, prose)
    _write_site(folder / "site", prose)
    others = [
        {"context": f"{prose(14)}?", "choices": [prose(4), prose(4), prose(4)], "answer": dice.randint(0, 2)} for _ in range(30)
    ]  # fmt: skip
    (folder / "harbour.jsonl").write_text("".join(json.dumps(item) + "\n" for item in [ITEM, *others]))
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(STUDY, sort_keys=False), encoding="utf-8")
    return path


def _write_web(folder, dice, prose):
    """70 documents of use; one short, one nearly equal to another, one that holds an item, ten of GitHub."""
    texts = [prose() for _ in range(70)]
    near = texts[0].split()
    near[60:63] = ["changed", "changed", "here"]
    held = f"{prose(40)} * WHICH copper kettle, did the\nnorthern HARBOUR master hang above the old signal-lantern? The dented one from the ferry! {prose(40)}"
    private = f"{prose(60)} Write to jane.doe@uni-bonn.de with the token {SECRET} at once. {prose(40)}"
    rows = [
        {"text": text, "meta": {"redpajama_set_name": "RedPajamaC4"}}
        for text in [*texts, "Too short.", " ".join(near), held, private]
    ]
    rows += [{"text": prose(), "meta": {"redpajama_set_name": "RedPajamaGithub"}} for _ in range(10)]
    (folder / "web").mkdir()
    with gzip.open(folder / "web" / "part.jsonl.gz", "wt") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)


def _write_archive(folder, dice, program):
    """40 programs in Python and 20 in Lua; one in Python is full of hexadecimal numbers."""
    files = {f"src/a{n}.py": program("#") for n in range(40)} | {
        f"src/b{n}.lua": program("--").replace("def ", "function ").replace(":\n", "\n", 1) + "end\n" for n in range(20)
    }
    files["src/hex.py"] = "table = [\n" + ",\n".join(f"    0x{dice.randint(0, 1 << 30):x}" for _ in range(60)) + "\n]\n"
    with tarfile.open(folder / "code.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def _write_repository(repo, dice, prose, words):
    """30 files in C, 30 commits by a person that change one of them each, and one by a bot."""

    def git(*arguments, author="Ada"):
        who = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in (("NAME", author), ("EMAIL", "a@b.c"), ("DATE", "2026-01-01T00:00:00Z"))}  # fmt: skip
        subprocess.run(["git", "-C", str(repo), *arguments], check=True, capture_output=True, env={**os.environ, **who})

    repo.mkdir()
    git("init", "-q", "-b", "main")
    for number in range(30):
        _write_c(repo / f"f{number}.c", dice, prose, words)
    git("add", ".")
    git("commit", "-q", "-m", prose(12))
    for number in range(31):
        path = repo / f"f{number % 30}.c"
        lines = path.read_text().splitlines()
        for at in dice.sample(range(3, 40), 12):
            lines[at] = f"    int {dice.choice(words)}_{number} = {dice.randint(0, 9999)};"
        path.write_text("\n".join(lines) + "\n")
        git("commit", "-q", "-a", "-m", prose(12), author="dependabot[bot]" if number == 30 else "Ada")


def _write_c(path, dice, prose, words):
    body = "\n".join(f"    int {name} = {dice.randint(0, 9999)};" for name in dice.sample(words, 40))
    path.write_text(f"/* {prose(20)} */\nint {path.stem}(void) {{\n{body}\n    return 0;\n}}\n")


def _write_notebooks(books, prose, program):
    """30 notebooks with outputs, and a checkpoint of one that is equal to it."""
    books.mkdir()
    for number in range(30):
        code = {"cell_type": "code", "source": program("#").splitlines(keepends=True), "metadata": {}, "execution_count": 1,
                "outputs": [{"output_type": "stream", "name": "stdout", "text": ["PRINTED OUTPUT\n"] * 50}]}  # fmt: skip
        cells = [{"cell_type": "markdown", "source": [f"# {prose(40)}"], "metadata": {}}, code]
        content = {
            "cells": cells,
            "metadata": {"language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (books / f"{number:02}.ipynb").write_text(json.dumps(content))
    (books / "99.ipynb").write_text((books / "00.ipynb").read_text())


def _write_posts(path, dice, prose):
    """40 questions with an answer each, answers first."""

    def row(**fields):
        return "  <row " + " ".join(f'{key}="{escape(str(value))}"' for key, value in fields.items()) + " />\n"

    answers = [
        row(Id=1000 + n, PostTypeId=2, ParentId=n + 1, Score=dice.randint(0, 9), Body=f"<p>{prose(40)}</p>", ContentLicense="CC BY-SA 4.0")
        for n in range(40)
    ]  # fmt: skip
    questions = [
        row(Id=n + 1, PostTypeId=1, Score=3, Title=prose(8), Body=f"<p>{prose(40)}</p><pre><code>x = {n}</code></pre>", ContentLicense="CC BY-SA 4.0")
        for n in range(40)
    ]  # fmt: skip
    path.write_text('<?xml version="1.0" encoding="utf-8"?>\n<posts>\n' + "".join(answers + questions) + "</posts>\n")


def _write_site(site, prose):
    """40 pages of Markdown, and one file that is not UTF-8."""
    site.mkdir()
    for number in range(40):
        (site / f"{number:02}.md").write_text(
            f"# {prose(5)}\n\n- {prose(30)}\n- {prose(30)}\n\n```python\nx = {number}\n```\n"
        )
    (site / "latin.md").write_bytes("café ".encode("latin-1") * 50)
