"""A teacher behind an endpoint: what is asked, what is kept, what it costs, and every way in which it misbehaves."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from teacher_works import ask_teacher

from scripted_endpoint import Answer, completion, scripted_endpoint
from titrant.errors import EngineError, StudyError
from titrant.study.tasks import Sampling

GREEDY = Sampling(max_tokens=50)
DRAWN = Sampling(max_tokens=50, temperature=0.7, samples=3, seed=5)


def solution(body: dict[str, Any]) -> str:
    """The right answer to what `teacher_works` asks."""
    name = body["messages"][-1]["content"].partition("`")[2].partition("(")[0]
    form = "javascript" if "```javascript" in body["messages"][-1]["content"] else "python"
    if "Do not write a program" in body["messages"][-1]["content"]:
        return f"Add the number to x.\n\nWorked examples:\n{name}(1) = {1 + int(name[4:])}"
    program = f"def {name}(x):\n    return x + {name[4:]}" if form == "python" else f"const {name} = (x) => x;"
    return f"Here:\n```{form}\n{program}\n```"


def well(number: int, body: dict[str, Any]) -> Answer:
    return Answer(completion(solution(body)))


def test_every_problem_is_asked_in_every_form_as_often_as_declared(tmp_path: Path):
    told: list[str] = []
    forms = ("javascript", "python", "text")
    with scripted_endpoint(well) as endpoint:
        made, rows, _ = ask_teacher(
            tmp_path,
            2,
            forms,
            told=told,
            model="m",
            endpoint=endpoint.url,
            sampling=DRAWN,
            price_input=1e6,
            price_output=1e6,
        )
        bodies = endpoint.bodies
    assert [(row["problem"], row["form"], row["sample"]) for row in rows] == [
        (f"set-0/{number}", form, sample) for number in range(2) for form in forms for sample in range(3)
    ]
    by_form = {row["form"]: row for row in rows if row["problem"] == "set-0/1"}
    assert by_form["python"]["text"] == "def add_1(x):\n    return x + 1\n"
    assert by_form["javascript"]["text"] == "const add_1 = (x) => x;\n"
    assert by_form["text"]["text"].endswith("Worked examples:\nadd_1(1) = 2\n")
    assert made.replies == 18
    assert (made.empty, made.tokens_read, made.tokens_written, made.cost) == (0, 180, 36, 216.0)
    assert {row["cost"] for row in rows} == {12.0}
    sent = Counter(body["seed"] for body in bodies)
    assert dict.fromkeys({row["seed"] for row in rows}, 6) == sent  # what is written down is what was sent
    assert len(sent) == 3
    system, user = bodies[0]["messages"]
    assert {row["prompt"] for row in rows} == {
        f"{body['messages'][0]['content']}\n\n{body['messages'][1]['content']}" for body in bodies
    }
    assert "right for every input" in system["content"]
    assert "Write `add_" in user["content"]
    assert told[0].startswith("0/18 solutions 18 requests, about ")  # the cost, before anything is sent
    assert told[-1] == "18/18 solutions m"


def test_the_studys_own_instructions_stand_in_place_of_titrants(tmp_path: Path):
    with scripted_endpoint(well) as endpoint:
        _, rows, _ = ask_teacher(
            tmp_path, 1, model="m", endpoint=endpoint.url, sampling=GREEDY, instructions="You are a poet."
        )
        system, user = endpoint.bodies[0]["messages"]
    assert system["content"] == "You are a poet."
    assert "fenced with ```python" in user["content"]  # answers are read by it
    assert rows[0]["prompt"].startswith("You are a poet.\n\nWrite")
    assert rows[0]["seed"] == 0
    assert "seed" not in endpoint.bodies[0]


def test_without_prices_the_cost_is_unknown(tmp_path: Path):
    with scripted_endpoint(lambda n, body: Answer(completion(solution(body), usage=None))) as endpoint:
        made, rows, _ = ask_teacher(tmp_path, 2, model="m", endpoint=endpoint.url, sampling=GREEDY)
    assert made.cost is None
    assert math.isnan(rows[0]["cost"])
    assert rows[0]["tokens_read"] is None


EMPTY = {
    "rubbish": completion("%%% no idea %%%"),
    "empty code": completion("```python\n```"),
    "a refusal": completion("I cannot help with that."),
    "declined": completion(None, "stop", message={"role": "assistant", "content": None, "refusal": "no"}),
    "filtered": completion(None, "content_filter"),
    "cut": completion("```python\ndef add_0(x):\n    return (x +", "length"),
    "endless": completion("blah " * 100_000, "length"),
    "another function": completion("```python\ndef sub(x):\n    return x\n```"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_reply_without_a_program_is_counted_and_kept(tmp_path: Path, name: str):
    with scripted_endpoint(lambda n, body: Answer(EMPTY[name])) as endpoint:
        made, rows, _ = ask_teacher(tmp_path, 1, model="m", endpoint=endpoint.url, sampling=GREEDY)
    assert made.empty == 1
    assert rows[0]["text"] == ""
    expected = {"declined": "held back by the endpoint", "filtered": "held back by the endpoint"}
    expected |= {"cut": "length", "endless": "length"}
    assert rows[0]["ended"] == expected.get(name, "stop")


def test_a_refused_request_stands_alone_with_its_reason(tmp_path: Path):
    def script(number: int, body: dict[str, Any]) -> Answer:
        if "add_1(" in body["messages"][-1]["content"]:
            return Answer(b'{"error": "too long"}', status=400)
        return well(number, body)

    with scripted_endpoint(script) as endpoint:
        made, rows, _ = ask_teacher(tmp_path, 3, model="m", endpoint=endpoint.url, sampling=GREEDY)
    assert made.empty == 1
    assert [row["ended"] for row in rows] == ["stop", 'status 400: {"error": "too long"}', "stop"]


FAULTS = {
    "429": Answer(b"slow down", status=429, headers={"Retry-After": "0.01"}),
    "500": Answer(b"oops", status=500),
    "cut stream": Answer(completion()[:30], says_bytes=900),
    "wrong JSON": Answer(b'{"choices": 7}'),
    "no JSON": Answer(b"<html>"),
    "hangs": Answer(hangs=True),
    "endless body": Answer(endless=True),
    "reset": Answer(resets=True),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_now_and_then_changes_nothing(tmp_path: Path, name: str):
    """Every second request meets it: the same bytes as from an endpoint that works."""
    with scripted_endpoint(well) as endpoint:
        _, _, expected = ask_teacher(tmp_path / "well", 3, model="m", endpoint=endpoint.url, sampling=GREEDY)
    with scripted_endpoint(lambda n, body: FAULTS[name] if n % 2 == 0 else well(n, body)) as endpoint:
        _, _, found = ask_teacher(
            tmp_path / "faulty",
            3,
            model="m",
            endpoint=endpoint.url,
            sampling=GREEDY,
            timeout_seconds=0.3,
            requests_at_once=1,
        )
        assert endpoint.num_requests == 6
    assert found == expected


def test_a_fault_for_ever_is_one_error_that_names_it(tmp_path: Path):
    with (
        scripted_endpoint(lambda n, body: FAULTS["500"]) as endpoint,
        pytest.raises(EngineError, match=r"'m' at .* gave no reply to conversation 'set-0/0, python, 0' in 2 attempts"),
    ):
        ask_teacher(tmp_path, 1, attempts=2, model="m", endpoint=endpoint.url, sampling=GREEDY)


def test_the_budget_stops_before_it_is_passed_and_more_money_goes_on(tmp_path: Path):
    """A reply costs 2, and may cost 50: after some there is no room for another."""
    with scripted_endpoint(well) as endpoint:
        given = {"model": "m", "endpoint": endpoint.url, "sampling": GREEDY, "requests_at_once": 1}
        prices = {"price_input": 1.0, "price_output": 1e6}
        with pytest.raises(StudyError, match="`most_cost` 60 is reached") as error:
            ask_teacher(tmp_path, 40, **given, **prices, most_cost=60)
        assert "is not paid again" in str(error.value)
        first = endpoint.num_requests
        assert 0 < first < 40
        made, _, _ = ask_teacher(tmp_path, 40, **given, **prices, most_cost=200)
        assert endpoint.num_requests == 40
    assert made.empty == 0
    assert made.cost == pytest.approx(80, rel=0.01)


def test_a_budget_that_cannot_suffice_asks_nothing(tmp_path: Path):
    with scripted_endpoint(well) as endpoint:
        with pytest.raises(StudyError, match="cannot be enough: 4 requests"):
            ask_teacher(
                tmp_path,
                4,
                model="m",
                endpoint=endpoint.url,
                sampling=GREEDY,
                price_input=1e6,
                price_output=1,
                most_cost=1,
            )
        assert endpoint.num_requests == 0


ASK = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from teacher_works import ask_teacher
from test_teacher_stage import DRAWN
ask_teacher(Path(sys.argv[1]), 10, model="m", endpoint=sys.argv[2], sampling=DRAWN, requests_at_once=1)
"""


def test_a_kill_in_the_middle_asks_nothing_twice(tmp_path: Path):
    child: list[subprocess.Popen[bytes]] = []

    def script(number: int, body: dict[str, Any]) -> Answer:
        if number == 12:
            child[0].kill()
            child[0].wait()
        return well(number, body)

    with scripted_endpoint(script) as endpoint:
        here = Path(__file__).parent
        arguments = [sys.executable, "-c", ASK, str(tmp_path), endpoint.url, str(here), str(here.parent)]
        child.append(subprocess.Popen(arguments, stderr=subprocess.PIPE))
        said = child[0].communicate()[1]
        assert child[0].returncode == -9, said
        _, rows, found = ask_teacher(tmp_path, 10, model="m", endpoint=endpoint.url, sampling=DRAWN, requests_at_once=1)
        asked = Counter(str((body["messages"], body["seed"])) for body in endpoint.bodies)
        assert len(asked) == 30
        assert sum(asked.values()) - len(asked) <= 1  # the one that was under way when it died
        _, _, again = ask_teacher(tmp_path, 10, model="m", endpoint=endpoint.url, sampling=DRAWN)
        assert sum(asked.values()) == endpoint.num_requests
    assert again == found
    assert all(row["text"] for row in rows)
