"""One attempt: a request is sent, and whatever comes back becomes a reply, a reason to ask again, or a fault.

Servers answer rubbish, hang, drip a byte a minute, cut their streams, send bodies without end. So one limit holds for
the whole attempt, from connecting to the last byte; a body may have 16 MiB; and a reply counts only if its JSON has
the shape that the protocol says. Keys never leave this file but in the header: what a server echoes is blotted out.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html.entities import codepoint2name
from typing import TYPE_CHECKING, Any

from titrant.chat.conversation import Finish, Reply
from titrant.chat.endpoint import Endpoint
from titrant.errors import EngineError

if TYPE_CHECKING:
    import httpx2

MOST_BODY_BYTES = 16 * 2**20
_WAIT = (408, 409, 425, 429)
"""Answers below 500 that ask for patience."""
_THIS_REQUEST = (400, 413, 422)
"""Answers that blame the request and not the endpoint."""
_FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "filtered"}
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Again:
    """No reply, and reason to ask again."""

    why: str
    may_be_billed: bool
    after_seconds: float | None = None
    """What the endpoint asks for, at the least."""
    is_pace: bool = False
    """The endpoint works and is asked too much or too fast."""
    at_once: bool = False
    """There is nothing to wait for: the next request is another one."""


Outcome = Reply | Again


def new_client(endpoint: Endpoint) -> httpx2.AsyncClient:
    """A pool of connections. Raises EngineError if the library is missing, StudyError if the key is."""
    try:
        import httpx2
    except ImportError:
        raise EngineError(
            f"asking '{endpoint.model}' at {endpoint.url} needs the `httpx2` library: pip install 'titrant[judge]'"
        ) from None
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    if (key := endpoint.key()) is not None:
        headers["Authorization"] = f"Bearer {key}"
    return httpx2.AsyncClient(
        headers=headers,
        timeout=httpx2.Timeout(None),  # one limit for the attempt stands around it
        limits=httpx2.Limits(max_connections=endpoint.at_once, max_keepalive_connections=endpoint.at_once),
        follow_redirects=False,
        trust_env=not endpoint.is_on_this_machine,
        # plain HTTP needs no certificates, and loading them takes longer than a request: this context trusts none
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if endpoint.url.startswith("http:") else True,
    )


async def attempt(client: httpx2.AsyncClient, endpoint: Endpoint, body: dict[str, Any]) -> Outcome:
    """Send one request. Raises EngineError for an answer that no repetition will mend (a wrong key, model or path)."""
    import httpx2

    # a lone surrogate has no UTF-8; as an escape it travels
    content = json.dumps(body).encode()
    sent = client.build_request("POST", endpoint.completions_url, content=content)
    try:
        async with asyncio.timeout(endpoint.timeout_seconds):
            try:
                answered = await client.send(sent, stream=True)
                try:
                    text = await _body(answered)
                finally:
                    await answered.aclose()
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                return Again(
                    f"nobody answers at {endpoint.url} ({_excerpt(str(error), endpoint)})", may_be_billed=False
                )
    except TimeoutError:
        return Again(f"no whole answer in {endpoint.timeout_seconds:g} s", may_be_billed=True)
    except httpx2.HTTPError as error:
        said = _excerpt(str(error) or type(error).__name__, endpoint)
        return Again(f"the answer was cut or broken ({said})", may_be_billed=True)
    except _TooLargeError:
        return Again(f"the answer has more than {MOST_BODY_BYTES:,} bytes", may_be_billed=True)
    return _judged(answered, text, endpoint)


class _TooLargeError(Exception):
    pass


async def _body(answered: httpx2.Response) -> bytes:
    parts, size = [], 0
    async for part in answered.aiter_bytes():
        size += len(part)
        if size > MOST_BODY_BYTES:
            raise _TooLargeError
        parts.append(part)
    return b"".join(parts)


def _judged(answered: httpx2.Response, body: bytes, endpoint: Endpoint) -> Outcome:
    status, said = answered.status_code, _excerpt(body.decode("utf-8", "replace"), endpoint)
    if status == 200:
        return _reply(body, endpoint, said)
    if status == 429 and "insufficient_quota" in said:
        raise EngineError(f"{endpoint.url} answers 429 to '{endpoint.model}': {said}. Its account has no money left")
    if status in _WAIT or status >= 500:
        after = _retry_after(answered.headers.get("retry-after"), answered.headers.get("date"))
        is_pace = status == 429 or (status == 503 and after is not None)
        return Again(f"status {status}: {said}", may_be_billed=False, after_seconds=after, is_pace=is_pace)
    if status in _THIS_REQUEST:
        return Reply("", "refused", detail=f"status {status}: {said}")
    raise EngineError(f"{endpoint.url} answers {status} to '{endpoint.model}': {said}. {_advice(status, endpoint)}")


def _advice(status: int, endpoint: Endpoint) -> str:
    if status in (401, 403):
        held = f"the key in {endpoint.key_variable}" if endpoint.key_variable else "`key_variable`, which is not given"
        return f"Check {held}"
    if 300 <= status < 400:
        return "It points elsewhere: give the endpoint that it points to, for keys are sent nowhere else"
    return "Check `endpoint` (it mostly ends with /v1) and `model`"


def _reply(body: bytes, endpoint: Endpoint, said: str) -> Outcome:
    try:
        whole = json.loads(body)
        choice = whole["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        finish: Finish = _FINISHES.get(choice.get("finish_reason"), "other")
        if text is None and (refusal or finish == "filtered"):
            text, finish = "", "filtered"
        if not isinstance(text, str):
            raise TypeError
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return Again(f"status 200 with no reply in it: {said}", may_be_billed=True)
    usage = whole.get("usage")
    read, written = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    return Reply(
        text=_blot(_SURROGATES.sub("\ufffd", text), endpoint),
        finish=finish,
        prompt_tokens=read,
        completion_tokens=written,
        model=_excerpt(str(whole.get("model") or ""), endpoint),
        detail=_excerpt(refusal, endpoint) if isinstance(refusal, str) else "",
    )


def _count(usage: Any, name: str) -> int | None:
    found = usage.get(name) if isinstance(usage, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**40 else None


def _retry_after(given: str | None, now: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date beside the server's own."""
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        try:
            until = parsedate_to_datetime(given)
            at = parsedate_to_datetime(now) if now else datetime.now(UTC)
            seconds = (until - at).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _blot(text: str, endpoint: Endpoint) -> str:
    key = endpoint.key()
    return _written(key).sub("[key]", text) if key else text


@lru_cache(maxsize=16)
def _written(key: str) -> re.Pattern[str]:
    """The key in every way that a server may quote it: as it is, or with any of its characters escaped as in JSON, in
    a URL or in HTML, and that more than once. Repetitions are bounded, so that no body is searched for long."""
    return re.compile("".join(_ways(sign) for sign in key))


def _ways(sign: str) -> str:
    code = ord(sign)
    digits = "".join(f"[{digit}{digit.upper()}]" for digit in f"{code:02x}")
    named = f"|{name}" if (name := codepoint2name.get(code)) else ""
    escaped = rf"\\{{1,8}}(?:u00|x){digits}"
    in_html = f"&(?:amp;){{0,4}}(?:#0{{0,8}}{code}|#[xX]0{{0,8}}{digits}{named});"
    return rf"(?:\\{{0,8}}{re.escape(sign)}|{escaped}|%(?:25){{0,4}}{digits}|{in_html})"


def _excerpt(text: str, endpoint: Endpoint) -> str:
    """The first words of what a server said, on one line and printable, with no key in it."""
    # blotted before it is cut, which could leave the beginning of a key
    line = " ".join(_blot(_SURROGATES.sub("\ufffd", text), endpoint).split())
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in line[:300]).rstrip(".") or "nothing"
