"""What judging will cost, from the study alone; and that the room needs no torch for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from titrant.chat.forecast import PROMPT_BYTES, QUESTION_BYTES, judging_forecast
from titrant.evaluate.judging.protocol import Pair, question
from titrant.study.judging import Judge, Judging
from titrant.study.tasks import Sampling


def test_the_forecast_counts_both_orders_of_every_judge_behind_an_endpoint():
    dear = Judge(model="dear", endpoint="http://a/v1", price_input=2.0, price_output=8.0, max_tokens=100)
    free = Judge(model="free", endpoint="http://b/v1")
    local = Judge(model="local", hugging_face="/models/judge")
    found = judging_forecast(Judging(judges=(dear, free, local), items=50, sampling=Sampling(max_tokens=64)))
    assert found is not None
    assert found.requests == 2 * 2 * 50
    read = (QUESTION_BYTES + PROMPT_BYTES) // 4 + 2 * 64 + 128
    assert found.likely == pytest.approx(100 * (read * 2.0 + 100 * 8.0) / 1e6, rel=0.01)
    assert judging_forecast(Judging(judges=(local,), items=50)).likely == 0.0
    assert judging_forecast(Judging(judges=(dear,), items=None)) is None


def test_a_question_is_no_longer_than_the_forecast_takes_it_to_be():
    asked = question(Pair("1", "", "c", "", ""), "arm first")
    assert 0.6 * QUESTION_BYTES < sum(len(message.content.encode()) for message in asked) <= QUESTION_BYTES


def test_the_client_never_imports_torch():
    code = "import titrant.chat.client, titrant.chat.forecast, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
