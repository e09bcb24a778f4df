"""Identity: what a declaration says, as canonical JSON under BLAKE3, and never where it runs.

    fingerprint(job) = BLAKE3(canonical JSON of {kind, version, declaration, inputs: {role: fingerprint}})

Fields marked NOT_IDENTITY (paths) are left out: the content hash beside them stands in their place. Types are a closed
list; a value of any other type is refused, since its text might change between machines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from blake3 import blake3
from pydantic import BaseModel

from titrant.errors import StudyError
from titrant.study.judging import Judge
from titrant.study.mixture import Mixture
from titrant.study.model_filters import FilterModel
from titrant.study.phase import Arm
from titrant.study.synthesis import Teacher
from titrant.study.tasks import TaskData

_SPOKEN_SHORT = (Mixture, Arm)
"""Declarations that write themselves in their own short form."""


def identity_of(declared: BaseModel) -> dict[str, object]:
    """The declaration as plain data, keys as in YAML, without what is not identity.

    Raises StudyError for an unpinned path and TypeError for a value that has no canonical form.
    """
    plain = _plain(declared)
    assert isinstance(plain, dict)
    return plain


def fingerprint(kind: str, version: int, identity: Mapping[str, object], inputs: Mapping[str, str]) -> str:
    """64 hexadecimal digits that change if and only if one of the four does (key order does not count)."""
    return blake3(canonical({"kind": kind, "version": version, "declaration": identity, "inputs": inputs})).hexdigest()


def canonical(content: Mapping[str, object]) -> bytes:
    """Canonical JSON: sorted keys, no spaces, UTF-8, no NaN.

    >>> canonical({"b": 1, "a": [True, None, 0.5]})
    b'{"a":[true,null,0.5],"b":1}'
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


@lru_cache(maxsize=256)
def _fields(declaration: type[BaseModel]) -> tuple[tuple[str, str, object, object], ...]:
    """(attribute, key, whether it is identity, default) of every field; identity is True, False or when it is."""
    return tuple(
        (
            name,
            field.alias or name,
            field.json_schema_extra.get("identity", True) if isinstance(field.json_schema_extra, dict) else True,
            field.get_default(call_default_factory=True, validated_data={}),
        )
        for name, field in declaration.model_fields.items()
    )


def _lies_elsewhere(declared: BaseModel) -> bool:
    """Whether a name stands for the content, with a commit where there is one; a repository's `revision` may be a
    branch, which can move."""
    if isinstance(declared, TaskData):
        return declared.files is None and not Path(declared.dataset or "").is_absolute()
    if isinstance(declared, (Judge, Teacher)):
        return declared.endpoint is not None
    if not isinstance(declared, FilterModel):
        return False
    return declared.revision is not None and not Path(declared.model).is_absolute()


def _as_declared(value: object, default: object) -> object:
    """A number that equals its field's default, in the default's own type: 10000.0 in a study that was printed and
    loaded again is the 10000 that nobody wrote."""
    number = isinstance(value, float) and isinstance(default, int) and not isinstance(default, bool)
    return default if number and value == default else value


def _plain(value: object) -> object:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, _SPOKEN_SHORT):
        return value.model_dump(mode="json")
    if isinstance(value, BaseModel):
        fields = _fields(type(value))
        if getattr(value, "content", "") is None and not _lies_elsewhere(value):
            raise StudyError(
                f"{type(value).__name__} {value!r:.80} is not pinned: pin the study before planning, so that its "
                "content and not its path is its identity"
            )
        return {
            key: _plain(_as_declared(getattr(value, name), default))
            for name, key, counts, default in fields
            if counts is True
            or (counts == "if remote" and not Path(getattr(value, name) or "").is_absolute())
            or (counts == "unless default" and getattr(value, name) != default)
        }
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    raise TypeError(f"a value of type {type(value).__name__} has no canonical form; declare it as plain data")
