"""The one base of all declarations: frozen, unknown keys refused by name, documented by the string under a field."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, model_validator
from pydantic_core import PydanticCustomError

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 ._+>=%-]*$"


class Declaration(BaseModel):
    """What a study says, and nothing that happens. Two declarations are equal when they say the same."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, populate_by_name=True
    )

    key_hints: ClassVar[Mapping[str, str]] = {}
    """What to do instead, for keys that people write here and that mean something elsewhere or under another name."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_halves_of_characters(cls, given: Any) -> Any:
        for key, value in given.items() if isinstance(given, Mapping) else ():
            for text in (key, value):
                if isinstance(text, str) and not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
                    raise PydanticCustomError(
                        "surrogate",
                        "this text holds half a character (a lone surrogate), which no file can hold; write it anew",
                        {"key": str(key).encode("ascii", "backslashreplace").decode()},
                    )
        return given

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        known = {field.alias or name for name, field in cls.model_fields.items()} | set(cls.model_fields)
        for key in given:
            if key not in known:
                raise PydanticCustomError(
                    "unknown_key",
                    "unknown key '{key}'{hint}; allowed here: {allowed}",
                    {
                        "key": str(key),
                        "hint": f": {hint}" if (hint := cls.key_hints.get(str(key))) else suggestion(str(key), known),
                        "allowed": listing(f.alias or n for n, f in cls.model_fields.items()),
                    },
                )
        return given


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """ ", did you mean 'x'?" for the nearest known name, or nothing if none is near."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f", did you mean '{near[0]}'?" if near else ""


def listing(names: Iterable[str]) -> str:
    """Names in quotes, sorted, separated by commas: the way every message lists what is allowed."""
    return ", ".join(f"'{name}'" for name in sorted(names))


def _check_name(name: str) -> str:
    if not re.match(NAME_PATTERN, name) or len(name) > 60:
        raise PydanticCustomError(
            "name",
            "'{name}' is not a name: use 1 to 60 letters, digits, spaces and . _ + > = % -, beginning with a "
            "letter or digit",
            {"name": name[:80]},
        )
    return name


NOT_IDENTITY: dict[str, JsonValue] = {"identity": False}
"""Marks a field (as `json_schema_extra`) that says where something lies and not what it is: never in a fingerprint."""

IDENTITY_IF_REMOTE: dict[str, JsonValue] = {"identity": "if remote"}
"""Marks a name that is identity, unless it is an absolute path: then the revision beside it says what lies there."""

IDENTITY_UNLESS_DEFAULT: dict[str, JsonValue] = {"identity": "unless default"}
"""Marks a field added later: where it says what was always done, it is in no fingerprint, and nothing is made again."""

Name = Annotated[str, AfterValidator(_check_name)]
