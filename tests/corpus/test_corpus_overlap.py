"""Items of the evaluation are found in documents however they are dressed up, and what is merely alike is not."""

from __future__ import annotations

import html
import json
import random
import textwrap

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from titrant.artifacts import Overlap
from titrant.corpus import find_overlaps
from titrant.corpus.items.item_index import Items, index_items
from titrant.corpus.items.look_alikes import simplified
from titrant.corpus.items.overlap import find_items
from titrant.errors import StoreError
from titrant.evaluate.items import write_items
from titrant.jobs import ItemsJob, OverlapJob
from titrant.study.cleaning import Decontaminate
from titrant.study.evaluation import MultipleChoice

QUESTIONS = [
    (
        "Which kind of rock forms when molten magma cools slowly beneath the surface of the earth?",
        ["Granite with coarse visible crystals", "Sandstone pressed from old river beds", "Chalk of tiny shells"],
        0,
    ),
    (
        "A farmer stores grain in a tower with a metal roof. During a storm, lightning strikes the roof. Why is the "
        "grain unharmed?",
        ["The current runs along the metal into the ground", "Dry grain pushes charge away from its husk"],
        0,
    ),
    (
        "Warum gefriert das Wasser eines Sees im Winter zuerst an der Oberfläche und nicht über dem Grund?",
        ["Weil Wasser bei vier Grad die größte Dichte hat", "Weil Fische die Wärme unten halten können"],
        0,
    ),
    ("植物通过光合作用吸收二氧化碳并释放氧气，这一过程主要发生在叶片细胞的哪一个结构之中？", ["叶绿体", "线粒体"], 0),
    ("Какая планета солнечной системы делает полный оборот вокруг солнца быстрее всех других планет?", ["Меркурий", "Венера"], 0),
]  # fmt: skip
FILLER = "The committee met on Tuesday and agreed that the minutes of the last meeting were a fair record of it. " * 9
NEAR_MISSES = [
    "Granite is an igneous rock that forms when magma cools slowly below the surface. Its crystals are coarse and can "
    "be seen by eye, unlike those of basalt, which cools quickly in the open air.",
    "Which kind of rock forms when sand is pressed together? Sandstone. Which kind melts first? That depends.",
    "During a storm lightning often strikes the metal roofs of farm buildings. A conductor leads the current into the "
    "ground, so that grain and animals inside are unharmed.",
    "Das Wasser eines Sees gefriert im Winter von oben her, weil es bei vier Grad seine größte Dichte hat.",
    "光合作用主要发生在叶绿体之中，植物由此吸收二氧化碳，释放氧气，并把光能变为化学能。",
    "Меркурий — ближайшая к солнцу планета. Его год длится всего восемьдесят восемь земных суток.",
    "The quick brown fox jumps over the lazy dog. " * 50,
]


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


def asked(question) -> str:
    text, choices, _ = question
    return f"{text}\n" + "\n".join(f"{'ABCD'[n]}. {choice}" for n, choice in enumerate(choices)) + "\nAnswer:"


def indexed(questions=QUESTIONS, words=8):
    texts = [part for q in questions for part in (f"{asked(q)} {q[1][q[2]]}", asked(q))]
    names = [f"line {n // 2}" for n in range(len(texts))]
    return index_items(Items(["choice/x"] * len(texts), names, ["whole", "question"] * len(questions)), texts, words)


def found(texts, index, share=0.5) -> set[tuple[int, str]]:
    return {(held.text, index.items.names[held.item]) for held in find_items(texts, index, share)}


def full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def shuffled(question) -> str:
    text, choices, _ = question
    return f"{text}\n" + "\n".join(f" * {choice}" for choice in reversed(choices))


def hyphenated(text: str) -> str:
    words = text.split(" ")
    return " ".join(
        f"{w[:3]}-\n{w[3:]}" if n % 5 == 2 and w.isalpha() and len(w) > 6 else w for n, w in enumerate(words)
    )


DISGUISES = {
    "as it is": asked,
    "white space wrapped": lambda q: textwrap.fill(asked(q), 23),
    "white space wide": lambda q: asked(q).replace(" ", " \t\u00a0\n"),
    "upper case": lambda q: asked(q).upper(),
    "other punctuation": lambda q: asked(q).replace(".", " —").replace("?", "…").replace(",", ";").lower(),
    "full width": lambda q: full_width(asked(q)),
    "look-alikes": lambda q: asked(q).translate(str.maketrans("aeocpxAEOP", "аеосрхАЕОР")),
    "without accents": lambda q: asked(q).replace("ä", "a").replace("ü", "u"),
    "soft hyphens": lambda q: asked(q).replace("e", "e\u00ad"),
    "HTML": lambda q: (
        f"<div class='q'><p>{html.escape(q[0])}</p><ol>"
        + "".join(f"<li><b>{html.escape(choice)}</b>&nbsp;</li>" for choice in q[1])
        + "</ol></div>"
    ),
    "numeric entities": lambda q: "".join(f"&#{ord(sign)};" if sign.isalpha() else sign for sign in asked(q)),
    "JSON": lambda q: json.dumps({"question": q[0], "choices": q[1], "answer": q[2]}),
    "JSON in JSON": lambda q: json.dumps([json.dumps({"text": asked(q)})]),
    "comment lines": lambda q: "\n".join(f"    # {line}" for line in textwrap.wrap(asked(q), 30)),
    "bulleted and shuffled": shuffled,
    "choices first": lambda q: "\n".join(f"- {choice}" for choice in q[1]) + f"\n{q[0]}",
    "hyphens at line ends": lambda q: hyphenated(asked(q)),
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_an_item_is_found_in_every_disguise(disguise, number) -> None:
    text = FILLER + "\n\n" + DISGUISES[disguise](QUESTIONS[number]) + "\n\n" + FILLER
    assert found([FILLER, text], indexed()) == {(1, f"line {number}")}


def test_texts_on_the_same_subject_are_not_taken_for_items() -> None:
    assert found(NEAR_MISSES, indexed()) == set()


def test_parts_of_an_item_far_from_each_other_are_no_item() -> None:
    text, choices, _ = QUESTIONS[1]
    words = text.split()
    index = indexed()
    near = " ".join(words[:9]) + " and so forth " + " ".join(words[9:])
    far = " ".join(words[:9]) + " " + FILLER * 9 + " ".join(words[9:])
    assert found([near, far], index) == {(0, "line 1")}
    assert choices


def test_what_many_items_share_is_their_frame_and_finds_nothing() -> None:
    frame = "For which of the following two scenarios does the speaker do what is plainly wrong by ordinary standards?"
    rng = random.Random(5)
    words = [f"{a}{b}" for a in ("am", "bor", "cid", "dus", "el") for b in ("ka", "lo", "mi", "nu", "pe", "ro")]
    questions = [(f"{frame} {' '.join(rng.choices(words, k=14))}", ["the first", "the second"], 0) for _ in range(60)]
    index = indexed(questions)
    assert found([FILLER + frame + FILLER], index) == set()
    own = questions[7][0].removeprefix(frame)
    assert found([FILLER + own + FILLER], index) == {(0, "line 7")}


def test_an_item_shorter_than_a_run_is_looked_for_as_a_whole_and_a_tiny_one_not_at_all() -> None:
    questions = [
        ("The chemical symbol for tungsten is", ["wolframite", "iron"], 0),
        ("Two and two are", ["four", "5"], 0),
    ]
    items = Items(["choice/x"] * 2, ["line 1", "line 2"], ["whole"] * 2)
    index = index_items(items, [f"{text} {choices[0]}" for text, choices, _ in questions], 8)
    assert index.words.tolist() == [7, 0]
    texts = ["we say the chemical symbol for tungsten is wolframite, don't we", "symbol for tungsten is wolframite", "two and two are four"]  # fmt: skip
    assert found(texts, index) == {(0, "line 1")}


def test_a_text_that_repeats_itself_is_done_in_short_order() -> None:
    questions = [("no " * 200 + QUESTIONS[0][0], ["no " * 50, "yes"], 0), QUESTIONS[1]]
    index = indexed(questions)
    assert found(["no " * 200_000, "no " * 90_000 + asked(QUESTIONS[1])], index) == {(1, "line 1")}


WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]


@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=14, max_size=40, unique=True), min_size=1, max_size=4),
    st.lists(st.sampled_from(WORDS), max_size=60),
    st.integers(0, 60),
)
def test_whatever_holds_an_item_is_found_to_hold_all_of_it(items, around, place) -> None:
    index = index_items(
        Items(["choice/x"] * len(items), [str(n) for n in range(len(items))], ["whole"] * len(items)),
        [" ".join(item) for item in items],
        8,
    )
    for number, item in enumerate(items):
        text = " ".join([*around[:place], *item, *around[place:]])
        shares = {held.item: held.share for held in find_items([text], index, 0.5)}
        same = [n for n, other in enumerate(items) if other == item]
        if index.words[number]:
            assert shares[number] == 1
        assert all(index.words[n] == index.words[number] for n in same)


@given(st.lists(st.text(max_size=200), max_size=6), st.integers(4, 12))
def test_what_a_text_holds_does_not_depend_on_the_texts_beside_it(texts, words) -> None:
    index = indexed(words=words)
    texts = [*texts, asked(QUESTIONS[0]), FILLER]
    alone = {(n, name) for n, text in enumerate(texts) for _, name in found([text], index)}
    assert found(texts, index) == alone


@given(st.text())
def test_a_text_keeps_its_length_and_its_compared_form_is_compared_alike(text) -> None:
    assert len(simplified(text)) == len(text)
    once = simplified(text)
    assert simplified(once).replace(" ", "") == once.replace(" ", "") or "&" in text or "\\" in text or "<" in text


def naive_count(item: list[str], text: list[str], size: int) -> int:
    """How many of an item's words stand in runs that both have, the slow way."""
    runs = {tuple(text[n : n + size]) for n in range(len(text) - size + 1)}
    held = set()
    for n in range(len(item) - size + 1):
        if tuple(item[n : n + size]) in runs:
            held |= set(range(n, n + size))
    return len(held)


@given(
    st.lists(st.sampled_from(WORDS), min_size=20, max_size=30, unique=True),
    st.lists(st.integers(0, 29), max_size=4),
    st.floats(0.3, 1),
)
@example([f"b{a}{b}" for a in "aeiou" for b in "lmnrst"][:23], [0, 3, 9], 0.5)  # 13 words, in floats a little less
@example([f"b{a}{b}" for a in "aeiou" for b in "lmnrst"][:23], [0, 9, 21], 0.5)
@settings(deadline=None)
def test_the_share_is_that_of_a_slow_count(item, spoiled, share) -> None:
    text = [f"xx{n}" if n in spoiled else word for n, word in enumerate(item)]
    index = index_items(Items(["choice/x"], ["1"], ["whole"]), [" ".join(item)], 8)
    expected, fine = naive_count(item, text, 8), naive_count(item, text, 3)
    got = [held.share for held in find_items([" ".join(text)], index, share)]
    if expected >= 13 and expected >= share * len(item) - 1e-9:
        assert got == [expected / len(item)]
    elif expected >= 0.25 * len(item) and fine >= max(share, 0.8) * len(item) - 1e-9:
        assert got == [fine / len(item)]
    else:
        assert got == []


ITEM = [f"{a}{b}{c}" for a in "bd" for b in "aeiou" for c in "lmnr"]
"""Forty words, each once."""


def spoiled(kept: set[int], item=ITEM) -> str:
    return " ".join(word if n in kept else f"xx{n}" for n, word in enumerate(item))


@pytest.mark.parametrize(
    ("kept", "size", "share", "expected"),
    [
        (set(range(12)), 20, 0.5, []),  # three fifths, but no more than may stand there by chance
        (set(range(13)), 20, 0.5, [0.65]),
        (set(range(19)), 40, 0.5, []),
        (set(range(20)), 40, 0.5, [0.5]),
        (set(range(20)), 40, 0.6, []),
        (set(range(9)), 12, 0.5, []),  # of a short item four fifths are asked for
        (set(range(10)), 12, 0.5, [10 / 12]),
        ({*range(12), *(n for n in range(12, 40) if n % 6 < 3)}, 40, 0.5, []),  # 26 words in runs of three
        ({*range(12), *(n for n in range(12, 40) if n % 6 != 5)}, 40, 0.5, [36 / 40]),
        ({*range(8), *(n for n in range(9, 40) if n % 6 != 5)}, 40, 0.5, []),  # one run of eight is not a quarter
        ({n for n in range(40) if n % 6 != 5}, 40, 0.5, []),  # no run of eight
    ],
)
def test_an_item_is_held_from_its_share_on(kept, size, share, expected) -> None:
    index = index_items(Items(["choice/x"], ["1"], ["whole"]), [" ".join(ITEM[:size])], 8)
    text = f"{FILLER} {spoiled(kept, ITEM[:size])} {FILLER}"
    assert [held.share for held in find_items([text], index, share)] == [pytest.approx(part) for part in expected]


STATEMENT = "Write a python function to find the first repeated character in a given string."
ASSERTS = ['assert first_repeated_char("abcabc") == "a"', "assert differ([4, 9, 16, 25], [9, 25, 36]) == [4, 16, 36]"]
OWN = "def {}(values):\n    held = set()\n    return [held.add(value) for value in values if value not in held]\n"


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (f"# {STATEMENT}\n{OWN.format('first_again')}assert first_again('xyzzy') == 'z'\n", True),
        ('"""Write a function to find squares."""\n' + OWN.format("squared"), True),
        (OWN.format("differ") + "assert differ([4,9,16,25],[9,25,36])==[4,16,36]\n", True),
        (OWN.format("differ") + "assert differ([4, 9, 16, 25], [9, 25, 36]) == [4, 16, 37]\n", False),
        (OWN.format("other") + "assert other([4, 9, 16, 25], [9, 25, 36]) == [4, 16, 36]\n", False),
        ("Write a python function to find the last vowel in a sentence." + OWN.format("last_vowel"), False),
        ('"""Write a function to find cubes."""\n' + OWN.format("cubed"), False),
        ("assert value == 1\n" + OWN.format("idle"), False),
    ],
)
def test_a_problem_of_code_is_held_by_its_statement_or_by_one_of_its_asserts_alone(text, held) -> None:
    tests = "\n".join(ASSERTS)
    solution = (
        "def first_repeated_char(text):\n    for index, letter in enumerate(text):\n        if text[:index + 1].count"
    )
    entries = [
        ("1", "whole", f"{STATEMENT}\n{tests}\n{solution}(letter) > 1:\n            return letter\n"),
        ("1", "question", f"{STATEMENT}\n{tests}\n"),
        ("1", "statement", STATEMENT),
        *(("1", "test", test) for test in ASSERTS),
        ("2", "statement", "Write a function to find squares."),
        ("2", "test", "assert value == 1"),
    ]
    items = Items(["code/mbpp"] * len(entries), [name for name, _, _ in entries], [part for _, part, _ in entries])
    index = index_items(items, [words for _, _, words in entries], 8)
    found = [*find_items([f"{FILLER}\n{text}\n{FILLER}"], index, 0.5)]
    assert bool(found) == held


def overlaps(tmp_path, folder, questions=QUESTIONS, name="overlap", progress=silent, **rule):
    file = tmp_path / "task.jsonl"
    rows = ({"context": asked(q), "choices": [f" {choice}" for choice in q[1]], "answer": q[2]} for q in questions)
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    items, out, scratch = (tmp_path / part for part in ("items", name, f"{name}-scratch"))
    for path in (items, out, scratch):
        path.mkdir(exist_ok=True)
    task = MultipleChoice(name="x", file=str(file))
    write_items(ItemsJob(multiple_choice=(task,)), {}, items, scratch=tmp_path, progress=silent)
    job = OverlapJob(rule=Decontaminate(**rule))
    made = find_overlaps(job, {"documents": folder, "items": items}, out, scratch=scratch, progress=progress)
    return made, out


@pytest.fixture
def folder(tmp_path, documents):
    texts = tmp_path / "texts"
    texts.mkdir()
    for number, disguise in enumerate(DISGUISES):
        content = FILLER + DISGUISES[disguise](QUESTIONS[number % len(QUESTIONS)]) + FILLER
        (texts / f"{number:02}.txt").write_text(content + str(number), encoding="utf-8")
        (texts / f"{number:02}-clean.txt").write_text(f"{FILLER} {number}")
    return documents({"files": str(texts)})[1]


def test_the_stage_names_every_document_with_its_item_and_what_both_have(tmp_path, folder) -> None:
    made, out = overlaps(tmp_path, folder)
    table = pq.read_table(out / "overlap.parquet").to_pylist()
    stored = pq.read_table(next(folder.glob("documents-*.parquet"))).to_pylist()
    assert made == Overlap(
        documents=len(DISGUISES), items={"choice/x": 5}, asked={"choice/x": 5}, too_short={"choice/x": 0}
    )
    assert {row["row"] for row in table} == {
        n for n, document in enumerate(stored) if "clean" not in document["origin"]
    }
    assert all(stored[row["row"]]["content_hash"] == row["content_hash"] for row in table)
    assert all(row["matched"] in stored[row["row"]]["text"] and 20 < len(row["matched"]) <= 200 for row in table)
    assert all(0.5 <= row["share"] <= 1 for row in table)
    assert [(row["row"], row["item"]) for row in table] == sorted((row["row"], row["item"]) for row in table)


def cut_in_files(folder, target, rows=7):
    """The same documents in several files, as a large source has them."""
    target.mkdir()
    table = pq.read_table(next(folder.glob("documents-*.parquet")))
    for number, start in enumerate(range(0, len(table), rows)):
        pq.write_table(table.slice(start, rows), target / f"documents-{number:05}.parquet")
    return target


def test_a_stopped_job_goes_on_at_its_row_group_and_ends_with_the_same_bytes(tmp_path, folder) -> None:
    several = cut_in_files(folder, tmp_path / "several")
    whole, out = overlaps(tmp_path, several)
    _, at_once = overlaps(tmp_path, folder, name="at-once")
    assert pq.read_table(out / "overlap.parquet") == pq.read_table(at_once / "overlap.parquet")

    def stop(done, total, unit, note=""):
        if done == 21:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        overlaps(tmp_path, several, name="stopped", progress=stop)
    finished = sorted((tmp_path / "stopped-scratch").glob("parts-*/*"))
    assert [path.name for path in finished] == [f"documents-{n:05}-00000.arrow" for n in range(3)]
    before = [path.stat().st_mtime_ns for path in finished]
    again, out_again = overlaps(tmp_path, several, name="stopped")
    assert again == whole
    assert [path.stat().st_mtime_ns for path in finished] == before
    assert (out_again / "overlap.parquet").read_bytes() == (out / "overlap.parquet").read_bytes()


def test_a_damaged_table_of_items_is_told_by_name(tmp_path, folder) -> None:
    overlaps(tmp_path, folder)
    (tmp_path / "items" / "items.parquet").write_bytes(b"no table")
    job = OverlapJob(rule=Decontaminate())
    with pytest.raises(StoreError, match=r"items\.parquet cannot be read"):
        find_overlaps(
            job,
            {"documents": folder, "items": tmp_path / "items"},
            tmp_path / "overlap",
            scratch=tmp_path,
            progress=silent,
        )


def test_documents_that_hold_items_are_dropped_where_the_split_is_told_so(tmp_path, folder, split) -> None:
    _, out = overlaps(tmp_path, folder)
    made, folder_of_split = split(folder, overlap=out)
    assert made.parts["holds items of choice/x"].documents == len(DISGUISES)
    fates = pq.read_table(folder_of_split / "split.parquet").to_pylist()
    dropped = {row["row"] for row in fates if row["fate"] == "holds items of choice/x"}
    assert dropped == set(pq.read_table(out / "overlap.parquet")["row"].to_pylist())
    assert np.all([row["fate"] in ("train", "held_out") for row in fates if row["row"] not in dropped])
