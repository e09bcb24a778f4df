"""What a model has already answered, kept on disk so that an interrupted evaluation goes on where it was.

One JSON object a line, `{"key": ..., "answer": ...}`. Answers are written in whole groups, followed by fsync; a last
line that was torn by the interruption is cut off when the file is opened again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from blake3 import blake3


def key_of(*parts: object) -> str:
    """A short name for a question: BLAKE3 of its parts as JSON, lone surrogates and null bytes included."""
    return blake3(json.dumps(parts, sort_keys=True).encode()).hexdigest(length=16)


class Journal:
    """Answers by key. Without a path they are kept in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        self._answers: dict[str, Any] = {}
        self._file: IO[bytes] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
            self._read(self._file)

    def _read(self, file: IO[bytes]) -> None:
        file.seek(0)
        whole = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            try:
                entry = json.loads(line)
                self._answers[entry["key"]] = entry["answer"]
            except (ValueError, TypeError, KeyError):
                break
            whole += len(line)
        file.truncate(whole)

    @property
    def kept(self) -> bool:
        """Whether answers outlive this process."""
        return self._file is not None

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, key: str) -> bool:
        return key in self._answers

    def __getitem__(self, key: str) -> Any:
        return self._answers[key]

    def add(self, answers: Iterable[tuple[str, Any]]) -> None:
        """Keep answers; they are on disk when this returns."""
        found = list(answers)
        self._answers.update(found)
        if self._file is not None and found:
            self._file.write(
                b"".join(json.dumps({"key": key, "answer": answer}).encode() + b"\n" for key, answer in found)
            )
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; the answers stay readable."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
