"""From a YAML or Python file, or the name of a shipped study, to a checked Study, with file and line in every error.

YAML is read by PyYAML's safe loader after three guards (size, encoding, aliases), then walked once more as a node
tree to learn on which line each value stands. Pydantic's error paths are mapped onto those lines.
"""

from __future__ import annotations

import re
import runpy
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from titrant.errors import Problem, StudyError
from titrant.study.declaration import listing, suggestion
from titrant.study.endpoints import VARIABLE_PATTERN
from titrant.study.meaning import check_meaning
from titrant.study.origins import ORIGIN_KINDS
from titrant.study.study import Study
from titrant.study.synthesis import PROBLEM_KINDS

MAX_STUDY_BYTES = 1_000_000
MAX_NODES = 50_000
MAX_DEPTH = 50

Path_ = tuple[str | int, ...]

_FORMS = {
    r"^[0-9a-f]{40}$": "is not a commit: give all its 40 hexadecimal digits, in small letters; a branch or a tag may "
    "mean something else tomorrow",
    r"^[0-9a-f]{64}$": "is not a digest of 64 hexadecimal digits, in small letters",
}
"""By pattern: what a text that does not have it is told."""


@dataclass(frozen=True)
class LoadedStudy:
    """A study together with where it stands: its file, its folder, and the line of each of its values."""

    study: Study
    file: Path
    lines: Mapping[Path_, int] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """The folder from which the study's relative paths are read."""
        return self.file.parent

    def where(self, *path: str | int) -> str:
        """`file:line` of a value in the study, or of the nearest value that holds it; a sweep holds what it makes."""
        if len(path) > 1 and path[0] in ("mixtures", "arms") and path[:2] not in self.lines:
            for name, sweep in self.study.sweeps.items():
                if path[1] in {f"{name}-{share:g}" for share in sweep.percent}:
                    return _where(self.file, self.lines, ("sweeps", name))
        return _where(self.file, self.lines, path)


def load_study(named: str | Path) -> Study:
    """The study in a YAML file, in a Python file that ends in a `Study`, or the shipped study of that name.

    Raises StudyError with every problem of the first ring of checks that finds any (shape, then meaning).
    """
    return open_study(named).study


def open_study(named: str | Path) -> LoadedStudy:
    """As `load_study`, and keeps the file and the line of each value for later messages."""
    file = find_study(named)
    loaded = _from_python(file) if file.suffix == ".py" else _from_yaml(file)
    problems = [Problem(message, loaded.where(*path)) for path, message in check_meaning(loaded.study)]
    if problems:
        raise StudyError(problems)
    return loaded


def find_study(named: str | Path) -> Path:
    """The file behind a path or the name of a shipped study."""
    path = Path(named)
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise StudyError(f"'{str(named)[:60]}…' cannot be a study file: {error.strerror}") from None
    shipped = {Path(str(entry)).stem: Path(str(entry)) for entry in _shipped_folder().glob("*.yaml")}
    if str(named) in shipped:
        return shipped[str(named)]
    if path.is_dir():
        raise StudyError(f"'{named}' is a folder: name the study file in it")
    raise StudyError(
        f"there is no study file '{named}' and no shipped study of that name{suggestion(str(named), shipped)}; "
        f"shipped: {listing(shipped)}"
    )


def _shipped_folder() -> Path:
    return Path(str(resources.files("titrant"))) / "studies"


def _from_python(file: Path) -> LoadedStudy:
    try:
        found = [value for value in runpy.run_path(str(file)).values() if isinstance(value, Study)]
    except StudyError:
        raise
    except ValidationError as error:
        raise StudyError(list(_translate(error, file, {}))) from None
    except Exception as error:
        where = f"{file}:{_line_in(error, file)}"
        raise StudyError(Problem(f"this Python file fails with {type(error).__name__}: {error}", where)) from None
    if not found:
        raise StudyError(Problem("this Python file defines no Study; end it with `study = Study(...)`", str(file)))
    return LoadedStudy(found[-1], file)


def _line_in(error: Exception, file: Path) -> int:
    """The last line of a file through which an exception went."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if frame.filename == str(file)), 1)


def _from_yaml(file: Path) -> LoadedStudy:
    text = _read_text(file)
    try:
        node = _compose(text, file)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        raise StudyError(Problem(f"this is not YAML: {error.problem}", where)) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        wrong = f"it holds the character U+{ord(text[error.position]):04X}, which YAML does not allow; delete it"
        raise StudyError(Problem(f"this is not YAML: {wrong}", f"{file}:{line}")) from None
    except RecursionError:
        raise StudyError(_too_deep(file)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise StudyError(Problem(f"this is not YAML: {error}", str(file))) from None
    if not isinstance(content, dict):
        raise StudyError(Problem("a study is a mapping of keys such as study, sources and arms", str(file)))
    lines, problems = _walk(node, file)
    if problems:
        raise StudyError(problems)
    try:
        return LoadedStudy(Study.model_validate(content), file, lines)
    except ValidationError as error:
        raise StudyError(sorted(_translate(error, file, lines), key=_line_of)) from None


def _read_text(file: Path) -> str:
    try:
        return _decoded(file)
    except OSError as error:
        raise StudyError(f"the study {file} cannot be read: {error.strerror}") from None


def _decoded(file: Path) -> str:
    size = file.stat().st_size
    if size > MAX_STUDY_BYTES:
        raise StudyError(
            Problem(
                f"a study of {size:,} bytes is not read: the limit is {MAX_STUDY_BYTES:,}. "
                "Data belong in files that the study names",
                str(file),
            )
        )
    content = file.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StudyError(
            Problem(
                f"byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8; save the study as UTF-8",
                f"{file}:{line}",
            )
        ) from None


def _compose(text: str, file: Path) -> yaml.Node:
    """The node tree of a study, refused if aliases would unfold it beyond MAX_NODES."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    if node is None:
        raise StudyError(Problem("this study is empty", str(file)))
    sizes: dict[int, int] = {}
    if _depth(node) > MAX_DEPTH:
        raise StudyError(_too_deep(file))
    if _unfolded_size(node, sizes, ()) > MAX_NODES:
        raise StudyError(
            Problem(f"its aliases unfold to more than {MAX_NODES:,} values; write the study out", str(file))
        )
    return node


def _too_deep(file: Path) -> Problem:
    return Problem(f"its values are nested more than {MAX_DEPTH} deep; a study needs no more than 10", str(file))


def _depth(node: yaml.Node) -> int:
    """How deep the text is nested, aliases not followed; counted up to just above MAX_DEPTH."""
    level, seen, depth = [node], {id(node)}, 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        below = {id(child): child for parent in level for child in _children(parent) if id(child) not in seen}
        seen |= below.keys()
        level = list(below.values())
    return depth


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _unfolded_size(node: yaml.Node, sizes: dict[int, int], above: tuple[int, ...]) -> int:
    if id(node) in above or len(above) > MAX_DEPTH:
        return MAX_NODES + 1
    if id(node) not in sizes:
        sizes[id(node)] = 1 + sum(_unfolded_size(child, sizes, (*above, id(node))) for child in _children(node))
    return sizes[id(node)]


def _walk(node: yaml.Node, file: Path) -> tuple[dict[Path_, int], list[Problem]]:
    """The line of every value by its path, and a problem for each key that stands twice in one mapping."""
    lines: dict[Path_, int] = {}
    problems: list[Problem] = []
    pending: list[tuple[yaml.Node, Path_]] = [(node, ())]
    while pending:
        node, path = pending.pop()
        lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            pending += [(child, (*path, index)) for index, child in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            first_line: dict[str, int] = {}
            for key, value in node.value:
                name, line = str(key.value), key.start_mark.line + 1
                if name in first_line:
                    what = {"arms": "two arms are", "sources": "two sources are"}.get(
                        str(path[-1]) if path else "", "two keys are"
                    )
                    problems.append(
                        Problem(
                            f"{what} named '{name}' (the first on line {first_line[name]}); rename or delete one",
                            f"{file}:{line}",
                        )
                    )
                first_line.setdefault(name, line)
                lines[(*path, name)] = line
                pending.append((value, (*path, name)))
    return lines, sorted(problems, key=_line_of)


def _translate(error: ValidationError, file: Path, lines: Mapping[Path_, int]) -> list[Problem]:
    problems: dict[str, Problem] = {}
    details = error.errors(include_url=False)
    for detail in details:
        inside = [
            other for other in details if other is not detail and other["loc"][: len(detail["loc"])] == detail["loc"]
        ]
        if detail["type"] == "too_short" and inside:
            continue  # a list whose only item is wrong is not also too short
        path = _known_path(detail["loc"], lines)
        key = detail.get("ctx", {}).get("key", ())
        path = _known_path(key if isinstance(key, tuple) else (key,), lines, path)
        problem = Problem(_sentence(detail, path), _where(file, lines, path))
        problems.setdefault(str(problem), problem)
    return list(problems.values())


def _sentence(detail: Any, path: Path_) -> str:
    place = ".".join(str(part) for part in path)
    kind, message = detail["type"], detail["msg"]
    if kind == "missing" and isinstance(detail["loc"][-1], int):
        return f"{place}: item {detail['loc'][-1] + 1} is missing; it has no default"
    if kind == "missing":
        return f"'{detail['loc'][-1]}' is missing from {place or 'the study'}; it has no default"
    message = message.removeprefix("Value error, ")
    if kind == "too_short":
        return f"{place}: it is empty; give at least {detail['ctx']['min_length']}"
    if kind == "too_long" and (count := detail["ctx"].get("actual_length")) is not None:
        return f"{place}: it has {count} items; give at most {detail['ctx']['max_length']}"
    if kind == "string_pattern_mismatch":
        return f"{place}: {_unlike(detail['input'], detail['ctx']['pattern'])}"
    for python, yaml_ in (("a valid tuple", "a list"), ("a valid dictionary", "a mapping"), ("valid string", "string")):
        message = message.replace(python, yaml_)
    message = re.sub(r"(a mapping) or instance of \w+", r"\1", message)
    message = message[0].lower() + message[1:] if message.startswith("Input") else message
    if message.startswith("input"):
        given = detail.get("input")
        shown = repr(given) if isinstance(given, (str, int, float, bool, type(None))) else type(given).__name__
        message = f"{message}, not {shown[:60]}"
    return f"{place}: {message}" if place else message


def _unlike(given: str, pattern: str) -> str:
    """What is wrong with a text that has another form than it must have. What may be a key is not repeated."""
    if pattern == VARIABLE_PATTERN:
        return (
            f"'{given[:3]}…' is not the name of an environment variable; name the one that holds the key, in letters, "
            "digits and _, such as MY_KEY: the key itself stands in no study"
        )
    wanted = _FORMS.get(pattern, f"is not of the form {pattern}")
    return f"{given[:60]!r} {wanted}"


def _known_path(location: Path_, lines: Mapping[Path_, int], path: Path_ = ()) -> Path_:
    """The longest path of the file along an error's location below `path`; tags of unions are passed over.

    The tag of an origin comes between its place in `from` and its field, and is the name of a field as well.
    """
    tags = (*ORIGIN_KINDS, *PROBLEM_KINDS)
    for at, part in enumerate(location):
        if part in tags and at > 1 and location[at - 2] == "from" and isinstance(location[at - 1], int):
            continue
        for candidate in (part, str(part)):
            if (*path, candidate) in lines:
                path = (*path, candidate)
                break
    return path


def _where(file: Path, lines: Mapping[Path_, int], path: Path_) -> str:
    while path and path not in lines:
        path = path[:-1]
    return f"{file}:{lines[path]}" if path in lines else str(file)


def _line_of(problem: Problem) -> int:
    tail = (problem.where or "").rpartition(":")[2]
    return int(tail) if tail.isdigit() else 0
