"""A process that asks is killed in the middle of it: what it had is not paid again, and counts as spent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from scripted_endpoint import Answer, completion, scripted_endpoint
from titrant.chat.budget import Budget
from titrant.chat.client import ChatClient
from titrant.chat.conversation import Conversation, Message
from titrant.chat.endpoint import Endpoint
from titrant.chat.kept_replies import KeptReplies
from titrant.study.tasks import Sampling

ASK = """
import sys
sys.path.insert(0, sys.argv[3])
from test_chat_killed import ask
ask(sys.argv[1], sys.argv[2])
"""
COUNT, AT_ONCE = 40, 3


def ask(url: str, folder: str) -> tuple[list[str], float]:
    budget = Budget(1e6, Path(folder) / "spent.jsonl")
    endpoint = Endpoint(url, "small", at_once=AT_ONCE, price_input=1e6, price_output=1e6)
    client = ChatClient(endpoint, kept=KeptReplies(Path(folder)), budget=budget)
    asked = [Conversation(str(i), (Message("user", f"item {i:03d}"),)) for i in range(COUNT)]
    return [reply.text for reply in client.ask(asked, Sampling(max_tokens=20))], budget.spent


def test_a_killed_process_pays_nothing_twice(tmp_path: Path):
    child: list[subprocess.Popen[bytes]] = []

    def script(number: int, body: dict[str, Any]) -> Answer:
        if number == 15:
            child[0].kill()
            child[0].wait()
        return Answer(completion(body["messages"][0]["content"]))

    with scripted_endpoint(script) as endpoint:
        arguments = [sys.executable, "-c", ASK, endpoint.url, str(tmp_path), str(Path(__file__).parent)]
        child.append(subprocess.Popen(arguments, stderr=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}))
        said = child[0].communicate()[1]
        assert child[0].returncode == -9, said
        before = endpoint.num_requests
        assert before >= 16
        texts, spent = ask(endpoint.url, str(tmp_path))
    assert texts == [f"item {i:03d}" for i in range(COUNT)]
    lost = endpoint.num_requests - COUNT
    assert 1 <= lost <= AT_ONCE  # no more than was under way when it died
    # what was under way counts as the most that it can have cost, unless its price had come in
    assert COUNT * 12 + lost * 12 <= spent <= COUNT * 12 + lost * 92
