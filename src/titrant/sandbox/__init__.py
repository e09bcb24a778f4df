"""Untrusted code in, verdict out.

Programs run in a sandbox without network, with a file system of their own, and with limits on time, memory, disk and
output. Nothing is executed where no sandbox works.
"""

from titrant.sandbox.checks import Answers, Check, Program, PythonCalls, PythonCheck, Status, Verdict, literal
from titrant.sandbox.inside.answering import UNKNOWN
from titrant.sandbox.inside.literals import plain_literal
from titrant.sandbox.languages import languages
from titrant.sandbox.sandbox import Sandbox, open_sandbox

__all__ = [
    "UNKNOWN",
    "Answers",
    "Check",
    "Program",
    "PythonCalls",
    "PythonCheck",
    "Sandbox",
    "Status",
    "Verdict",
    "languages",
    "literal",
    "open_sandbox",
    "plain_literal",
]
