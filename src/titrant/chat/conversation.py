"""What is asked and what comes back, with no word of how it travels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "filtered", "refused", "other"]
FINISHES: tuple[Finish, ...] = ("stop", "length", "filtered", "refused", "other")


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Conversation:
    """What a model is to answer: turns that end with the user's."""

    id: str
    """The caller's name for it; errors and transcripts say it, replies do not depend on it."""
    messages: tuple[Message, ...]
    sample: int = 0
    """Which of several replies to the same turns: each is drawn with a seed of its own, asked for and kept apart."""


@dataclass(frozen=True)
class Reply:
    """What a model answered."""

    text: str
    """As it came, never stripped; empty where the endpoint refused."""
    finish: Finish
    """`stop`: the model ended; `length`: `max_tokens` cut it; `filtered`: held back by the endpoint's rules or declined
    by the model; `refused`: the endpoint would not take this request (too long, say), and `detail` says why."""
    prompt_tokens: int | None = None
    """As the endpoint counted; None where it does not say."""
    completion_tokens: int | None = None
    cost: float = 0.0
    """In the currency of the endpoint's prices, whenever it was paid; 0 without prices."""
    model: str = ""
    """The model that the endpoint says has answered."""
    detail: str = ""
