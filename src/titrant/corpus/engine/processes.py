"""Parts made in several processes of this machine, a row group at a time each.

Processes are started afresh, not forked, because this one may hold threads. Each is given a part, says when it is made,
and is given the next, so that no more parts are in memory than there are processes. One that dies (killed, or out of
memory) is replaced and its part begun again; if the same part ends a second process, that is an error. All end when
the work does, when it is interrupted, and when this process dies.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import traceback
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from titrant.corpus.engine.parts import Parts
from titrant.corpus.stored import RowGroup
from titrant.errors import EngineError
from titrant.lifeline import die_with

_EVERY_SECONDS = 0.1
_DEATHS = 2
"""So many processes may die over one part."""


@dataclass
class _Hand:
    """One process, and what it works on."""

    process: BaseProcess
    connection: Connection
    group: RowGroup


def run_in_processes(parts: Parts, groups: Sequence[RowGroup], count: int, tell: Callable[[int], None]) -> None:
    """Make the parts of row groups in so many processes. `tell` is told the documents that are done.

    Raises the first error that the work raises in one of them, EngineError if a part ends two processes.
    """
    waiting, deaths = deque(groups), Counter[RowGroup]()
    hands: dict[Connection, _Hand] = {}
    done = 0
    try:
        while waiting or hands:
            while waiting and len(hands) < count:
                hand = _start(parts, waiting.popleft())
                hands[hand.connection] = hand
            for ready in wait(list(hands), timeout=_EVERY_SECONDS):
                hand = hands[ready]  # type: ignore[index]
                try:
                    error = hand.connection.recv()
                except (EOFError, OSError):
                    del hands[hand.connection]
                    deaths[hand.group] += 1
                    _bury(hand, deaths[hand.group])
                    waiting.appendleft(hand.group)
                    continue
                if error is not None:
                    raise error
                done += hand.group.rows
                if waiting:
                    hand.group = waiting.popleft()
                    _give(hand)
                else:
                    hands.pop(hand.connection).connection.close()
                    hand.process.join()
            tell(done)
    finally:
        for hand in hands.values():
            hand.process.kill()
        for hand in hands.values():
            hand.process.join()
            hand.connection.close()


def _start(parts: Parts, group: RowGroup) -> _Hand:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, parts, os.getpid()), daemon=True)
    process.start()
    theirs.close()  # so that its end closes when the process dies
    hand = _Hand(process, ours, group)
    _give(hand)
    return hand


def _give(hand: _Hand) -> None:
    try:
        hand.connection.send(hand.group)
    except OSError:
        return  # it is dead, which is heard where it would have answered


def _bury(hand: _Hand, deaths: int) -> None:
    """Raises EngineError if this was one death too many."""
    hand.process.join()
    hand.connection.close()
    code = hand.process.exitcode or 0
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    where = f"row group {hand.group.index} of {hand.group.path}"
    if deaths >= _DEATHS:
        raise EngineError(
            f"{deaths} processes ended {how} while they worked on {where}; most often the machine ran out of memory: "
            "run again with fewer processes (TITRANT_ENGINE=processes:N) or with TITRANT_ENGINE=serial"
        )
    print(f"a process ended {how} while it worked on {where}, which is begun again", flush=True)


def _serve(connection: Connection, parts: Parts, parent: int) -> None:
    """The other process: make parts until there are no more."""
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides for all
    while True:
        try:
            group = connection.recv()
        except EOFError:
            return
        error: BaseException | None = None
        try:
            parts.make(group, lambda _: None)
        except Exception as raised:
            error = portable(raised)
        connection.send(error)


def portable(error: Exception) -> Exception:
    """The same error, or one that says the same, that crosses processes; where it was raised is told in a note."""
    where = "".join(traceback.format_exception(error))
    try:
        copy: Exception = pickle.loads(pickle.dumps(error))
        whole = type(copy) is type(error) and str(copy) == str(error)
    except Exception:
        whole = False
    if not whole:
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    copy.add_note(f"in another process:\n{where}")
    return copy
