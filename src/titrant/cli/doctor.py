"""`titrant doctor`: what this machine can do, and what is missing for what."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from titrant.cli.opened import make_console
from titrant.errors import EngineError, StoreError
from titrant.execute.lock import holder_of, is_held
from titrant.execute.machine import available_memory_bytes, default_workers, processor_name, usable_cores
from titrant.execute.store import open_store, trouble_to_come

OPTIONAL = {
    "gigatoken": ("fast", "encoding documents several times faster; without it `tokenizers` does it"),
    "datasets": ("hub", "sources from the Hugging Face hub"),
    "lm_eval": (
        "suites",
        "tasks of lm-evaluation-harness, and HumanEval and MBPP, also to keep them out of a synthesis",
    ),
    "httpx2": ("judge", "judges and teachers behind an endpoint"),
    "crosshair": ("contracts", "symbolic execution of contracts of verified solutions"),
    "altair": ("report", "figures drawn as PNG"),
    "vl_convert": ("report", "figures drawn as PNG"),
    "py7zr": ("archives", "sources inside 7z archives"),
    "daft": ("cluster", "data stages on a Ray cluster"),
    "tensorboard": ("trackers", "training shown in TensorBoard"),
    "wandb": ("trackers", "training shown in Weights & Biases"),
    "mlflow": ("trackers", "training shown in MLflow"),
    "trackio": ("trackers", "training shown in Trackio"),
}
"""By module: the extra that brings it, and what it is for."""

PIP_SECONDS = 10

Row = tuple[str, str, str]
"""Mark (`ok`, `--`, `!!`), what, and how it is."""


def examine(root: Path) -> None:
    """Print one line a finding; never fails because something is missing."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for row in (*_machine(root), *_torch(), *_sandbox(), *_optional(), *_packages()):
        table.add_row(*row, style={"ok": "", "--": "dim", "!!": "red"}[row[0]])
    make_console().print(table)


def _machine(root: Path) -> Iterator[Row]:
    old = sys.version_info < (3, 11)
    yield "!!" if old else "ok", "python", f"{platform.python_version()} at {sys.executable}"
    yield "ok", "processor", f"{processor_name()}, {usable_cores()} usable cores"
    memory = available_memory_bytes()
    yield "ok", "memory", f"{memory / 1e9:.1f} GB free" if memory is not None else "not known"
    yield "ok", "workers", f"{default_workers()} jobs at once"
    try:
        open_store(root, create=False)
        trouble = trouble_to_come(root)
    except StoreError as error:
        trouble = str(error)
    if trouble is not None:
        yield "!!", "store", trouble
        return
    place = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    yield "!!" if free < 2e9 else "ok", "disk", f"{free / 1e9:.1f} GB free for the store {root.absolute()}"
    lock = root / "lock"
    if is_held(lock):
        yield "--", "store", f"in use by {holder_of(lock)}"


def _torch() -> Iterator[Row]:
    """torch itself is asked, because files do not know whether a driver works."""
    try:
        import torch
    except ImportError as error:
        yield "!!", "torch", f"cannot be imported ({error}); needed for training: pip install torch"
        return
    yield "ok", "torch", str(torch.__version__)
    yield _cpu_bfloat16(torch.backends.cpu.get_cpu_capability())
    if not torch.cuda.is_available():
        built = f"built for CUDA {torch.version.cuda}, but no GPU is usable" if torch.version.cuda else "a CPU build"
        yield "--", "CUDA", f"none ({built}); training runs on the cores"
        return
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        yield "ok", f"CUDA {index}", f"{found.name}, {found.total_memory / 1e9:.1f} GB"


def _cpu_bfloat16(capability: str) -> Row:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        flags = ""
    native = [name for name in ("amx_bf16", "avx512_bf16", "bf16") if name in flags]
    words = f"native ({', '.join(native)})" if native else "emulated: float32 is faster on this processor"
    return "ok" if native else "--", "bfloat16 on the CPU", f"{words}; {capability}"


def _sandbox() -> Iterator[Row]:
    """What holds generated programs here, tried and not guessed, and the languages that can be run."""
    from titrant.sandbox import languages, open_sandbox

    try:
        with open_sandbox(processes=1) as sandbox:
            yield "ok", "sandbox", f"{sandbox.tier} holds generated programs"
    except EngineError as error:
        yield "--", "sandbox", f"code tasks cannot be run: {error}"
        return
    known = languages()
    missing = [name for name, there in known.items() if not there]
    told = f"; not installed: {', '.join(missing)}" if missing else ""
    yield "ok", "languages", f"{', '.join(name for name, there in known.items() if there)}{told}"


def _optional() -> Iterator[Row]:
    for module, (extra, purpose) in OPTIONAL.items():
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:  # a folder of that name, such as trackers leave behind, is no package
            yield "--", module, f"not installed: {purpose}. python -m pip install 'titrant[{extra}]'"
            continue
        yield "ok", module, f"{_version(module)}: {purpose}"
    git = shutil.which("git")
    yield "ok" if git else "--", "git", f"{git or 'not installed'}: sources that are git repositories"


def _version(module: str) -> str:
    names = importlib.metadata.packages_distributions().get(module, [module])
    return importlib.metadata.version(names[0])


def _packages() -> Iterator[Row]:
    """Whether sources that are packages can be had: from the cache, or through pip."""
    from titrant.wheels import cache_folder

    wheels = sorted(cache_folder().glob("*.whl"))
    size = sum(wheel.stat().st_size for wheel in wheels)
    yield "ok" if wheels else "--", "cached wheels", f"{len(wheels)}, {size / 1e6:.0f} MB in {cache_folder()}"
    # titrant's smallest dependency stands for all; nothing is installed
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "click"]
    try:
        done = subprocess.run(
            [*command, "--quiet", "--no-input", "--retries", "0", "--timeout", "5", "--disable-pip-version-check"],
            capture_output=True,
            text=True,
            timeout=PIP_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        reached = done.returncode == 0
    except (subprocess.TimeoutExpired, OSError):
        reached = False
    yield (
        ("ok", "pip", "reaches its index")
        if reached
        else ("--", "pip", "does not reach an index: package sources must be in the cache already")
    )
