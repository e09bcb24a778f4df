"""How long `titrant plan` and a `titrant run` with nothing to do take, in whole processes.

    python bench/planning.py [STORE]

Plans the quickstart, and a study of 60 arms x 5 seeds x 4 scales. STORE, if given, is one in which the quickstart is
finished: then `run quickstart` is timed there too.

Prints seconds from process start to exit (median of five, range) and each as a ratio to a bare start of Python.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROUNDS = 5


def large_study(folder: Path) -> Path:
    """60 arms of two phases, 5 seeds, 4 scales; sixty arms share their first phase."""
    for name in ("text", "code"):
        (folder / f"{name}.txt").write_text(f"{name}\n" * 100)
    shape = {"layers": 8, "width": 256, "heads": 4, "ffn_width": 704}
    study = {
        "study": "large",
        "question": "How long does a large plan take?",
        "sources": {n: {"kind": n, "from": [{"files": f"{n}.txt"}]} for n in ("text", "code")},
        "mixtures": {f"m{i}": {"text": 100 - i, "code": 1 + i} for i in range(60)},
        "phases": {n: {"schedule": {"shape": "cosine"}} for n in ("init", "continue")},
        "arms": {f"arm{i}": [{"init": "m0"}, {"continue": f"m{i}"}] for i in range(60)},
        "control": "arm0",
        "budget_parts": 10,
        "seeds": [1, 2, 3, 4, 5],
        "scales": {
            f"scale{i}": {
                "architecture": shape,
                "tokens": 10**8 * (i + 1),
                "sequence_length": 512,
                "global_batch_tokens": 65536,
                "learning_rate": 1e-3,
            }
            for i in range(4)
        },
        "tokenizer": {"vocabulary": 4096, "mixture": "m0"},
    }
    path = folder / "large.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path


def seconds_of(command: list[str]) -> list[float]:
    """Wall seconds of a whole process, ROUNDS times; the command must succeed."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - start)
    return taken


def main() -> None:
    """Time the commands in one run and print each beside a bare Python."""
    with tempfile.TemporaryDirectory() as folder:
        titrant = [sys.executable, "-m", "titrant"]
        store = ["--store", f"{folder}/store"]
        commands = {
            "python, nothing else": [sys.executable, "-c", ""],
            "plan quickstart (goal: under 1 s)": [*titrant, "plan", "quickstart", *store],
            "plan 60 arms x 5 seeds x 4 scales (goal: under 3 s)": [
                *titrant,
                "plan",
                str(large_study(Path(folder))),
                *store,
            ],
        }
        if len(sys.argv) > 1:
            name = "run quickstart, finished (goal: under 2 s)"
            commands[name] = [*titrant, "run", "quickstart", "--store", sys.argv[1]]
        bare = None
        for name, command in commands.items():
            taken = seconds_of(command)
            median = statistics.median(taken)
            bare = bare or median
            print(f"{name:55} {median:6.2f} s ({min(taken):.2f} to {max(taken):.2f})   x{median / bare:.0f}")


if __name__ == "__main__":
    main()
