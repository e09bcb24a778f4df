"""Hostile items beside right ones in one batch: each harms itself alone, and each right one stays right."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_attacks import FORGED, HELD, SIGNALS

from titrant.sandbox import Answers, PythonCalls, Sandbox
from titrant.sandbox.inside import literals

NUMBER = 47110815
SAME = "def f(x):\n    return x"
"""What only right programs answer; it never enters a process as an expected result."""
RIGHT = PythonCalls("def f(x):\n    return 15703605 * x", "f", "[(3,)]", variants=("def f(x):\n    return x",))
WANTED = ((f"= {NUMBER}",), ("= 3",))
WAITS = "import time\ndef f(x):\n    time.sleep(0.05)\n    return x"


def below(process: int) -> set[str]:
    found = set()
    with suppress(OSError):  # it has just ended
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text().split():
                found |= {child} | below(int(child))
    return found


def beside_right_ones(sandbox: Sandbox, *hostile: PythonCalls) -> list[Answers]:
    """Hostile items, each with right ones before and after it in the same batch and on the same slots."""
    before = below(os.getpid())
    items: list[PythonCalls] = [RIGHT]
    for item in hostile:
        items += [item, RIGHT, RIGHT]
    found = dict(sandbox.call_many(items))
    assert sorted(found) == list(range(len(items)))
    for index, item in enumerate(items):
        if item is RIGHT:
            assert (found[index].status, found[index].answers) == ("passed", WANTED)
    for _ in range(200):
        if below(os.getpid()) <= before:
            break
        time.sleep(0.02)  # the batch has ended for its owner a moment before its processes have
    assert below(os.getpid()) <= before, "a process outlived the batch, or a slot had to be begun again"
    return [found[index] for index, item in enumerate(items) if item is not RIGHT]


def item(source: str, **more: object) -> PythonCalls:
    return PythonCalls(source + "\ndef f(x):\n    return x + 1\n", "f", "[(1,)]", **more)  # type: ignore[arg-type]


PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
def test_harm_is_refused_and_no_other_item_notices(sandbox: Sandbox, part: int) -> None:
    names = list(HELD)[part::PARTS]
    found = beside_right_ones(sandbox, *(item(HELD[name]) for name in names))
    for name, answers in zip(names, found, strict=True):
        # what is written or printed without end is refused or thrown away; nothing else comes to its end
        harmless = name == "fills the disk" or name == "sets signals on another's file"
        assert not answers.passed or harmless, (name, answers)


def test_signals_reach_nobody(sandbox: Sandbox) -> None:
    for answers in beside_right_ones(sandbox, *(item(source) for source in SIGNALS.values())):
        assert "PermissionError" in answers.detail
    own = item("import os, signal\nfor number in (9, 15, 19):\n    os.kill(os.getpid(), number)")
    assert "PermissionError" in beside_right_ones(sandbox, own)[0].detail


@pytest.mark.parametrize("part", range(2))
def test_no_program_finds_what_is_expected(sandbox: Sandbox, part: int) -> None:
    forged = [PythonCalls(source, "f", "[(3,)]") for source in list(FORGED.values())[part::2]]
    for answers in beside_right_ones(sandbox, *forged):
        assert (f"= {NUMBER}",) not in answers.answers


WRITES = """
import os
def f(x):
    for file in range(64):
        try:
            os.write(file, WHAT)
        except OSError:
            pass
    END
"""


ENDS = ("os._exit(0)", "return 0", "os.closerange(0, 64)", "import time; time.sleep(9)")


@pytest.mark.parametrize(
    "said",
    [
        b"= 1\n.\n",
        b"= 1\n= 2\n= 3\n.\n",
        b"= 1\n.\n" * 40,
        b"= __import__('os').getpid()\n.\n",
        b"\xff\xfe\n.\n",
        b"9\n= 1\n.\n",
        b"\x01\x00\x00\x00\x0d" + bytes(13),
        b"! \n.\n",
        b"! a b\n.\n",
        b"x" * 100_000 + b"\n.\n",
        b"\n" * 1000,
    ],
)
def test_what_is_forged_is_of_the_forger_alone(sandbox: Sandbox, said: bytes) -> None:
    """It may claim any answers of its own, as many as it was asked for; all else is refused, and the next is whole."""
    sources = [WRITES.replace("WHAT", repr(said)).replace("END", end) for end in ENDS]
    forgers = [PythonCalls(source, "f", "[(3,)]", variants=("def f(x): 1",)) for source in sources]
    for answers in beside_right_ones(sandbox, *forgers):
        assert [len(block) for block in answers.answers] in ([], [1, 1])
        for block in answers.answers:
            assert all(text.startswith("= ") or text in ("~", "! OSError") for text in block)


def test_answers_without_end_are_cut(sandbox: Sandbox) -> None:
    flood = "import os\ndef f(x):\n    while True:\n        os.write(3, b'= 1\\n' * 10000)"
    assert beside_right_ones(sandbox, PythonCalls(flood, "f", "[(3,)]"))[0].status == "output limit"


def test_what_is_printed_is_thrown_away(sandbox: Sandbox) -> None:
    loud = "import sys\ndef f(x):\n    for _ in range(300):\n        print('x' * 10**5)\n        sys.stderr.write('x')\n    return x"
    assert beside_right_ones(sandbox, PythonCalls(loud, "f", "[(3,)]"))[0].answers == (("= 3",),)


LEFT = {
    "a file": "open('left', 'w').write('x')",
    "a file in the temporary folder": "import tempfile; tempfile.mkstemp()",
    "a file in the root": "open('/left', 'w').write('x')",
    "a file in the folder of programs": "open('/work/left', 'w').write('x')",
    "shared memory": "import ctypes; assert ctypes.CDLL(None).shmget(7, 10**6, 0o1600) >= 0",
    "a file of memory": "import ctypes; assert ctypes.CDLL(None).memfd_create(b'x', 0) >= 0",
    "a named pipe": "import os; os.mkfifo('pipe')",
    "a message queue": "import ctypes; assert ctypes.CDLL(None).msgget(7, 0o1600) >= 0",
    "a socket with a name": "import socket; socket.socket(socket.AF_UNIX).bind('\\0left')",
    "a process": "import os; os.fork()",
    "other rights": "import os; os.chmod('/proc' if os.path.exists('/proc/1') else '/', 0o777)",
    "a changed module": "import math, json, builtins, sys\nfor m in (math, json, builtins, sys):\n    m.left = 1\nraise OSError",
}


@pytest.mark.parametrize("name", LEFT)
def test_nothing_is_left_for_the_next_item(sandbox: Sandbox, name: str) -> None:
    leave = PythonCalls(
        f"def f(x):\n    try:\n        exec({LEFT[name]!r})\n    except (OSError, AssertionError):\n        return 'refused'\n    return 'left'",
        "f",
        "[(3,)]",
    )
    assert beside_right_ones(sandbox, leave, leave)[1].answers == (("= 'refused'",),)


def test_each_item_begins_in_the_same_state(sandbox: Sandbox) -> None:
    """Files, modules, limits, random numbers and recursion are as they were before the one that changed them."""
    spoil = """
import builtins, gc, json, os, random, resource, signal, sys, time
def f(x):
    random.seed(x)
    sys.setrecursionlimit(10**6)
    builtins.len = lambda value: 0
    json.loads = json.dumps = builtins.repr = lambda *more, **named: 'spoilt'
    sys.modules['math'] = None
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.environ['SPOILT'] = '1'
    os.umask(0)
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
    os.closerange(4, 300)
    gc.disable()
    return x
"""
    look = """
import builtins, gc, json, math, os, random, resource, signal, sys
def files():
    found = []
    for number in range(300):
        try:
            os.fstat(number)
            found.append(number)
        except OSError:
            pass
    return found
def f(x):
    return [
        random.random(), sys.getrecursionlimit(), len([1]), json.dumps([1]), signal.getsignal(15) == signal.SIG_DFL,
        sorted(os.environ), resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_NOFILE),
        gc.isenabled(), files(), os.getcwd(), os.umask(0),
    ]
"""
    looks = PythonCalls(look, "f", "[(3,)]")
    spoils = PythonCalls(spoil, "f", "[(3,)]")
    first = dict(sandbox.call_many([looks]))[0]
    assert first.passed
    assert "[0, 1, 2, 3]" in first.answers[0][0]
    assert [found.answers for found in beside_right_ones(sandbox, spoils, looks, spoils, looks)[1::2]] == [
        first.answers
    ] * 2


def test_no_item_finds_the_text_of_another_in_memory(sandbox: Sandbox) -> None:
    """A word stands in the source and in the answers of an item; the next looks through its memory for it."""
    look = """
import ctypes, gc, os, re
libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_void_p
def f(x):
    word, found = re.compile(b"[q]uixotic[z]ephyr[q]uixotic"), 0
    reading, writing = os.pipe()
    top = libc.sbrk(0) >> 20
    for start in sorted({id(thing) >> 20 for thing in gc.get_objects()} | set(range(top - 16, top + 1))):
        for address in range(start << 20, (start + 1) << 20, 2**15):
            size = libc.write(writing, ctypes.c_void_p(address), 2**15)
            if size > 0:
                found += len(word.findall(os.read(reading, size)))
    return found > 0, KEPT
"""
    keeps = PythonCalls("KEPT = ['quixoticzephyrquixotic'] * 1000" + look, "f", "[(3,)]")
    looks = PythonCalls("KEPT = None" + look, "f", "[(3,)]")
    for _ in range(2):
        found = dict(sandbox.call_many([keeps, looks] * 4))
        assert {found[index].answers[0][0][:10] for index in (0, 2, 4, 6)} == {"= (True, ["}, found[0]
        assert {found[index].answers for index in (1, 3, 5, 7)} == {(("= (False, None)",),)}


def test_answers_are_the_same_on_a_busy_machine(sandbox: Sandbox) -> None:
    """Variants are cut by what they do, never by a clock: those just below and just above their steps, too."""
    count = "def f(x):\n    n = 0\n    while n != x:\n        n += 1\n    return n"
    calls = [
        PythonCalls(SAME, "f", f"[(5,), ({steps},), ({steps + 1},)]", variants=(count, WAITS, count), steps=steps)
        for steps in (6, 300, 2000, 20_000)
    ] * 3
    quiet = dict(sandbox.call_many(calls))
    script = "import os\nwhile os.getppid() == PARENT:\n    sum(range(10**5))"
    load = [
        subprocess.Popen([sys.executable, "-S", "-c", script.replace("PARENT", str(os.getpid()))]) for _ in range(8)
    ]
    try:
        busy = dict(sandbox.call_many(calls))
    finally:
        for process in load:
            process.kill()
            process.wait()
    assert [busy[index].answers for index in range(12)] == [quiet[index].answers for index in range(12)]
    assert [quiet[index].answers[1][2] for index in range(4)] == ["~"] * 4


def test_a_batch_may_be_left(sandbox: Sandbox) -> None:
    batch = sandbox.call_many([RIGHT] * 30)
    assert next(batch)[1].answers == WANTED
    batch.close()  # type: ignore[attr-defined]
    assert [answers.answers for _, answers in sandbox.call_many([RIGHT] * 3)] == [WANTED] * 3


def test_a_slot_that_ends_is_begun_again_and_no_answer_is_lost(sandbox: Sandbox) -> None:
    batch = sandbox.call_many([RIGHT] * 40)
    found = dict([next(batch)])
    for slot in sandbox._slots:
        slot.kill()
    found |= dict(batch)
    assert [found[index].answers for index in range(40)] == [WANTED] * 40


LEAVES = (
    st.integers()
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
KEYS = st.integers() | st.text() | st.tuples(st.integers(), st.text()) | st.booleans()
VALUES = st.recursive(
    LEAVES,
    lambda of: st.lists(of) | st.lists(of).map(tuple) | st.dictionaries(KEYS, of) | st.sets(KEYS),
    max_leaves=12,
)


def strictly(value: object) -> object:
    """A value that is equal only to one of the same types."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [strictly(part) for part in value]
    if isinstance(value, dict):
        return "dict", [(strictly(key), strictly(part)) for key, part in value.items()]
    if isinstance(value, set):
        return "set", sorted(repr(strictly(part)) for part in value)
    return type(value).__name__, repr(value)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(VALUES).map(tuple)))
def test_literals_are_read_as_python_reads_them(values: list[tuple[object, ...]]) -> None:
    import marshal

    found, count = literals.marshalled(repr(values))
    assert count == len(values)
    assert strictly(marshal.loads(found)) == strictly(values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[((1),), (+1, 0x10, 1_0), ( 2 , ), ()]", [(1,), (1, 16, 10), (2,), ()]),
        ("[('a' \"b\", '''c''', r'\\n', b'd')]", [("ab", "c", "\\n", b"d")]),
        ("[('\\ud83d\\ude00', 'True (1,)', 'it\\'s')]", [("\ud83d\ude00", "True (1,)", "it's")]),
        ("[({1: (2,), (3, 4): {}}, {5}, set(), {(6,)})]", [({1: (2,), (3, 4): {}}, {5}, set(), {(6,)})]),
    ],
)
def test_unusual_literals_are_read_too(text: str, value: object) -> None:
    import marshal

    assert strictly(marshal.loads(literals.marshalled(text)[0])) == strictly(value)


@pytest.mark.parametrize(
    "text",
    ["[(1)]", "(1,)", "[(true,)]", "[(NaN,)]", "[(1:2)]", "[({1:2, 3},)]", "[(1 2,)]", "[(\x01,)]", "[(open,)]", "", "[(}]", "[({1)]", "[({)]", "[('a\r',)]", "[('\0',)]"],
)  # fmt: skip
def test_what_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        literals.marshalled(text)


@settings(max_examples=300, deadline=None)
@given(st.text("[](){},:10-+eE. '\"aTrueFalsNo\\n#_", max_size=12))
def test_what_is_read_quickly_is_what_python_reads(text: str) -> None:
    try:
        found = literals.plain_literal(text)
    except ValueError:
        return
    assert strictly(found) == strictly(ast.literal_eval(text.strip()))


@settings(max_examples=25, deadline=None)
@given(VALUES)
def test_most_literals_are_read_quickly(value: object) -> None:
    with suppress(ValueError):
        assert strictly(literals.plain_literal(repr(value))) == strictly(value)
    assert literals.plain_literal("[({'a': (1,)}, 'it', {2}), (-1.5, None), ()]") == [
        ({"a": (1,)}, "it", {2}),
        (-1.5, None),
        (),
    ]
