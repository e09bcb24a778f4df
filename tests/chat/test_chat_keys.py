"""Keys are sent in a header, and seen nowhere else."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from test_chat_client import Client, echo

from scripted_endpoint import Answer, completion, scripted_endpoint
from titrant.errors import EngineError, StudyError

KEY = "sk/abc+def&<g>/0123"
ESCAPED = {
    "JSON, slashes": KEY.replace("/", "\\/"),
    "JSON, code points": KEY.replace("+", "\\u002b").replace("<", "\\u003C"),
    "JSON in JSON": json.dumps(json.dumps({"key": KEY.replace("/", "\\/")})),
    "Python": KEY.replace("/", "\\x2f"),
    "a URL": quote(KEY, safe=""),
    "a URL in a URL": quote(quote(KEY, safe="")),
    "a URL, lower case": quote(KEY, safe="").replace("%2F", "%2f"),
    "HTML": html.escape(KEY),
    "HTML, numbers": KEY.replace("/", "&#47;").replace("+", "&#x2B;"),
    "every character": "".join(f"\\u{ord(sign):04x}" for sign in KEY),
    "behind much white space": " " * 99_990 + KEY,
}


def test_keys_are_sent_and_nowhere_else_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JUDGE_KEY", "sk-secret-123\n")

    def script(number: int, body: dict[str, Any]) -> Answer:
        if number == 0:
            return Answer(completion("your key is sk-secret-123"))
        if number == 2:
            return Answer()  # to the plain question after a refusal
        return Answer(b"wrong key sk-secret-123", status=401 if number == 3 else 400)

    with scripted_endpoint(script) as endpoint:
        client = Client(endpoint, tmp_path, key_variable="JUDGE_KEY", at_once=1)
        replies = client.ask(1, 2)
        with pytest.raises(EngineError, match=r"wrong key \[key\]. Check the key in JUDGE_KEY"):
            client.ask(3)
    assert replies[0].text == "your key is [key]"
    assert replies[1].detail == "status 400: wrong key [key]"
    assert {headers["authorization"] for headers in endpoint.headers} == {"Bearer sk-secret-123"}
    assert "secret" not in json.dumps(endpoint.bodies) + "".join(p.read_text() for p in tmp_path.rglob("*.json"))


@pytest.mark.parametrize("kind", ESCAPED)
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_keys_are_blotted_out_however_they_are_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, status: int
):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    answer = Answer(f"no such key: '{ESCAPED[kind]}'!".encode(), status=status)
    said = r"no such key: '.*\[key\].*'!"
    with scripted_endpoint(lambda number, body: answer) as endpoint, pytest.raises(EngineError, match=said) as caught:
        Client(endpoint, tmp_path, key_variable="JUDGE_KEY", attempts=1).ask(1)
    assert "0123" not in str(caught.value)
    assert "sk" not in str(caught.value)


def test_a_body_of_nothing_but_escapes_is_searched_for_the_key_in_good_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    signs = (b"\\", b"&", b"%25", b"s\\", b"&#0", b"s")
    with scripted_endpoint(lambda number, body: Answer(signs[number] * 150_000, status=401)) as endpoint:
        for _ in signs:
            with pytest.raises(EngineError, match="answers 401"):
                Client(endpoint, tmp_path, key_variable="JUDGE_KEY").ask(1)


def test_a_key_that_is_missing_or_none_is_told_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with scripted_endpoint(echo) as endpoint:
        with pytest.raises(StudyError, match="environment variable JUDGE_KEY is not set"):
            Client(endpoint, tmp_path, key_variable="JUDGE_KEY")
        monkeypatch.setenv("JUDGE_KEY", "a\nb")
        with pytest.raises(StudyError, match="holds characters that no key has"):
            Client(endpoint, tmp_path, key_variable="JUDGE_KEY")
