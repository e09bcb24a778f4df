"""What judges and teachers will cost, told from the study alone: before there are answers, before anything is trained.

Every pair is shown to every judge behind an endpoint in both orders. Answers are taken to be as long as they may be, a
prompt as long as those of databricks-dolly-15k are on average, a token as four bytes. The judge stage tells the cost
again, from the answers themselves, before its first request.
"""

from __future__ import annotations

from titrant.chat.budget import LIKELY_BYTES, Estimate, estimate
from titrant.chat.endpoint import Endpoint
from titrant.study.judging import Judging
from titrant.study.synthesis import Teacher

QUESTION_BYTES = 800
"""What a judge reads beside prompt and answers, at most."""
PROMPT_BYTES = 450
"""Instruction and context."""
PROBLEM_BYTES = 1800
"""What a teacher reads: its instructions and a problem."""


def judging_forecast(judging: Judging) -> Estimate | None:
    """The cost of judging one pair of runs; None where the number of prompts is not declared.

    Local judges cost no money. The figures are per pair of runs: an arm and its control, of one scale and seed.
    """
    if judging.items is None:
        return None
    size = QUESTION_BYTES + PROMPT_BYTES + 2 * LIKELY_BYTES * judging.sampling.max_tokens
    total = Estimate(0, 0, 0.0, 0.0, 0.0)
    for judge in judging.judges:
        if judge.endpoint is not None:
            endpoint = Endpoint(
                judge.endpoint,
                judge.model,
                price_input=judge.price_input or 0.0,
                price_output=judge.price_output or 0.0,
            )
            total += estimate(endpoint, [(2, size)] * (2 * judging.items), judge.max_tokens)
    return total


def teaching_forecast(teacher: Teacher, problems: int, forms: int) -> Estimate:
    """The cost of having `problems` solved in so many forms, every reply as long as it may be at most."""
    assert teacher.endpoint is not None
    endpoint = Endpoint(
        teacher.endpoint,
        teacher.model,
        price_input=teacher.price_input or 0.0,
        price_output=teacher.price_output or 0.0,
    )
    asked = problems * forms * teacher.sampling.samples
    return estimate(endpoint, [(2, PROBLEM_BYTES)] * asked, teacher.sampling.max_tokens)
