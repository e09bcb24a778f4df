"""Where a model answers, how fast it may be asked, and what it costs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from titrant.errors import StudyError

PATH = "/chat/completions"


@dataclass(frozen=True)
class Endpoint:
    """A model behind a URL that speaks OpenAI's chat protocol."""

    url: str
    """Such as `https://api.openai.com/v1` or `http://localhost:8000/v1`; a query is kept."""
    model: str
    key_variable: str | None = None
    """Name of the environment variable that holds the key; None: none is sent."""
    requests_per_minute: float | None = None
    at_once: int = 4
    """Requests under way at a time."""
    timeout_seconds: float = 120.0
    """For one attempt from its first to its last byte, however slowly they drip."""
    price_input: float = 0.0
    """Of a million tokens read."""
    price_output: float = 0.0
    """Of a million tokens written."""

    @property
    def completions_url(self) -> str:
        """Where requests are sent. Raises StudyError for a URL that cannot be one or that holds a password."""
        try:
            parts = urlsplit(self.url)
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError:
            raise StudyError(f"endpoint '{self.url}' is no URL; give one like http://localhost:8000/v1") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
            raise StudyError(f"endpoint '{self.url}' is no URL; give one like http://localhost:8000/v1")
        if parts.username or parts.password:
            raise StudyError(
                f"the endpoint of '{self.model}' holds a user name or password; keys stand in no study: put it into an "
                "environment variable and name that as `key_variable`"
            )
        path = parts.path.rstrip("/").removesuffix(PATH) + PATH
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))

    @property
    def is_on_this_machine(self) -> bool:
        """Whether it is a loopback address, for which no proxy is asked."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    def key(self) -> str | None:
        """The key, from the environment. Raises StudyError if the variable is named and holds none."""
        if self.key_variable is None:
            return None
        key = os.environ.get(self.key_variable, "").strip()
        if not key:
            raise StudyError(
                f"model '{self.model}' at {self.url} needs a key, and the environment variable {self.key_variable} is "
                f"not set; set it (export {self.key_variable}=...)"
            )
        if not key.isascii() or not key.isprintable():
            raise StudyError(f"the key in {self.key_variable} holds characters that no key has; set it again")
        return key

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.price_input + completion_tokens * self.price_output) / 1e6
