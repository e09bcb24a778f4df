"""Which category a task belongs to, as the reference study sorts them: a mean is over the tasks of one category."""

from __future__ import annotations

from functools import cache

from titrant.study.suites import SuiteName, suite

CATEGORIES: tuple[SuiteName, ...] = ("knowledge", "reasoning")
"""Suites of tasks that are a category each; a task of none is of the category `tasks`."""


@cache
def category_of(task: str) -> str:
    """The category of a task of the harness, by its name there; also of one that a suite names and cannot ask.

    >>> category_of("hellaswag"), category_of("nq_open"), category_of("storycloze_2016"), category_of("lambada_openai")
    ('reasoning', 'knowledge', 'reasoning', 'tasks')
    """
    for category in CATEGORIES:
        if task in suite(category).names:
            return category
    return "tasks"
