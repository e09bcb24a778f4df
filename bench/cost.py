"""Predicted against actual: a shipped study in a fresh store, as `titrant run` predicts it and as it comes out.

Prints a table by kind of job and for the whole, in wall time and in CPU time. CPU time tells more on a machine that
does other work meanwhile: the prediction in CPU time rests on the CPU time of the calibration's own processes.

    python bench/cost.py --times 3
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def run_once(study: str, folder: Path) -> dict[str, Any]:
    """Run a study with a calibration of its own in an empty store and give back its cost.json."""
    begun = time.monotonic()
    load = os.getloadavg()[0]
    done = subprocess.run(
        [sys.executable, "-m", "titrant", "run", study, "--store", str(folder / "store"), "--calibrate"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    told = [line for line in done.stderr.splitlines() if line.startswith(("time:", "other work"))]
    print(
        f"load {load:.1f} before, {os.getloadavg()[0]:.1f} after; {time.monotonic() - begun:.0f} s with the calibration"
    )
    print("\n".join(told))
    (cost,) = (folder / "store" / "studies").glob("*/cost.json")
    content: dict[str, Any] = json.loads(cost.read_bytes())
    return content


def show(cost: dict[str, Any]) -> None:
    """A table of predicted, actual and their ratio."""
    print(f"{'jobs':24}{'done':>6}{'predicted':>11}{'actual':>9}{'ratio':>7}{'CPU pred.':>11}{'CPU':>9}{'ratio':>7}")
    for entry in (*cost["kinds"], cost["whole"]):
        cpu_before, cpu = entry["predicted_cpu_seconds"], entry["cpu_seconds"]
        cells = (entry["predicted_seconds"], entry["seconds"], entry["ratio"], cpu_before, cpu)
        ratio = cpu / cpu_before if cpu and cpu_before else None
        words = ["-" if cell is None else f"{cell:.2f}" for cell in (*cells, ratio)]
        widths = (11, 9, 7, 11, 9, 7)
        print(
            f"{entry['kind']:24}{entry['jobs']:>6}" + "".join(f"{w:>{n}}" for w, n in zip(words, widths, strict=True))
        )
    print(flush=True)


def main() -> None:
    """Run it so many times, each in a store and with a calibration of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", nargs="?", default="quickstart")
    parser.add_argument("--times", type=int, default=1)
    asked = parser.parse_args()
    for _ in range(asked.times):
        with tempfile.TemporaryDirectory(prefix="titrant-cost-") as folder:
            show(run_once(asked.study, Path(folder)))


if __name__ == "__main__":
    main()
