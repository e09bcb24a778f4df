"""Languages of whole programs: how a source is completed, compiled and run, and what must be installed.

Each source is completed by a statement that prints a random word after its last one: a program passes only if it ends
with exit code 0 and that word. Names are those of the MultiPL-E benchmarks (Cassano et al. 2023), for which this is
meant.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from titrant.errors import EngineError
from titrant.sandbox.tiers import interpreter
from titrant.study.declaration import listing
from titrant.study.limits import Limits

MOST_PROCESSES = 256
"""Processes and threads of a whole program."""
COMPILE_SECONDS, COMPILE_BYTES = 60.0, 2 * 2**30
"""What a compiler may use. It is no part of a program's limits."""


@dataclass(frozen=True)
class Language:
    """One language. In commands, `{memory}` stands for the program's memory in MiB, `{main}` for its main class."""

    file: str
    run: tuple[str, ...]
    complete: Callable[[str, str], str]
    """The source and the word: the source that prints the word last."""
    trial: str
    """A right program."""
    install: str
    """Debian's package."""
    compile: tuple[str, ...] = ()
    bounded: bool = True
    """Whether memory is bounded by address space; else what is held is watched."""
    folders: Callable[[], tuple[str, ...]] = field(default=tuple)
    """Folders beside the system's that it must see."""
    executable: Callable[[str], str | None] = shutil.which


def _last(statement: str) -> Callable[[str, str], str]:
    """Complete by a statement at the end."""
    return lambda source, word: f"{source}\n{statement.format(word=word)}\n"


def _before_brace(statement: str, braces: int = 1) -> Callable[[str, str], str]:
    """Complete by a statement before the last closing brace, or the one before it: the end of the main function."""

    def complete(source: str, word: str) -> str:
        at = len(source)
        for _ in range(braces):
            at = source.rfind("}", 0, at)
            if at < 0:
                return source
        return f"{source[:at]}\n{statement.format(word=word)}\n{source[at:]}"

    return complete


@functools.cache
def _rust_folder() -> tuple[str, ...]:
    """Where the compiler lies that a launcher in a home folder starts."""
    if (found := shutil.which("rustc")) is None or found.startswith("/usr/"):
        return ()
    asked = subprocess.run([found, "--print", "sysroot"], capture_output=True, text=True)
    return (asked.stdout.strip(),) if asked.returncode == 0 and Path(asked.stdout.strip()).is_dir() else ()


def _rustc(name: str) -> str | None:
    folders = _rust_folder()
    return str(Path(folders[0], "bin", name)) if folders else shutil.which(name)


LANGUAGES: dict[str, Language] = {
    "cpp": Language(
        file="main.cpp",
        compile=("g++", "-std=c++17", "-o", "main", "main.cpp"),
        run=("./main",),
        complete=_before_brace('__builtin_puts("\\n{word}");'),
        trial="#include <cassert>\nint main() {\n  assert(1 + 1 == 2);\n}\n",
        install="g++",
    ),
    "java": Language(
        file="Main.java",
        compile=("javac", "-J-Xmx512m", "-J-XX:+UseSerialGC", "-J-XX:-UsePerfData", "-d", ".", "Main.java"),
        run=("java", "-ea", "-Xmx{memory}m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", ".", "{main}"),
        complete=_before_brace('System.out.println("\\n{word}");', braces=2),
        trial="class Problem {\n  public static void main(String[] args) {\n    assert 1 + 1 == 2;\n  }\n}\n",
        install="default-jdk-headless",
        bounded=False,
    ),
    "js": Language(
        file="main.js",
        run=("node", "--max-old-space-size={memory}", "main.js"),
        complete=_last('console.log("\\n{word}");'),
        trial="require('node:assert').deepEqual(1 + 1, 2);\n",
        install="nodejs",
        bounded=False,
    ),
    "pl": Language(
        file="main.pl",
        run=("perl", "main.pl"),
        complete=_last('print "\\n{word}\\n";'),
        trial="use strict;\ndie unless 1 + 1 == 2;\n",
        install="perl",
    ),
    "py": Language(
        file="main.py",
        run=("python3", "-I", "main.py"),
        complete=_last('print("\\n{word}")'),
        trial="assert 1 + 1 == 2\n",
        install="python3",
        executable=lambda name: interpreter(),
    ),
    "rs": Language(
        file="main.rs",
        compile=("rustc", "--edition", "2021", "-o", "main", "main.rs"),
        run=("./main",),
        complete=_before_brace('println!("\\n{word}");'),
        trial="fn main() {\n    assert_eq!(1 + 1, 2);\n}\n",
        install="rustc",
        folders=_rust_folder,
        executable=_rustc,
    ),
    "sh": Language(
        file="main.sh",
        run=("bash", "main.sh"),
        complete=_last("printf '\\n%s\\n' {word}"),
        trial='set -e\n[[ "$((1 + 1))" = 2 ]]\n',
        install="bash",
    ),
}


def languages() -> dict[str, bool]:
    """The names of all languages, and whether what they need is installed here."""
    return {name: all(map(found.executable, _needs(found))) for name, found in LANGUAGES.items()}


def language_named(name: str) -> Language:
    """A language whose programs are installed. Raises EngineError that says what is missing or allowed."""
    found = LANGUAGES.get(name)
    if found is None:
        raise EngineError(f"programs in '{name}' cannot be executed; languages known here: {listing(LANGUAGES)}")
    for program in _needs(found):
        if found.executable(program) is None:
            raise EngineError(
                f"programs in '{name}' need {program}, which is not installed; install it (on Debian: `apt install "
                f"{found.install}`), or leave the language out"
            )
    return found


def program_frames(
    name: str, source: str, stdin: str, word: str, limits: Limits
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a slot is asked, and the files of the program."""
    found = language_named(name)
    steps = []
    if found.compile:
        steps.append(_step("compile", found, found.compile, source, COMPILE_SECONDS, COMPILE_BYTES, bounded=False))
    steps.append(_step("run", found, found.run, source, limits.cpu_seconds, limits.memory_bytes, bounded=found.bounded))
    asked = {"kind": "program", **limits.model_dump(), "steps": steps, "num_processes": MOST_PROCESSES}
    return asked, {"files": {found.file: found.complete(source, word), ".stdin": stdin}}


def _needs(found: Language) -> list[str]:
    return [command[0] for command in (found.compile, found.run) if command and not command[0].startswith("./")]


def _step(
    name: str, found: Language, command: tuple[str, ...], source: str, seconds: float, memory: int, *, bounded: bool
) -> dict[str, Any]:
    program, *arguments = (part.format(memory=memory // 2**20, main=_main_class(source)) for part in command)
    return {
        "name": name,
        "command": [program if program.startswith("./") else found.executable(program), *arguments],
        "cpu_seconds": seconds,
        "memory_bytes": memory,
        "bounded": bounded,
        "environment": {"MALLOC_ARENA_MAX": "1", "OPENSSL_CONF": "/dev/null"},
        "stdin": ".stdin" if name == "run" else "/dev/null",
    }


def _main_class(source: str) -> str:
    """Java: the class that holds the main method, `Main` if there is none."""
    before = source.partition("void main(")[0]
    names = re.findall(r"\bclass\s+([A-Za-z_]\w*)", before)
    return names[-1] if names else "Main"
