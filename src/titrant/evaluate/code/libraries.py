"""What programs outside Python import beside their language, tried once before any answer is.

Where a library is missing every answer fails, which would look like a model that cannot write a language. So what the
problems themselves import (Perl's Test::Deep, Java's org.javatuples) is run alone first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from titrant.errors import EngineError
from titrant.evaluate.code.problems import Problem
from titrant.sandbox import Program, Sandbox

_EMPTY = {
    "cpp": (r"^#include.*$", "int main() {\n}\n"),
    "java": (r"^import .*;$", "class Problem {\n    public static void main(String[] args) {\n    }\n}\n"),
    "js": (r"^const \w+ = require\(.*\);?$", ""),
    "pl": (r"^use .*;$", ""),
    "rs": (r"^use .*;$", "fn main() {\n}\n"),
}
"""By language, what a line of imports looks like, and a program that does nothing."""
_INSTALL = {"java": "libjavatuples-java", "pl": "libtest-deep-perl"}
"""Debian's packages of what MultiPL-E imports."""


def trial_of(problems: Sequence[Problem]) -> Program | None:
    """A program that imports all that the problems import, and does nothing; None where they import nothing."""
    language = problems[0].language
    if language not in _EMPTY:
        return None
    pattern, empty = _EMPTY[language]
    texts = [text for problem in problems for text in (problem.before, problem.tests)]
    lines = dict.fromkeys(line for text in texts for line in re.findall(pattern, text, re.MULTILINE))
    return Program(language, "".join(f"{line}\n" for line in lines) + empty) if lines else None


def check_libraries(problems: Sequence[Problem], outcome: str, sandbox: Sandbox) -> None:
    """Raises EngineError if what the problems import cannot be found inside the sandbox."""
    trial = trial_of(problems)
    if trial is None:
        return
    for _, verdict in sandbox.run_many([trial]):
        if not verdict.passed:
            said = " ".join(f"{verdict.detail} {verdict.output}".split())[:300]
            hint = f"on Debian: `apt install {_INSTALL[trial.language]}`" if trial.language in _INSTALL else "see above"
            raise EngineError(
                f"the problems of '{outcome}' import what programs in the sandbox do not find, so every answer would "
                f"fail: {said}. Install it system-wide ({hint}), or leave the task out"
            )
