"""Answers that a judge compares: prompts, judges, and what they may cost."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import NOT_IDENTITY, Declaration, Name
from titrant.study.endpoints import VARIABLE_PATTERN, Endpoint
from titrant.study.tasks import Sampling, TaskData


class Judge(Declaration):
    """One judge: a model behind an endpoint that speaks OpenAI's protocol, or a local Hugging Face model."""

    model: str = Field(min_length=1)
    """The model's name at the endpoint; of a local one, the name that the report gives it."""
    endpoint: Endpoint | None = Field(default=None, json_schema_extra=NOT_IDENTITY)
    """Where it answers, such as `https://api.openai.com/v1` or `http://localhost:8000/v1`."""
    hugging_face: str | None = Field(default=None, json_schema_extra=NOT_IDENTITY)
    """Folder of a local model, as `save_pretrained` writes it, tokenizer included."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over that folder's files. Filled in when the study is pinned; if given, it must match."""
    key_variable: str | None = Field(default=None, pattern=VARIABLE_PATTERN, json_schema_extra=NOT_IDENTITY)
    """Name of the environment variable that holds the key: keys stand in no study; null: none is needed."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Of its verdicts."""
    max_tokens: int = Field(default=512, ge=1)
    """Longest verdict."""
    requests_per_minute: float | None = Field(default=None, gt=0, json_schema_extra=NOT_IDENTITY)
    """No more than this; null: as fast as the endpoint lets us."""
    requests_at_once: int = Field(default=4, ge=1, le=256, json_schema_extra=NOT_IDENTITY)
    """How many may be under way."""
    timeout_seconds: float = Field(default=120.0, gt=0, json_schema_extra=NOT_IDENTITY)
    """How long one answer may take before it is asked for again."""
    price_input: float | None = Field(default=None, ge=0, json_schema_extra=NOT_IDENTITY)
    """Price of a million tokens read, in the currency of `most_cost`."""
    price_output: float | None = Field(default=None, ge=0, json_schema_extra=NOT_IDENTITY)
    """Price of a million tokens written."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.endpoint is None) == (self.hugging_face is None):
            raise PydanticCustomError(
                "judge",
                "judge '{model}' needs one of `endpoint` (a URL) and `hugging_face` (a folder)",
                {"model": self.model},
            )
        return self


class PromptSet(Declaration):
    """Prompts, and how they are answered."""

    name: Name = "dolly"
    """Its name."""
    prompts: TaskData | None = None
    """JSON lines with `instruction`, and where there is one `context` and `response` (a reference answer), as in
    databricks-dolly-15k; null: that dataset, from the hub."""
    items: int | None = Field(default=200, ge=2)
    """The first so many prompts; null: all."""
    template: str = "{context}{instruction}\n\n"
    """What a model is given; `{instruction}` and `{context}` (with a blank line after it) are put in."""
    sampling: Sampling = Sampling(max_tokens=256)
    """How answers are drawn; one for each prompt."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer; they are no part of it."""

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if "{instruction}" not in self.template:
            raise PydanticCustomError("template", "`template` must hold '{instruction}'", {})
        if self.sampling.samples != 1:
            raise PydanticCustomError("sampling", "one answer is drawn for each prompt: leave `samples` at 1", {})
        return self


class Judging(PromptSet):
    """Answers to prompts, compared pair by pair; the outcome is called `judge/NAME`."""

    judges: tuple[Judge, ...] = Field(min_length=1)
    """Who compares; each sees every pair in both orders."""
    most_cost: float | None = Field(default=None, gt=0, json_schema_extra=NOT_IDENTITY)
    """No request is sent that could take the judging of one pair of runs above this; null: no limit."""
    margin: float = Field(default=0.05, gt=0, lt=1)
    """Win rates closer to one half than this count as equivalent."""

    @property
    def prompt_set(self) -> PromptSet:
        """What is answered, without who judges it."""
        return PromptSet(**{name: getattr(self, name) for name in PromptSet.model_fields})

    @model_validator(mode="after")
    def _can_be_paid(self) -> Self:
        names = [judge.model for judge in self.judges]
        if len(set(names)) < len(names):
            raise PydanticCustomError("judges", "two judges have the same `model`; name each once", {})
        for judge in self.judges if self.most_cost is not None else ():
            if judge.endpoint is not None and (judge.price_input is None or judge.price_output is None):
                raise PydanticCustomError(
                    "most_cost",
                    "`most_cost` needs `price_input` and `price_output` of judge '{model}'",
                    {"model": judge.model},
                )
        return self
