"""How a code task is asked: prompt, stop sequences and solved examples, read from lm-evaluation-harness as installed.

The harness's own HumanEval and MBPP cannot be opened without a network, and would run answers on the bare machine: its
Python helpers are never imported. Their declarations are read as data: the template of the prompt, the delimiters, the
stop sequences, and the list of solved examples.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from titrant.errors import EngineError, StudyError
from titrant.evaluate.harness.catalogue import check_version, task_file


@dataclass(frozen=True)
class Convention:
    """What stands before every problem and how a problem is put, as the harness has it."""

    template: str
    """Jinja over the columns of a row; empty where rows hold their prompt."""
    stop: tuple[str, ...]
    """An answer ends before the first of these."""
    shots: str
    """The solved examples, delimiter after each included."""

    def prompt(self, row: Mapping[str, Any]) -> str:
        """What a model is given for one row. Raises ValueError if the row lacks what the template names."""
        return self.shots + _rendered(self.template, row)


AS_IT_STANDS = Convention("", (), "")
"""Where every row holds its own prompt and stop sequences."""


def convention_of(name: str, shots: int | None) -> Convention:
    """The convention of the code task `name` with so many solved examples (null: as many as the harness has).

    Raises StudyError if there are not so many, EngineError if the harness is not installed.
    """
    if name not in ("humaneval", "mbpp"):
        if shots:
            raise StudyError(f"code task '{name}' has no solved examples; leave `shots` out or give 0")
        return AS_IT_STANDS
    check_version()
    path = task_file(name)
    declared = _declared(path)
    template, delimiter = str(declared["doc_to_text"]), str(declared.get("fewshot_delimiter", "\n\n"))
    wanted = int(declared.get("num_fewshot") or 0) if shots is None else shots
    examples = _examples(path.parent / "utils.py")
    if wanted > len(examples):
        has = f"{len(examples)} solved examples" if examples else "no solved examples"
        raise StudyError(f"code task '{name}' has {has}, and `shots` asks for {wanted}; give at most {len(examples)}")
    target = str(declared.get("target_delimiter", " "))
    solved = [
        _rendered(template, row) + target + _rendered(str(declared["doc_to_target"]), row) for row in examples[:wanted]
    ]
    stop = tuple(str(sequence) for sequence in declared["generation_kwargs"]["until"])
    return Convention(template, stop, "".join(text + delimiter for text in solved))


class _Loader(yaml.SafeLoader):
    """Reads a declaration of the harness; what its Python helpers would compute is left out."""


_Loader.add_multi_constructor("!function", lambda loader, suffix, node: None)


@lru_cache
def _declared(path: Path) -> dict[str, Any]:
    """The harness's declaration of a task, without what its Python helpers would make."""
    try:
        return dict(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))
    except (OSError, yaml.YAMLError) as error:
        raise EngineError(f"lm-evaluation-harness as installed declares a code task unreadably: {error}") from None


@lru_cache
def _examples(file: Path) -> Sequence[Mapping[str, Any]]:
    """The rows that `list_fewshot_samples` of the file returns, read and not run; none where there is no such."""
    if not file.is_file():
        return ()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == "list_fewshot_samples":
            returned = [line.value for line in node.body if isinstance(line, ast.Return) and line.value is not None]
            return tuple(ast.literal_eval(returned[0])) if returned else ()
    return ()


def _rendered(template: str, row: Mapping[str, Any]) -> str:
    from jinja2 import UndefinedError

    try:
        return str(_compiled(template).render(**row))
    except UndefinedError as error:
        raise ValueError(f"its prompt cannot be made: {error}") from None


@lru_cache
def _compiled(template: str) -> Any:
    import jinja2

    return jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True).from_string(template)
