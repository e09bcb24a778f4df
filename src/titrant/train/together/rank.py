"""One of the processes that train a phase together: `python -m titrant.train.together.rank FOLDER`, by a launcher."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import torch

from titrant.jobs import TrainJob
from titrant.lifeline import die_with
from titrant.train.loop import train_phase
from titrant.train.together.launch import describe_fault
from titrant.train.together.ranks import join, leave

_EVERY_SECONDS = 0.1


class Events:
    """The first process's progress: a line in a file, ten a second at most; raises KeyboardInterrupt when all are asked
    to stop, by a file or by SIGTERM."""

    def __init__(self, folder: Path) -> None:
        self._stop, self._told = folder / "stop", 0.0
        self._file = (folder / "events.jsonl").open("a")
        self._turned = False
        signal.signal(signal.SIGTERM, self._turn)

    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None:
        now = time.monotonic()
        if now - self._told >= _EVERY_SECONDS or done >= total or not done:
            self._told = now
            self._file.write(json.dumps([done, total, unit, note]) + "\n")
            self._file.flush()
            self._turned = self._turned or self._stop.exists()
        if self._turned:
            raise KeyboardInterrupt

    def _turn(self, *_: object) -> None:
        self._turned = True


def _quiet(done: int, total: int, unit: str, note: str = "") -> None:
    """The others say nothing."""


def main(folder: Path) -> int:
    """Train, and write how it ended; the exit status."""
    if os.getppid() == 1 or not folder.is_dir():  # whoever started it was killed meanwhile
        return 1
    die_with(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides for all
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the first process decides for all, and hears it
    assignment = json.loads((folder / "assignment.json").read_bytes())
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    end, status = folder / f"end-{os.environ['RANK']}.json", 0
    try:
        ranks = join(device, assignment["layout"])
        checkpoint = train_phase(
            TrainJob.model_validate(assignment["job"]),
            {role: Path(path) for role, path in assignment["inputs"].items()},
            Path(assignment["out"]),
            scratch=Path(assignment["scratch"]),
            progress=Events(folder) if ranks.first else _quiet,
            ranks=ranks,
        )
        said: dict[str, object] = {"checkpoint": checkpoint.model_dump(mode="json")}
        leave()
    except KeyboardInterrupt:
        said = {"stopped": True}
    except BaseException as error:
        import traceback

        traceback.print_exc()
        said, status = describe_fault(error), 1
    said["world"] = os.environ["WORLD_SIZE"]
    with contextlib.suppress(FileNotFoundError):  # a later attempt cleared the folder away
        end.with_suffix(".part").write_text(json.dumps(said))
        end.with_suffix(".part").rename(end)
    return status


if __name__ == "__main__":
    status = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a collective that waits for a process that is gone would hold the exit up
