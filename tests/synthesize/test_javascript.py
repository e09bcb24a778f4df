"""Solutions in JavaScript: what is translated says the same, what cannot be is refused, what is wrong is found."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator

import pytest

from titrant.errors import EngineError
from titrant.sandbox import Check, Program, Sandbox, Verdict, open_sandbox
from titrant.study.limits import Limits
from titrant.synthesize.forms import translations
from titrant.synthesize.forms.expressions import NotTranslatedError
from titrant.synthesize.forms.javascript import to_javascript
from titrant.synthesize.forms.translations import check_translations
from titrant.synthesize.generator.problem import Settings, problem_at


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    with open_sandbox(Limits(cpu_seconds=1.0), processes=2) as opened:
        yield opened


SAME = {
    "rounding down": ("def f(a, b):\n    return a // b, a % b, divmod(a, b)", [(7, 3), (-7, 3), (7, -3), (-7, -3)]),
    "brackets": ("def f(a, b):\n    return a - (b - a) * (a + b) ** 2 - (-a) ** 2", [(2, 5), (-3, 4)]),
    "order": ("def f(a, b):\n    return a < b <= 3 or not a == b", [(1, 2), (3, 3), (5, 4)]),
    "lists": ("def f(x):\n    x = x + [1]\n    x += [2]\n    x.insert(0, 9)\n    return x[::-1], x[1:-1], x * 2, x[-1]", [([],), ([4, 5],)]),
    "steps": ("def f(x):\n    return x[::2], x[5:0:-2], x[-2::-1], x[-9:2:1]", [([1, 2, 3, 4, 5, 6, 7],), ([1],)]),
    "empty lists": ("def f(x):\n    if not x:\n        return 'none'\n    return 'some' if x else 'never'", [([],), ([0],)]),
    "equal lists": ("def f(x, y):\n    return x == y, x < y, [1] in [x, y]", [([1], [1]), ([1, 2], [1, 3]), ([], [1])]),
    "sorting": ("def f(x):\n    return sorted(x, key=lambda p: (-p[1], p[0])), sorted(x, reverse=True)", [([(1, 2), (10, 2), (9, 3)],)]),
    "stability": ("def f(x):\n    return sorted(x, key=len, reverse=True)", [(["a", "bb", "c", "dd"],)]),
    "the best": ("def f(x):\n    return max(x), min(x, key=lambda v: v % 3), max(x, default=7)", [([4, 9, 2, 9],)]),
    "dictionaries": ("def f(x):\n    d = {}\n    for v in x:\n        d[v] = d.get(v, 0) + 1\n    return d, sorted(d), [k for k in d], list(d.items())", [(["b", "a", "b"],), ([],)]),
    "counters": ("from collections import Counter\ndef f(x):\n    c = Counter(x)\n    return c['a'], len(c)", [("banana",), ("",)]),
    "default maps": ("from collections import defaultdict\ndef f(x):\n    d = defaultdict(list)\n    for i, v in enumerate(x):\n        d[v].append(i)\n    return dict(d)", [("abca",)]),
    "sets": ("def f(x, y):\n    a, b = set(x), set(y)\n    return a | b, a & b, a - b, 3 in a", [([1, 2, 3], [3, 4])]),
    "texts": ("def f(s):\n    return s.upper(), ' '.join(s.split()), s.count('a'), s[::-1], ord(s[0]), s.replace('a', 'o')", [("  banana a",), ("abc",)]),
    "counting loops": ("def f(n):\n    out = []\n    for i in range(n, 0, -2):\n        out.append(i)\n    for i in range(2, 9, 3):\n        out.append(-i)\n    return out, i", [(5,), (0,)]),
    "a list that grows": ("def f(n):\n    x = [n]\n    for i in range(len(x) + 1):\n        x.append(i)\n    return x", [(4,)]),
    "comprehensions": ("def f(x):\n    return [a * b for a in x if a for b in range(a)], {v % 3 for v in x}, any(v > 3 for v in x)", [([3, 0, 2, 5],)]),
    "swaps": ("def f(a, b):\n    a, b = b, a + b\n    x = [a, b]\n    x[0], x[-1] = x[-1], x[0]\n    return x", [(1, 5)]),
    "helpers": ("def g(n, k=2):\n    return n * k\ndef f(n):\n    return g(n) + g(n, 5)", [(3,)]),
    "nonlocal": ("def f(n):\n    count = 0\n    def visit(k):\n        nonlocal count\n        count += 1\n        if k > 0:\n            visit(k - 1)\n    visit(n)\n    return count", [(4,)]),
    "a name of JavaScript": ("def f(new, function):\n    var = new + function\n    return var", [(1, 2)]),
    "nothing": ("def f(x):\n    if x > 0:\n        return x", [(1,), (-1,)]),
    "truth": ("def f(x):\n    return x > 0, not x, x == 0 or x > 5, x and 7", [(0,), (3,)]),
    "f-strings": ("def f(n, s):\n    return f'{s}: `{n + 1}` $'", [(1, "a")]),
    "flat or not": ("def f(x):\n    def v(y):\n        return sum(v(z) for z in y) if isinstance(y, list) else y * 2\n    return v(x)", [([1, [2, [3]]],)]),
    "enumerating from one": ("def f(x):\n    for i, v in enumerate(x, start=1):\n        if v > 3:\n            return i\n    return -1", [([1, 5],), ([],)]),
}  # fmt: skip


def test_translations_say_the_same(sandbox: Sandbox) -> None:
    rows = []
    for name, (source, inputs) in SAME.items():
        names: dict[str, object] = {}
        exec(source, names)
        expected = [names["f"](*given) for given in _copied(inputs)]  # type: ignore[operator]
        rows.append((name, to_javascript(source, "f", repr(inputs)), "f", repr(inputs), repr(expected)))
    found = check_translations(sandbox, rows)
    assert [name for name in SAME if not found[name]] == []
    wrong = [
        (name, text, entry, inputs, repr([object.__name__] * len(SAME[name][1])))
        for name, text, entry, inputs, _ in rows
    ]
    assert not any(check_translations(sandbox, wrong).values())


def _copied(inputs: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return list(eval(repr(inputs)))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("class A: pass\ndef f(x): return A()", "the statement ClassDef"),
        ("def f(x):\n    yield x", "generator"),
        ("def f(x):\n    return {(x, 1): 2}", "a set or a dictionary of tuples"),
        ("def f(x):\n    return '%d' % x", "text formatted by %"),
        ("import re\ndef f(x):\n    return re.findall('a', x)", "a call of findall"),
        ("def f(x):\n    try:\n        return 1\n    except ValueError:\n        return 2", "the statement Try"),
        ("def f(*x):\n    return x", "parameters of an unusual sort"),
        ("def f(x) return", "no Python"),
        ("def f(x):\n    return f'{x:>3}'", "a formatted text"),
    ],
)
def test_what_is_not_translated_is_named(source: str, why: str) -> None:
    with pytest.raises(NotTranslatedError, match=why):
        to_javascript(source, "f")


def test_a_translation_is_readable_and_holds_the_helpers_that_it_uses() -> None:
    source = (
        "def f(values, k):\n    total = 0\n    for i, value in enumerate(values):\n        if value % k == 1:\n"
        "            total += value // 2\n    return total"
    )
    text = to_javascript(source, "f", "[([1, 2], 3)]")
    assert text.endswith(
        "function f(values, k) {\n"
        "  let total = 0;\n"
        "  for (const [i, value] of values.entries()) {\n"
        "    if (floorMod(value, k) === 1) {\n"
        "      total += Math.floor(value / 2);\n"
        "    }\n"
        "  }\n"
        "  return total;\n"
        "}\n"
    )
    assert text.count("function ") == 2


RIGHT = "function f(x) {\n  return x + 1;\n}\n"


@pytest.mark.parametrize("own", [True, False])
def test_a_wrong_one_costs_no_other_its_verdict(sandbox: Sandbox, own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translations, "_MOST_MILLISECONDS", 200)
    texts = {
        "right": RIGHT,
        "wrong": "function f(x) {\n  return x;\n}\n",
        "endless": "function f(x) {\n  while (true) {}\n}\n",
        "ends": "function f(x) {\n  process.exit(0);\n}\n",
        "not JavaScript": "def f(x): return x + 1",
        "throws": "function f(x) {\n  throw null;\n}\n",
        "another": "function g(x) {\n  return x + 1;\n}\n",
        "prints": "function f(x) {\n  console.log('0 right');\n  return x;\n}\n",
        "too great": "function f(x) {\n  return 2 ** 60 + x - 2 ** 60;\n}\n",
        "also right": RIGHT,
    }
    if own:  # none that Titrant writes prints
        del texts["prints"]
    found = check_translations(
        sandbox, [(key, text, "f", "[(1,), (2,)]", "[2, 3]") for key, text in texts.items()], own=own
    )
    assert {key for key, right in found.items() if right} == {"right", "also right"}
    assert found.keys() == texts.keys()


WRONG = "function f(x) {\n  return 0;\n}\n"
TRICKS = {
    "a verdict of its own": f"{WRONG}return true;",
    "a guarded return": f"{WRONG}if (typeof require !== 'undefined') return f;",
    "a helper named as a checker's": "function same(a, b) {\n  return true;\n}\nfunction f(x) {\n  return same(x, 1) ? 0 : 1;\n}",
    "every, patched": f"Array.prototype.every = () => true;\n{WRONG}",
    "every, patched in a call": "function f(x) {\n  Array.prototype.every = () => true;\n  return 0;\n}",
    "an end before the end": f"{WRONG}return 1 }})() || (() => {{ let f = (x) => 1; return false",
    "an end of the text": f"{WRONG}`; }}]; console.log('right'); [{{ source: `",
    "what writes values, patched": f"JSON.stringify = () => '2';\nNumber.isInteger = () => false;\n{WRONG}",
    "a value that converts to the right one": "function f(x) {\n  return { valueOf() { return x + 1; }, toJSON() { return x + 1; } };\n}",
    "a text": "function f(x) {\n  return String(x + 1);\n}",
    "more than an answer": "function f(x) {\n  return [x + 1];\n}",
    "a promise": "async function f(x) {\n  return x + 1;\n}",
    "its answer prints itself": "function f(x) {\n  const seen = [];\n  seen.push(seen);\n  return seen;\n}",
    "late": "function f(x) {\n  throw { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' };\n}",
    "out of its world": (
        f"{WRONG}try {{\n  const write = console.log.constructor('return process')().stdout.write;\n"
        "  globalThis.constructor.constructor('return process')().stdout.write = () => write('[2,3]');\n} catch {}"
    ),
}  # fmt: skip
HONEST = {
    "a helper named as a checker's": "const same = (a, b) => false;\nfunction f(x) {\n  return x + 1;\n}\n",
    "names of what runs it": (
        "const [turn, told, answers, left, PROGRAMS, context, module] = [1, 1, 1, 1, 1, 1, 1];\n"
        "let console = { log() {} };\nconst f = (x) => x + turn;\n"
    ),
    "a module": f"{RIGHT}module.exports = {{ f }};\nconsole.log(f(1));\n",
}


@pytest.mark.parametrize("own", [True, False])
def test_no_program_gives_its_own_verdict(sandbox: Sandbox, own: bool) -> None:
    rows = [(key, text, "f", "[(1,), (2,)]", "[2, 3]") for key, text in TRICKS.items()]
    assert [key for key, right in check_translations(sandbox, rows, own=own).items() if right] == []
    rows = [(key, text, "f", "[(1,), (2,)]", "[2, 3]") for key, text in HONEST.items()]
    assert [key for key, right in check_translations(sandbox, rows, own=own).items() if not right] == []


def test_a_program_touches_no_other_of_its_process(sandbox: Sandbox) -> None:
    changed = f"Map.prototype.get = Array.prototype.map = () => 2;\nglobalThis.g = (x) => x + 1;\n{RIGHT}"
    borrowed = "const f = (x) => g(x);\n"
    plain = "function f(x) {\n  return [x].map((item) => item + 1)[0];\n}\n"
    rows = [
        (key, text, "f", "[(1,), (2,)]", "[2, 3]")
        for key, text in (("changed", changed), ("plain", plain), ("borrowed", borrowed))
    ]
    assert check_translations(sandbox, rows) == {"changed": True, "plain": True, "borrowed": False}


def test_what_is_expected_never_enters_the_process(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Check] = []
    run_many = Sandbox.run_many

    def watched(self: Sandbox, checks: Iterable[Check]) -> Iterator[tuple[int, Verdict]]:
        held = list(checks)
        asked.extend(held)
        return run_many(self, held)

    monkeypatch.setattr(Sandbox, "run_many", watched)
    for own in (True, False):
        rows = [(str(number), RIGHT, "f", "[(7340,)]", "[7341]") for number in range(2)]
        assert all(check_translations(sandbox, rows, own=own).values())
    texts = [check.source for check in asked if isinstance(check, Program)]
    assert len(texts) == 3
    assert all("7340" in text and "7341" not in text for text in texts)


def test_names_of_the_checker_are_free_for_translations(sandbox: Sandbox) -> None:
    source = "def same(a, b):\n    return True\n\n\ndef f(x):\n    return 0 if same(x, 1) else x\n"
    text = to_javascript(source, "f", "[(1,), (2,)]")
    rows = [(key, text, "f", "[(1,), (2,)]", expected) for key, expected in (("right", "[0, 0]"), ("wrong", "[9, 9]"))]
    assert check_translations(sandbox, rows) == {"right": True, "wrong": False}


@pytest.mark.parametrize(
    "source",
    [
        "def floorMod(a, b):\n    return a - b\n\n\ndef f(x):\n    return x % 3",
        "def f(x, floorMod=1):\n    return x % 3",
    ],
)
def test_a_name_of_a_helper_is_refused_wherever_it_stands(source: str) -> None:
    with pytest.raises(NotTranslatedError, match="a name that a helper of the translation has"):
        to_javascript(source, "f", "[(4,)]")


VALUES = [
    None,
    True,
    0,
    -3,
    2.5,
    1.0,
    "",
    'a\u2028\n"é',
    [],
    [1, [2]],
    (1, "x"),
    {},
    {1: [2], "k": None, False: 3},
    set(),
    {1, "a"},
]


def test_every_value_is_told_as_it_is(sandbox: Sandbox) -> None:
    inputs = repr([(value,) for value in VALUES])
    rows = [("same", "const f = (x) => x;\n", "f", inputs, repr(VALUES))]
    rows += [
        (f"not {at}", "const f = (x) => x;\n", "f", inputs, repr([*VALUES[:at], "no", *VALUES[at + 1 :]]))
        for at in range(len(VALUES))
    ]
    assert {key for key, right in check_translations(sandbox, rows).items() if right} == {"same"}


def test_numbers_that_javascript_does_not_have_are_refused(sandbox: Sandbox) -> None:
    big = ("function f(x) {\n  return x;\n}\n", "f", f"[({2**53},)]", f"[{2**53}]")
    grown = ("function f(x) {\n  return x * x;\n}\n", "f", f"[({10**9},)]", f"[{10**18}]")
    assert check_translations(sandbox, [("big", *big), ("grown", *grown)]) == {"big": False, "grown": False}


def test_node_is_named_where_it_is_missing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError, match=r"node, which is not installed; install it .*apt install nodejs"):
        check_translations(sandbox, [("a", RIGHT, "f", "[(1,)]", "[2]")])


def test_most_generated_problems_have_a_solution_in_javascript(sandbox: Sandbox) -> None:
    problems = [problem_at(11, number, Settings()) for number in range(0, 500, 9)]
    rows = []
    for problem in problems:
        source = f"{problem.prelude}\n\n\n{problem.solution}" if problem.prelude else problem.solution
        try:
            text = to_javascript(source, problem.entry_point, problem.inputs)
        except NotTranslatedError:
            continue
        rows.append((problem.problem, text, problem.entry_point, problem.inputs, problem.expected))
    right = check_translations(sandbox, rows)
    assert sum(right.values()) >= 0.6 * len(problems), (sum(right.values()), len(rows), len(problems))
