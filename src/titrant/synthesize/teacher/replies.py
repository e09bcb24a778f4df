"""What of a reply is the program, or the explanation.

1. what a model thought aloud (`<think> ... </think>`) is no part of its answer
2. a program is the longest fenced block that parses and defines the function; or else all blocks of its language after
   one another; or else, without a fence, the longest run of lines that parses and defines it
3. calls, prints and tests of the function at the top of a Python program are taken out: they are no part of what was
   asked for, and would run whenever the program is loaded
4. what the problem hands to every solution (imports, helpers) is put before a program that uses it and does not have it

Nothing else is changed: a wrong program stays as wrong as it was.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from textwrap import dedent

from titrant.synthesize.parsing import MOST_CHARACTERS as MOST_PROGRAM
from titrant.synthesize.parsing import bound_names, first_line, last_line, parsed, parsed_or_line, used_names

MOST_CHARACTERS = 200_000
"""Of a reply, more than any answer has; what follows is not looked at."""
MOST_PARSED = 1_000_000
"""Characters that are parsed at most where a program without fence is looked for."""
STARTS_TRIED = 40
"""Lines at which a program without fence is looked for."""
_CUTS_TRIED = 20
# Texts of others are searched by these. What repeats is possessive, or one sign ends it: no place of a text is read
# more than a few times.
_FENCE = re.compile(r"^[ \t]*+(?:[-*>][ \t]++)?(`{3,}+|~{3,}+)[ \t]*+([\w+#.-]*+)[^\n`]*+$", re.MULTILINE)
_LABELS = {"python": ("python", "py", "python3", ""), "javascript": ("javascript", "js", "node", "")}
_DEFINITION = re.compile(
    r"^[^\S\n]*+(?:(?:async ++)?(?:def|function)\s++\w++\s*+\(|class\s++\w[^\n]*[:{][^\S\n]*$)", re.MULTILINE
)
_BEGINS_PYTHON = re.compile(r"(?:def|class|import|from|@|[A-Z_]+ *=)\b|@")
_BEGINS_JAVASCRIPT = re.compile(r"(?:function|const|let|var|class)\b")


def text_in(reply: str, form: str, entry_point: str, setup: str = "") -> str:
    """The program or the explanation in a reply, with one line end at its end; empty where there is none.

    An explanation with a program in it is none: it would be trained on as prose, and is not.

    >>> text_in("Here it is:\\n```python\\ndef f(x):\\n    return x\\n\\nprint(f(3))\\n```", "python", "f")
    'def f(x):\\n    return x\\n'
    """
    answer = _answer(reply[:MOST_CHARACTERS].replace("\r\n", "\n"))
    if form == "text":
        return _explanation(answer, entry_point)
    found = _python(answer, entry_point) if form == "python" else _other(answer, form, entry_point)
    if not found.strip():
        return ""
    if form == "python":
        found = completed(_without_trials(found, entry_point), setup)
    return found.strip("\n").rstrip() + "\n"


def _answer(reply: str) -> str:
    _thought, end, answer = reply.rpartition("</think>")
    if end:
        return answer
    return reply.partition("<think>")[0] if "<think>" in reply else reply


def _blocks(answer: str) -> Iterator[tuple[str, str]]:
    """(label, content) of each fenced block; the last one may lack its end."""
    at = 0
    while opening := _FENCE.search(answer, at):
        fence, label = opening[1], opening[2].lower()
        begin = min(opening.end() + 1, len(answer))
        closing = re.compile(rf"^[ \t]*+{re.escape(fence[0])}{{{len(fence)},}}+[ \t]*+$", re.MULTILINE).search(
            answer, begin
        )
        yield label, dedent(answer[begin : closing.start() if closing else len(answer)])
        if closing is None:
            return
        at = closing.end()


def _python(answer: str, entry_point: str) -> str:
    blocks = [content for label, content in _blocks(answer) if label in _LABELS["python"]]
    whole = [content for content in blocks if _defines(content, entry_point)]
    if whole:
        return max(whole, key=len)
    if len(blocks) > 1 and _defines(together := "\n\n".join(blocks), entry_point):
        return together
    patience = [MOST_PARSED]
    found = [_longest_run(content, entry_point, patience) for content in [*blocks, answer]]
    return max(found, key=len)


def _defines(source: str, entry_point: str) -> bool:
    tree = parsed(source)
    return isinstance(tree, ast.Module) and entry_point in _defined(tree)


def _defined(tree: ast.Module) -> set[str]:
    """What it binds at its top, imports apart: importing a function is no way to write it."""
    return bound_names([each for each in tree.body if not isinstance(each, (ast.Import, ast.ImportFrom))])


def _longest_run(text: str, entry_point: str, patience: list[int]) -> str:
    """The longest run of whole lines that parses and defines the function, from a line that a program begins with.

    `patience` holds how many characters may still be parsed.
    """
    if not re.search(rf"\b{re.escape(entry_point)}\b", text):
        return ""
    lines = text.split("\n")
    best = ""
    starts = [at for at, line in enumerate(lines) if _BEGINS_PYTHON.match(line)]
    for start in starts[:STARTS_TRIED]:
        rest = "\n".join(lines[start:])
        is_whole = len(rest) <= MOST_PROGRAM
        end = len(lines) if is_whole else start + rest.count("\n", 0, MOST_PROGRAM)
        for _ in range(_CUTS_TRIED):
            run = "\n".join(lines[start:end])
            patience[0] -= len(run)
            if patience[0] < 0:
                return best
            found = parsed_or_line(run)
            if not isinstance(found, int):
                # a run that only its length has ended is the beginning of something
                if is_whole and len(run) > len(best) and isinstance(found, ast.Module):
                    best = run if entry_point in _defined(found) else best
                break
            is_whole = is_whole or found > 0
            # an error may be told a line after the one that made it, but never further up than the run's own end
            end = min(end - 1, start + found - 1) if found > 0 else end - 1
            if end <= start:
                break
    return best


def _without_trials(source: str, entry_point: str) -> str:
    tree = parsed(source)
    assert isinstance(tree, ast.Module)
    body, lines = tree.body, source.split("\n")
    needed = {
        name for each in body if isinstance(each, (ast.FunctionDef, ast.ClassDef)) for name in used_names(each)
    }  # by definitions
    trials = {at for at, each in enumerate(body) if _is_a_trial(each, entry_point, needed)}
    kept_lines = {
        line
        for at, each in enumerate(body)
        if at not in trials
        for line in range(first_line(each), last_line(each) + 1)
    }
    gone: set[int] = set()
    for at in sorted(trials):
        begin, end = first_line(body[at]), last_line(body[at])
        if not kept_lines.isdisjoint(range(begin, end + 1)):
            continue  # `x = 1; print(x)`: lines are the unit
        # remarks between the statement before and a trial are about the trial
        gone |= set(range(last_line(body[at - 1]) + 1 if at else begin, end + 1))
    return "\n".join(line for number, line in enumerate(lines, start=1) if number not in gone)


def _is_a_trial(statement: ast.stmt, entry_point: str, needed: set[str]) -> bool:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return False
    if isinstance(statement, ast.Assert):
        return True
    if isinstance(statement, ast.If) and "__name__" in used_names(statement):
        return True
    called = [node.func for node in ast.walk(statement) if isinstance(node, ast.Call)]
    calls = {function.id for function in called if isinstance(function, ast.Name)}
    return bool(calls & {entry_point, "print"}) and not bound_names([statement]) & needed


def completed(program: str, setup: str) -> str:
    """The program, after those statements of the setup that it uses and does not bind itself."""
    tree, before = parsed(program), parsed(setup)
    if not isinstance(tree, ast.Module) or not isinstance(before, ast.Module) or not before.body:
        return program
    wanted = used_names(tree) - bound_names(tree.body)
    kept: list[ast.stmt] = []
    for statement in reversed(before.body):
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            continue
        if bound_names([statement]) & wanted:
            kept.append(statement)
            wanted |= used_names(statement)
    if not kept:
        return program
    lines = setup.split("\n")
    whole = ""
    for each in reversed(kept):
        part = "\n".join(lines[first_line(each) - 1 : last_line(each)])
        is_import = isinstance(each, (ast.Import, ast.ImportFrom))
        whole += f"{part}\n" if is_import else f"\n\n{part}\n"
    return f"{whole.lstrip()}\n\n{program.lstrip()}"


def _other(answer: str, form: str, entry_point: str) -> str:
    name = re.escape(entry_point)
    defines = re.compile(rf"\bfunction\s*+(?:\*\s*+)?{name}\b|\b(?:const|let|var)\s++{name}\s*+=")
    blocks = [content for label, content in _blocks(answer) if label in _LABELS.get(form, (form, ""))]
    whole = [content for content in blocks if defines.search(content)]
    if whole:
        return max(whole, key=len)
    is_bare = not blocks and _BEGINS_JAVASCRIPT.match(answer.lstrip()) and defines.search(answer)
    return answer if is_bare else ""


def _explanation(answer: str, entry_point: str) -> str:
    if _DEFINITION.search(answer):
        return ""
    for _, content in _blocks(answer):
        tree = parsed(content)
        statements = tree.body if isinstance(tree, ast.Module) else []
        if any(not isinstance(each, ast.Expr) and not _is_an_example(each, entry_point) for each in statements):
            return ""
    return answer.strip() + "\n" if answer.strip() else ""


def _is_an_example(statement: ast.stmt, entry_point: str) -> bool:
    """`f(1) = 2`, which does not parse, or `f(1) == 2`, which does; and an assertion of it."""
    return isinstance(statement, ast.Assert) and entry_point in used_names(statement)
