"""Replies kept on disk, so that nothing is paid twice: also after a kill, and by every study of a user.

One file a reply, `KEY[:2]/KEY.json`, published whole: written beside its place, synced, then renamed. The key is the
BLAKE3 of the request in canonical JSON: endpoint, model, messages, all that decides how a reply is drawn, and which
sample it is. What lies under a key but answers another request, or cannot be read, is no reply: it is asked for again.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from blake3 import blake3

from titrant.cache import shared_cache
from titrant.chat.conversation import FINISHES, Conversation, Reply
from titrant.chat.endpoint import Endpoint
from titrant.errors import StoreError
from titrant.study.tasks import Sampling

FORMAT = 1
"""Of the request as it is kept; another one keeps nothing from before."""

Request = dict[str, Any]


def request_of(endpoint: Endpoint, conversation: Conversation, sampling: Sampling, stop: tuple[str, ...]) -> Request:
    """All that decides a reply, and nothing else: no key, no price, no pace."""
    return {
        "format": FORMAT,
        "url": endpoint.completions_url,
        "model": endpoint.model,
        "messages": [asdict(message) for message in conversation.messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "stop": list(stop),
        "seed": sampling.seed,
        "sample": conversation.sample,
    }


def key_of(request: Request) -> str:
    """The name under which a reply is kept: 64 hex digits."""
    return blake3(json.dumps(request, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class KeptReplies:
    """A folder of replies. Several processes may use it at once."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is `$TITRANT_CACHE/chat` (or `~/.cache/titrant/chat`) unless it is given."""
        self.folder = folder or shared_cache("chat")

    def read(self, key: str, request: Request) -> Reply | None:
        """The reply to this request, if one is kept."""
        try:
            kept = json.loads(self._place(key).read_bytes())
            if kept["request"] != request or kept["reply"]["finish"] not in FINISHES:
                return None
            return Reply(**kept["reply"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def write(self, key: str, request: Request, reply: Reply) -> None:
        """Keep a reply. Raises StoreError where that fails: what is paid for must not be lost quietly."""
        place = self._place(key)
        content = json.dumps({"request": request, "reply": asdict(reply)}, indent=1).encode()
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".", delete=False) as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(stream.name).replace(place)
        except OSError as error:
            raise StoreError(
                f"a reply cannot be kept in {place.parent}: {error}; make room or set TITRANT_CACHE to another folder"
            ) from None

    def _place(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
