"""The suites hold what can be had on a fresh machine, and name what cannot."""

from typing import get_args

import pytest

from titrant.study.suites import SuiteName, suite

PAPER = {
    "triviaqa nq_open",
    "boolq piqa sciq social_iqa quac cb copa storycloze_2016 hellaswag winogrande arc_easy",
    "humaneval mbpp",
}
"""Table 1 of the reference study, by category."""


def test_the_papers_suite_is_its_table():
    assert sorted(suite("aryabumi").names) == sorted(" ".join(PAPER).split())
    assert suite("aryabumi").judged


def test_categories_make_up_the_papers_suite():
    names = {*suite("knowledge").names, *suite("reasoning").names, *suite("code").names}
    assert set(suite("aryabumi").names) <= names
    assert names - set(suite("aryabumi").names) == {"openbookqa", "rte", "wsc", "wic", "arc_challenge"}


@pytest.mark.parametrize("name", get_args(SuiteName))
def test_what_is_not_asked_is_named_with_what_to_give(name):
    found = suite(name)
    assert not set(found.gaps) & {task.name for task in (*found.tasks, *found.code)}
    assert all("give" in reason for reason in found.gaps.values())
    assert len(found.names) == len(set(found.names))


def test_the_extended_reasoning_suite_names_four_gaps():
    assert set(suite("reasoning").gaps) == {"quac", "storycloze_2016", "wsc", "wic"}
