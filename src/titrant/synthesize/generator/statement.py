"""How a problem is put: one of many frames around what is asked for, with signature, examples and now and then ranges.

A frame says the same as every other one: the name of the function, its parameters, what it does, and the examples that
are shown.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from titrant.synthesize.generator.domains import Dicts, Domain, Integers, Lists, Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn
from titrant.synthesize.generator.pieces import joined

_WIDTH = 88
_PLAIN = {"int": "integer", "str": "string", "bool": "boolean", "float": "number", "None": "`None`"}


@dataclass(frozen=True)
class Example:
    """One call and its result, as Python writes them."""

    call: str
    result: str

    @property
    def check(self) -> str:
        """A statement that holds if the call gives the result."""
        equal = "is" if self.result in ("True", "False", "None") else "=="
        return f"assert {self.call} {equal} {self.result}"


@dataclass(frozen=True)
class Told:
    """What every frame tells."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    """Names and types."""
    returns: str
    about: str
    signature: str
    """`def f(a: int) -> int:`"""
    examples: tuple[Example, ...]
    note: str
    """A sentence on ranges, or empty."""

    @property
    def call(self) -> str:
        return f"{self.name}({', '.join(name for name, _ in self.parameters)})"

    @property
    def task(self) -> str:
        """What it does, and the note."""
        return f"{self.about} {self.note}".strip()


def signature_of(drawn: Drawn, *, annotated: bool) -> str:
    """The `def` line."""
    names = [
        f"{each.name}: {each.domain.annotation}" if annotated else each.name  #
        for each in drawn.parameters
    ]
    return f"def {drawn.call}({', '.join(names)}){f' -> {drawn.returns}' if annotated else ''}:"


def statement_of(drawn: Drawn, examples: Sequence[Example], draw: Draw) -> str:
    """The statement of a problem, without a line's end after it."""
    told = Told(
        name=drawn.call,
        parameters=tuple((each.name, each.domain.annotation) for each in drawn.parameters),
        returns=drawn.returns,
        about=drawn.say,
        signature=signature_of(drawn, annotated=draw.chance(0.7)),
        examples=tuple(examples),
        note=_ranges(drawn) if draw.chance(0.25) else "",
    )
    return draw.choice(FRAMES)(told, draw)


def docstring(text: str, examples: Sequence[Example] = ()) -> str:
    """A docstring of these words, unindented; with examples as a session shows them.

    >>> docstring("Add one.", [Example("f(1)", "2")]).splitlines()[1:4]
    ['', '>>> f(1)', '2']
    """
    lines = _wrapped(text, _WIDTH - 4)
    if examples:
        lines += ["", *_session(examples)]
    whole = "\n".join(lines)
    before = "r" if "\\" in whole else ""
    return f'{before}"""{whole}\n"""' if len(lines) > 1 else f'{before}"""{whole}"""'


def in_words(annotation: str, *, several: bool = False) -> str:
    """A type in words.

    >>> in_words("list[tuple[str, int]]"), in_words("dict[str, list[int]]"), in_words("int | None")
    ('a list of tuples (string, integer)', 'a dictionary from strings to lists of integers', 'an integer or `None`')
    """
    return _words(ast.parse(annotation, mode="eval").body, several)


def _words(node: ast.expr, several: bool) -> str:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{_words(left, several)} or {_words(right, several)}"
        case ast.Subscript(value=ast.Name(id="list"), slice=of):
            return f"{'lists' if several else 'a list'} of {_words(of, True)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[keys, values])):
            name = "dictionaries" if several else "a dictionary"
            return f"{name} from {_words(keys, True)} to {_words(values, True)}"
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[of, ast.Constant(value=value)])) if (
            value is ...
        ):
            return f"{'tuples' if several else 'a tuple'} of {_words(of, True)}"
        case ast.Subscript(value=ast.Name(id="tuple"), slice=of):
            places = of.elts if isinstance(of, ast.Tuple) else [of]
            inside = ", ".join(_words(each, False).removeprefix("a ").removeprefix("an ") for each in places)
            return f"{'tuples' if several else 'a tuple'} ({inside})"
    plain = _PLAIN.get(text := ast.unparse(node), f"`{text}`")
    if "`" in plain:
        return plain
    return f"{plain}s" if several else f"{'an' if plain[0] in 'aeiou' else 'a'} {plain}"


def _ranges(drawn: Drawn) -> str:
    """What the domains say of the inputs, in a sentence."""
    found = [words for each in drawn.parameters if (words := _range(each.name, each.domain))]
    return f"You may assume that {joined(found)}." if found else ""


def _range(name: str, domain: Domain) -> str:
    match domain:
        case Integers(low, high):
            return f"{low} <= `{name}` <= {high}"
        case Lists(_, shortest, longest) if shortest:
            return f"`{name}` has {shortest} to {longest} elements"
        case Lists(_, _, longest):
            return f"`{name}` has at most {longest} elements"
        case Texts(_, shortest, longest) if shortest:
            return f"`{name}` has {shortest} to {longest} characters"
        case Texts(_, _, longest):
            return f"`{name}` has at most {longest} characters"
        case Dicts(_, _, _, longest):
            return f"`{name}` has at most {longest} entries"
    return ""


def _wrapped(text: str, width: int = _WIDTH) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _session(examples: Sequence[Example]) -> list[str]:
    lines = []
    for each in examples:
        lines.append(f">>> {each.call}")
        lines += [] if each.result == "None" else [each.result]
    return lines


def _fenced(code: str) -> str:
    return f"```python\n{code}\n```"


def _asserts(told: Told) -> str:
    return "\n".join(each.check for each in told.examples)


def _arrows(told: Told, draw: Draw, before: str = "") -> str:
    arrow = draw.choice(("->", "=>", "==", "returns"))
    return "\n".join(f"{before}{each.call} {arrow} {each.result}" for each in told.examples)


def _bullets(told: Told, draw: Draw) -> str:
    verb = draw.choice(("returns", "gives", "should be", "is"))
    return "\n".join(f"- `{each.call}` {verb} `{each.result}`" for each in told.examples)


def _told_parameters(told: Told) -> str:
    return joined([f"`{name}` ({in_words(kind)})" for name, kind in told.parameters])


def _instruction(told: Told, draw: Draw) -> str:
    first = draw.choice(("Write a Python function", "Implement a function", "Define a Python function", "Write"))
    title = draw.choice(("Examples:", "For example:", "Some results:"))
    return f"{first} `{told.call}`.\n\n{told.task}\n\n{title}\n{_bullets(told, draw)}"


def _stub(told: Told, draw: Draw) -> str:
    inside = textwrap.indent(docstring(told.task, told.examples), "    ")
    before = draw.choice(("", "Complete the function.\n\n", "Write the body of this function.\n\n"))
    return f"{before}{told.signature}\n{inside}"


def _fenced_stub(told: Told, draw: Draw) -> str:
    end = draw.choice(("...", "raise NotImplementedError", "# your code here\n    ..."))
    return (
        f"{draw.choice(('Fill in this function:', 'Finish the following Python function.', 'Complete this code.'))}\n\n"
        f"{_fenced(f'{told.signature}{chr(10)}    {end}')}\n\n{told.task}\n\n{_fenced(_asserts(told))}"
    )


def _colleague(told: Told, draw: Draw) -> str:
    who = draw.choice(("A colleague", "Our team", "A small script", "The next module", "A friend's program"))
    return (
        f"{who} needs a function named `{told.name}`. It takes {_told_parameters(told)} and returns "
        f"{in_words(told.returns)}. This is what it is to do:\n\n{told.task}\n\n"
        f"{draw.choice(('It will be used like this:', 'Some calls with what they should give:'))}\n\n"
        f"{_arrows(told, draw, '    ')}"
    )


def _fields(told: Told, draw: Draw) -> str:
    parameters = "\n".join(f"  - `{name}`: {in_words(kind)}" for name, kind in told.parameters)
    return (
        f"- Function: `{told.name}`\n- Parameters:\n{parameters}\n- Returns: {in_words(told.returns)}\n"
        f"- {draw.choice(('Task', 'Behaviour', 'What it does'))}: {told.task}\n"
        f"- {draw.choice(('Examples', 'Checks'))}:\n{textwrap.indent(_bullets(told, draw), '  ')}"
    )


def _passing(told: Told, draw: Draw) -> str:
    ask = draw.choice(
        (
            f"Your function should be named `{told.name}` and pass these checks:",
            f"Name it `{told.name}`. These lines must run without an error:",
            f"The function `{told.call}` must satisfy:",
        )
    )
    return f"{told.task}\n\n{ask}\n{_asserts(told)}"


def _input_output(told: Told, draw: Draw) -> str:
    first, second = draw.choice((("Input", "Output"), ("Call", "Result"), ("Given", "Expected")))
    shown = "\n\n".join(f"{first}: {each.call}\n{second}: {each.result}" for each in told.examples)
    return f"{told.task}\n\n{told.signature}\n\n{shown}"


def _headed(told: Told, draw: Draw) -> str:
    rows = "\n".join(f"| `{name}` | {in_words(kind)} |" for name, kind in told.parameters)
    first, last = draw.choice((("Parameters", "Examples"), ("Arguments", "Sample calls")))
    return (
        f"## {told.name}\n\n{told.task}\n\n### {first}\n\n| name | type |\n|---|---|\n{rows}\n\n"
        f"### {last}\n\n{_fenced(chr(10).join(_session(told.examples)))}"
    )


def _commented(told: Told, draw: Draw) -> str:
    lines = [f"# {line}" for line in _wrapped(told.task, _WIDTH - 2)]
    lines += ["#"] if draw.chance() else []
    return "\n".join([*lines, _arrows(told, draw, "# "), told.signature])


def _question(told: Told, draw: Draw) -> str:
    ask = draw.choice(
        (
            f"How can I write a Python function `{told.call}` for this?",
            f"I am looking for a function `{told.name}` in Python.",
            f"Can you write `{told.call}` in Python for me?",
        )
    )
    return f"{ask} It should do the following. {told.task}\n\nFor instance:\n\n{_fenced(_arrows(told, draw, '# '))}"


def _given(told: Told, draw: Draw) -> str:
    verb = draw.choice(("write", "implement", "define"))
    return (
        f"Given {_told_parameters(told)}, {verb} `{told.name}`, which returns {in_words(told.returns)}.\n\n"
        f"{told.task}\n\n{chr(10).join(_session(told.examples))}"
    )


def _exercise(told: Told, draw: Draw) -> str:
    word = draw.choice(("Exercise", "Problem", "Task", "Question"))
    return (
        f"{word} {draw.integer(1, 99)}. {told.task}\n\nWrite your answer as `{told.signature.removesuffix(':')}`. "
        f"{_inline(told)}"
    )


def _inline(told: Told) -> str:
    return f"For example, {joined([f'`{each.call}` is `{each.result}`' for each in told.examples])}."


def _brief(told: Told, draw: Draw) -> str:
    name = draw.choice((f"Call the function `{told.name}`.", f"The function is `{told.call}`."))
    return f"{told.task} {name} {_inline(told)}"


def _ticket(told: Told, draw: Draw) -> str:
    checks = "\n".join(f"- [ ] `{each.check.removeprefix('assert ')}`" for each in told.examples)
    return (
        f"{draw.choice(('Title', 'Feature', 'Change'))}: add `{told.name}`\n\nSignature: `{told.signature}`\n\n"
        f"Description: {told.task}\n\nDone when:\n{checks}"
    )


def _tested(told: Told, draw: Draw) -> str:
    lead = draw.choice(("This test should pass:", "Make this test pass.", "The test for it:"))
    test = f"def test_{told.name}():\n{textwrap.indent(_asserts(told), '    ')}"
    return f"Write `{told.call}`. {told.task}\n\n{lead}\n\n{_fenced(test)}"


def _numbered(told: Told, draw: Draw) -> str:
    sentences = "\n".join(f"{place}. {each}" for place, each in enumerate(_sentences(told.task), 1))
    lead = draw.choice(("Requirements for", "Write a function that keeps these rules:", "Specification of"))
    shown = "\n".join(f"    {each.check}" for each in told.examples)
    return f"{lead} `{told.call}`\n\n{sentences}\n\n{shown}"


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    for piece in text.split(". "):
        if found and (found[-1].count("`") % 2 or found[-1].count("(") > found[-1].count(")")):
            found[-1] += f". {piece}"  # the dot stood within code or brackets
        else:
            found.append(piece)
    return [f"{each}." if not each.endswith(".") else each for each in found]


FRAMES: tuple[Callable[[Told, Draw], str], ...] = (
    _instruction,
    _stub,
    _fenced_stub,
    _colleague,
    _fields,
    _passing,
    _input_output,
    _headed,
    _commented,
    _question,
    _given,
    _exercise,
    _brief,
    _ticket,
    _tested,
    _numbered,
)
"""All ways to put a problem."""
