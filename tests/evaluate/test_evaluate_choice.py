"""Multiple choice: one boundary for all choices, nothing stripped, ties counted, files refused by line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_evaluate import WINDOW, KnowingScorer, UniformScorer

from titrant.errors import StudyError
from titrant.evaluate.baselines import chance_accuracy, largest_predicted_share, majority_accuracy, shared_labels
from titrant.evaluate.choice import ChoiceItem, choose, encode_items, read_multiple_choice, score_choices
from titrant.evaluate.models import scorer_of
from titrant.study.evaluation import MultipleChoice
from titrant.study.world import content_of_file


def item(context, choices, answer=0, id_="a"):
    return ChoiceItem(id_, 0, context, tuple(choices), answer, f"here.jsonl:{id_}")


def test_context_and_choice_are_encoded_together_and_split_where_they_meet(encoder):
    (encoded,) = encode_items(encoder, [item("the value", [" of", " is not"])], WINDOW)
    context = [encoder.end_of_text_id, *encoder.encode(["the value"])[0]]
    assert encoded.start == len(context)
    assert [encoder.decode(s[1:]) for s in encoded.sequences] == ["the value of", "the value is not"]


def test_where_a_choice_merges_with_the_context_all_choices_are_scored_from_the_same_place(encoder):
    # "retu" + "rn" is another division into tokens than "retu" alone
    (encoded,) = encode_items(encoder, [item("    retu", ["rn", "xx"])], WINDOW)
    context = [encoder.end_of_text_id, *encoder.encode(["    retu"])[0]]
    assert encoded.start < len(context)
    assert {sequence[: encoded.start] for sequence in encoded.sequences} == {tuple(context[: encoded.start])}
    assert [encoder.decode(s[1:]) for s in encoded.sequences] == ["    return", "    retuxx"]


@pytest.mark.parametrize("context", ["def f():\n", "def f():\n    ", " x ", "a\n\n\n"])
def test_white_space_at_the_end_of_a_context_is_never_stripped(encoder, context):
    (encoded,) = encode_items(encoder, [item(context, ["pass", " pass", "\n"])], WINDOW)
    read = [encoder.decode(sequence[1:]) for sequence in encoded.sequences]
    assert read == [context + "pass", context + " pass", context + "\n"]


def test_an_empty_context_is_read_after_end_of_text(encoder):
    (encoded,) = encode_items(encoder, [item("", ["yes", "no"])], WINDOW)
    assert encoded.start == 1
    assert all(sequence[0] == encoder.end_of_text_id for sequence in encoded.sequences)


def test_the_likeliest_choice_is_taken_and_the_margin_is_that_of_the_answer():
    scored = choose(item("q", ["aa", "b", "c"], answer=0), [-3.0, -1.5, -2.0], "none")
    assert (scored.predicted, scored.margin_nats, scored.tied) == (1, -1.5, False)
    normalised = choose(item("q", ["aaa", "b", "c"], answer=0), [-3.0, -1.5, -2.0], "bytes")
    assert (normalised.predicted, normalised.margin_nats) == (0, 1.5)


def test_normalising_counts_bytes_and_not_characters():
    assert choose(item("q", ["éé", "bbb"]), [-4.0, -3.3], "bytes").predicted == 0
    assert choose(item("q", ["ee", "bbb"]), [-4.0, -3.3], "bytes").predicted == 1


def test_a_tie_takes_the_first_choice_and_is_counted_even_if_rounding_broke_it():
    scored = choose(item("q", ["a", "b", "c"], answer=2), [-2.0, -1.0000001, -1.0], "none")
    assert (scored.predicted, scored.tied) == (1, True)


def test_a_log_likelihood_that_is_not_a_number_stops_the_scoring():
    with pytest.raises(ValueError, match="of item a are not finite"):
        choose(item("q", ["a", "b"]), [float("nan"), -1.0], "none")


def test_batch_size_and_order_change_neither_choices_nor_margins(model, encoder, texts):
    items = [
        item(text[:at], [text[at : at + 5], text[at + 9 : at + 12], "zz", f" {at}!"], answer=i % 4, id_=str(i))
        for i, (text, at) in enumerate((text, at) for text in texts[:6] for at in (0, 7, 20, 61, 90))
    ]
    scorer = scorer_of(model, WINDOW)
    straight = score_choices(scorer, encoder, items, "bytes")
    for rows in (1, 3, 64):
        batched = score_choices(replace(scorer, batch_tokens=rows * 64), encoder, items, "bytes")
        assert [s.predicted for s in batched] == [s.predicted for s in straight]
        np.testing.assert_allclose([s.margin_nats for s in batched], [s.margin_nats for s in straight], atol=1e-4)
    order = np.random.default_rng(0).permutation(len(items))
    shuffled = score_choices(scorer, encoder, [items[i] for i in order], "bytes")
    assert shuffled == [straight[i] for i in order]


def test_an_item_longer_than_the_window_is_an_error_that_names_it(encoder):
    items = [item("short", [" a", " b"], id_="1"), item("word " * 300, [" a", " b"], id_="2")]
    with pytest.raises(
        StudyError, match=r"needs \d+ tokens, the model reads 256; shorten it .* \(here.jsonl:2\)"
    ) as info:
        encode_items(encoder, items, WINDOW)
    assert len(info.value.problems) == 1


def test_a_model_that_always_says_yes_scores_the_majority_and_the_collapse_is_visible(encoder):
    items = [item(f"Is {i} so?", [" yes", " no"], answer=int(i >= 62), id_=str(i)) for i in range(100)]
    yes = frozenset(tuple(e.sequences[0]) for e in encode_items(encoder, items, WINDOW))
    scored = score_choices(KnowingScorer(yes), encoder, items, "none")
    assert sum(s.predicted == s.item.answer for s in scored) / 100 == 0.62 == majority_accuracy(items)
    assert chance_accuracy(items) == 0.5
    assert largest_predicted_share(scored) == 1


def test_a_place_is_no_answer():
    """The list is not shown to a model: a file whose right choice always stands last gives nothing away."""
    items = [item(f"{i} is", [f" no {i}", f" yes {i}"], answer=1, id_=str(i)) for i in range(4)]
    assert majority_accuracy(items) == 1 / 4
    assert largest_predicted_share([choose(each, [-2.0, -1.0], "none") for each in items]) == 1 / 4


@pytest.mark.parametrize(
    ("choices", "labels"),
    [
        ([(" no", " yes"), (" yes", " no")], {" no": 0, " yes": 1}),
        ([("A", "B", "C"), ("A", "B", "C", "D"), ("A", "B")], {"A": 0, "B": 1, "C": 2, "D": 3}),
        ([("a dog", "a cat"), ("a dog", "a car")], {}),
        ([("A", "B", "C"), ("D", "E")], {}),
        ([()], {}),
    ],
)
def test_labels_are_what_comes_back_from_item_to_item(choices, labels):
    assert shared_labels(choices) == labels


def test_chance_counts_the_choices_of_each_item():
    assert chance_accuracy([item("q", ["a", "b"]), item("q", ["a", "b", "c", "d"])]) == 0.375


def test_a_uniform_model_ties_on_choices_of_equal_length(encoder):
    (scored,) = score_choices(UniformScorer(), encoder, [item("1 + 1 =", [" 2", " 3"], answer=1)], "none")
    assert (scored.predicted, scored.tied) == (0, True)


def task(tmp_path, content, **more):
    path = tmp_path / "task.jsonl"
    path.write_bytes(content)
    return MultipleChoice(name="task", file=str(path), **more)


GOOD = json.dumps({"context": "a\u2028b\n", "choices": ["x", "y "], "answer": 1}, ensure_ascii=False).encode()


def test_items_are_read_as_they_stand_and_named_by_their_line(tmp_path):
    items = read_multiple_choice(task(tmp_path, GOOD + b"\n\n" + GOOD.replace(b'"x"', b'"z"')))
    assert [i.id for i in items] == ["line 1", "line 3"]
    assert (items[0].context, items[0].choices, items[0].answer) == ("a\u2028b\n", ("x", "y "), 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "this line is not JSON"),
        (b'"\xff"', "this line is not JSON in UTF-8"),
        (b"[1]", "a line is an object with 'context', 'choices' and 'answer'"),
        (b'{"context": "a", "choices": ["b", "c"]}', "a line is an object with"),
        (b'{"context": 1, "choices": ["b", "c"], "answer": 0}', "'context' is 1; it must be a string"),
        (b'{"context": "a", "choices": ["b"], "answer": 0}', "a list of at least two strings"),
        (b'{"context": "a", "choices": ["b", ""], "answer": 0}', "that are not empty"),
        (b'{"context": "a", "choices": ["b", "b"], "answer": 0}', "two choices are equal"),
        (b'{"context": "a", "choices": ["b", "c"], "answer": 2}', "'answer' is 2; it must be an index from 0 to 1"),
        (b'{"context": "a", "choices": ["b", "c"], "answer": true}', "'answer' is True"),
    ],
)
def test_a_wrong_line_is_an_error_with_file_and_line(tmp_path, line, message):
    with pytest.raises(StudyError) as info:
        read_multiple_choice(task(tmp_path, GOOD + b"\n" + line + b"\n"))
    (problem,) = info.value.problems
    assert message in problem.message
    assert problem.where == f"{tmp_path / 'task.jsonl'}:2"


def test_all_wrong_lines_are_told_at_once_but_not_more_than_a_page(tmp_path):
    with pytest.raises(StudyError) as info:
        read_multiple_choice(task(tmp_path, b"{\n" * 50))
    assert len(info.value.problems) == 21
    assert "and 30 more" in str(info.value)


@pytest.mark.parametrize(
    ("choices", "answer", "message"),
    [
        (["x", "y "], 1, "line 1 asks the same, with the same answer, and would count twice; delete one"),
        (["y ", "x"], 0, "line 1 asks the same, with the same answer, and would count twice; delete one"),
        (["x", "y "], 0, "line 1 asks the same, and its answer is 'y ', not 'x'; correct or delete one"),
    ],
)
def test_a_question_that_a_file_asks_twice_is_refused_with_both_lines(tmp_path, choices, answer, message):
    other = json.dumps({"context": "other", "choices": ["x", "y "], "answer": 1}).encode()
    again = json.dumps({"context": "a\u2028b\n", "choices": choices, "answer": answer}).encode()
    with pytest.raises(StudyError) as info:
        read_multiple_choice(task(tmp_path, GOOD + b"\n" + other + b"\n" + again))
    (problem,) = info.value.problems
    assert (problem.message, problem.where) == (message, f"{tmp_path / 'task.jsonl'}:3")


def test_a_file_without_items_is_an_error(tmp_path):
    with pytest.raises(StudyError, match="task 'task' has no items"):
        read_multiple_choice(task(tmp_path, b"\n"))


def test_a_file_that_is_not_the_one_that_was_pinned_is_refused(tmp_path):
    unpinned = task(tmp_path, GOOD)
    content = content_of_file(tmp_path / "task.jsonl")
    pinned = unpinned.model_copy(update={"content": content})
    assert len(read_multiple_choice(pinned)) == 1
    (tmp_path / "task.jsonl").write_bytes(GOOD + b"\n" + GOOD)
    with pytest.raises(StudyError, match="has changed since the study was read"):
        read_multiple_choice(pinned)
