"""Endpoints: URLs at which models answer, refused where nothing could."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError


def _check_endpoint(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
        parts = urlsplit("")
    is_clean = url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid or not is_clean:
        raise PydanticCustomError(
            "endpoint",
            "endpoint '{url}' is no URL at which something answers; give one like http://localhost:8000/v1",
            {"url": url[:100].encode("ascii", "backslashreplace").decode()},
        )
    if parts.username or parts.password:
        raise PydanticCustomError(
            "endpoint",
            "the endpoint holds a user name or password; keys stand in no study: put it into an environment variable "
            "and name that as `key_variable`",
            {},
        )
    return url


Endpoint = Annotated[str, AfterValidator(_check_endpoint)]
"""A URL of http or https, without user name or password."""

VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
"""What the name of the environment variable that holds a key looks like."""
