"""An endpoint on this machine that speaks OpenAI's chat protocol, and misbehaves as a script tells it.

A script is a function of the request's number (from 0) and its body; what it returns says what happens.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def completion(text: str | None = "fine", finish: str | None = "stop", **more: Any) -> bytes:
    """The body of a reply as the protocol has it; `message` and `usage` may be given."""
    message = more.pop("message", {"role": "assistant", "content": text})
    usage = more.pop("usage", {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12})
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"id": "1", "model": "small", "choices": [choice], "usage": usage} | more).encode()


@dataclass
class Answer:
    """What the server does with one request."""

    body: bytes = field(default_factory=completion)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    says_bytes: int | None = None
    """Content-Length, if not the true one; a larger one cuts the stream."""
    hangs: bool = False
    """Keep the connection and say nothing."""
    drips: bool = False
    """Send a byte now and then, for ever."""
    resets: bool = False
    """Close the connection with a reset before anything is sent."""
    raw: bytes | None = None
    """Sent instead of any HTTP."""
    endless: bool = False
    """A body without an end."""


Script = Callable[[int, dict[str, Any]], Answer]


class ScriptedEndpoint:
    """The server, and what it has seen."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.at_once = self.most_at_once = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()

    @property
    def num_requests(self) -> int:
        """How many have come in."""
        return len(self.bodies)


@contextmanager
def scripted_endpoint(script: Script) -> Iterator[ScriptedEndpoint]:
    """A server for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with endpoint.lock:
                number = len(endpoint.bodies)
                endpoint.bodies.append(body)
                endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
                endpoint.paths.append(self.path)
                endpoint.at_once += 1
                endpoint.most_at_once = max(endpoint.most_at_once, endpoint.at_once)
            try:
                self._act(script(number, body))
            except OSError:
                self.close_connection = True  # the client has gone, as it should
            finally:
                with endpoint.lock:
                    endpoint.at_once -= 1

        def _act(self, answer: Answer) -> None:
            if answer.hangs:
                endpoint.closing.wait(60)
                self.close_connection = True
                return
            if answer.resets:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            if answer.raw is not None:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            endless = answer.endless or answer.drips
            said = len(answer.body) if answer.says_bytes is None else answer.says_bytes
            self.send_header("Content-Length", str(10**12 if endless else said))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
            while endless and not endpoint.closing.is_set():
                self.wfile.write(b" " * (1 if answer.drips else 2**16))
                if answer.drips:
                    endpoint.closing.wait(0.02)
            self.close_connection = said != len(answer.body) or endless

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint = ScriptedEndpoint(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
