"""Tasks of lm-evaluation-harness, planned from their own configuration and built on documents that lie here.

The harness's file is read as it is. Changed are only: where documents come from (a function that returns those given,
so that nothing is fetched and nothing cached), which splits there are, the number of shots, and for `choices: letters`
the form of the question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from titrant.errors import Problem, StudyError
from titrant.evaluate.harness.catalogue import check_version, task_file
from titrant.evaluate.harness.letters import letter_overrides
from titrant.evaluate.harness.packaged import Row
from titrant.evaluate.harness.quiet import quiet_harness
from titrant.evaluate.harness.sources import PROBLEMS_SHOWN, Wanted
from titrant.study.declaration import listing
from titrant.study.tasks import Task

FEWSHOT_SEED = 1234
"""Seed of the harness's choice of solved examples: its own default."""
KINDS = ("multiple_choice", "loglikelihood", "generate_until")
METRICS = ("acc_norm", "acc", "exact_match", "em", "f1")
"""Of these the first that a task has is compared, unless the study names one."""


@dataclass(frozen=True)
class TaskPlan:
    """What a task's configuration says before its documents are there."""

    task: Task
    file: Path
    config: Mapping[str, Any]
    """As the harness's file says, its functions not loaded."""
    shots: int

    @property
    def outcome(self) -> str:
        return f"task/{self.task.name}"

    @property
    def hub(self) -> tuple[str | None, str | None]:
        """The dataset and its configuration that the task names."""
        return self.config.get("dataset_path"), self.config.get("dataset_name")

    @property
    def version(self) -> str:
        """The version that the task says it has."""
        metadata = self.config.get("metadata")
        return str(metadata.get("version", "")) if isinstance(metadata, Mapping) else ""

    @cached_property
    def wanted(self) -> Wanted:
        """Which splits are needed. The harness scores `test_split` if it is named, else `validation_split`."""
        names = {role: self.config.get(key) for role, key in _SPLIT_KEYS.items()}
        scored = [split for role in ("test", "validation") if (split := names[role])]
        roles = {role: split for role, split in names.items() if split}
        return Wanted(tuple(scored), self._shown() if self.shots else None, roles)

    def _shown(self) -> str | None:
        """The split that solved examples come from; None where the task brings its own."""
        fewshot = self.config.get("fewshot_config") or {}
        if fewshot.get("samples") is not None and not fewshot.get("split"):
            return None
        keys = ("fewshot_split", "training_split", "validation_split", "test_split")
        return next((split for split in (fewshot.get("split"), *map(self.config.get, keys)) if split), None)


_SPLIT_KEYS = {"train": "training_split", "validation": "validation_split", "test": "test_split"}


def plan_task(task: Task) -> TaskPlan:
    """Read what the harness says of a task. Raises StudyError if it has no such task, or none that can be asked."""
    check_version()
    from lm_eval.tasks._yaml_loader import load_yaml

    file = task_file(task.name)
    config = load_yaml(file, resolve_func=False)
    if "class" in config:
        raise StudyError(
            f"task '{task.name}' is a program that reads its own data from the hub, and cannot be given any"
        )
    if config.get("unsafe_code") or "code_eval" in str(config.get("metric_list")):
        raise StudyError(f"task '{task.name}' runs what a model writes; list it under `code`, which has a sandbox")
    if config.get("doc_to_image") or config.get("doc_to_audio"):
        raise StudyError(f"task '{task.name}' asks about pictures or sounds, which these models cannot read")
    kind = config.get("output_type", "generate_until")
    if kind not in KINDS:
        raise StudyError(
            f"task '{task.name}' is of kind '{kind}', whose items have no score; allowed: {listing(KINDS)}"
        )
    own = config.get("num_fewshot")
    if own == 0 and task.shots:
        raise StudyError(f"task '{task.name}' fixes its solved examples in its prompt; leave out `shots`")
    return TaskPlan(task, file, config, (own or 0) if task.shots is None else task.shots)


@dataclass(frozen=True)
class BuiltTask:
    """A task with its documents, ready to be asked."""

    plan: TaskPlan
    harness: Any
    """The harness's own task object."""
    scored: str
    """The split that is scored."""
    metric: str
    """The metric that is compared, without its filter."""
    filter: str | None
    """The filter of the harness whose answers are compared; None: its first."""

    @property
    def task(self) -> Task:
        return self.plan.task

    @property
    def outcome(self) -> str:
        return self.plan.outcome

    @property
    def kind(self) -> str:
        """`multiple_choice`, `loglikelihood` (one continuation) or `generate_until` (text)."""
        return str(self.harness.OUTPUT_TYPE)

    def build_requests(self) -> None:
        """Have the harness render the prompts of the items that are asked. The same prompts every time."""
        with quiet_harness(), _blaming(self.plan.task, "its prompts cannot be rendered"):
            self.harness.set_fewshot_seed(FEWSHOT_SEED)
            asked = self.harness.doc_iterator(limit=self.task.items, rank=0, world_size=1)
            problems = [problem for document in asked if (problem := self.problem(*document))]
            if not problems:
                self.harness.build_all_requests(limit=self.task.items, rank=0, world_size=1)
        if problems:
            raise StudyError(problems[:PROBLEMS_SHOWN])

    def gold_requests(self) -> list[Any]:
        """Of a task that asks for text: each question with its right answer, to be scored as one that follows it."""
        from lm_eval.api.instance import Instance

        with quiet_harness():
            return [
                Instance(
                    request_type="loglikelihood",
                    doc=instance.doc,
                    arguments=(instance.args[0], self.answer(instance.doc)),
                    idx=0,
                    metadata=(self.task.name, instance.doc_id, 1),
                )
                for instance in self.harness.instances
            ]

    def documents(self) -> list[tuple[int, Any]]:
        """Number and document of every item that is asked, once `build_requests` has been called."""
        found = {instance.doc_id: instance.doc for instance in self.harness.instances}
        return sorted(found.items())

    def question(self, document: Any) -> str:
        """What is asked, without solved examples; where choices begin a sentence, with the right one."""
        asked = self.harness.fewshot_context(document, 0, gen_prefix=self.harness.doc_to_prefix(document))
        return str(asked[self.right_choices(document)[0]] if isinstance(asked, list) else asked)

    def answer(self, document: Any) -> str:
        """The right answer as it follows the question, the blank before it included: of several the first, which is
        the one that solved examples show."""
        harness = self.harness
        target = harness.doc_to_target(document)
        if self.kind == "loglikelihood":
            return str(target)
        if self.kind == "multiple_choice" and not harness.multiple_input:
            target = harness.doc_to_choice(document)[self.right_choices(document)[0]]
        elif harness.config.doc_to_choice is not None and isinstance(target, int):
            target = harness.doc_to_choice(document)[target]
        first = target[0] if isinstance(target, list) and target else target
        return f"{harness.config.target_delimiter}{first}"

    def right_choices(self, document: Any) -> list[int]:
        """Indices of the right choices of a document; the first is the one that solved examples show."""
        harness = self.harness
        right = harness.doc_to_text(document) if harness.multiple_input else harness.doc_to_target(document)
        if isinstance(right, str):
            choices = harness.doc_to_choice(document)
            return [choices.index(right)] if right in choices else []
        return list(right) if isinstance(right, list) else [int(right)]

    def problem(self, number: int, document: Any) -> Problem | None:
        """Why a document cannot be asked or, of multiple choice, is worthless: the harness would score it silently."""
        where = f"document {number} of task '{self.task.name}'"
        try:
            self.harness.doc_to_text(document)
            target = self.harness.doc_to_target(document)
            if self.kind != "multiple_choice":
                return None
            choices = self.harness.doc_to_choice(document)
            if target is None:
                return Problem(f"{where} has no right answer (null); splits whose answers are secret cannot be scored")
            right = self.right_choices(document)
        except Exception as error:  # whatever the harness and the task's own functions raise
            return Problem(f"{where} does not fit it ({_said(error)}); it is {document!r:.200}")
        if len(choices) < 2 or not all(isinstance(choice, str) and choice.strip() for choice in choices):
            return Problem(f"{where} has the choices {choices!r:.120}; at least two are needed, and none may be empty")
        if not right or not all(0 <= index < len(choices) for index in right):
            return Problem(
                f"{where} gives {right or 'none'} as the right one of {len(choices)} choices; splits whose answers are "
                "kept secret cannot be scored"
            )
        return None


def build_task(plan: TaskPlan, splits: Mapping[str, Sequence[Row]], scored: str) -> BuiltTask:
    """The task on these documents. Raises StudyError if they are not in the columns that it reads."""
    from lm_eval.tasks._factory import TaskFactory
    from lm_eval.tasks._index import TaskIndex

    overrides = _overrides(plan, splits, scored)
    task, columns = plan.task, listing(splits[scored][0] if splits[scored] else ())
    if lacking := _lacking(plan, splits[scored]):
        raise StudyError(
            f"the documents of task '{task.name}' lack {listing(lacking)}; they need the columns of its dataset on the "
            f"hub, and have {columns}"
        )
    entry = TaskIndex.entry_from_path(plan.file)
    with quiet_harness(), _blaming(task, f"its documents, with the columns {columns}, do not fit it"):
        try:
            harness = TaskFactory().build(entry, overrides=overrides, registry={})
        except Exception as error:
            if (problem := _first_problem(plan, error)) is not None:
                raise StudyError([problem]) from error
            raise
        if task.choices == "letters":
            harness = TaskFactory().build(
                entry, overrides=overrides | letter_overrides(harness, task.name), registry={}
            )
    metrics = list(harness.aggregation())
    metric, _, answers = (task.metric or "").partition(",")
    metric = metric or next((each for each in METRICS if each in metrics), metrics[0])
    if metric not in metrics:
        raise StudyError(f"task '{task.name}' has no metric '{metric}'; it has {listing(metrics)}")
    filters = [each.name for each in harness._filters]
    if answers and answers not in filters:
        raise StudyError(f"task '{task.name}' has no filter '{answers}'; it has {listing(filters)}")
    return BuiltTask(plan, harness, scored, metric, answers or None)


def _first_problem(plan: TaskPlan, error: Exception) -> Problem | None:
    """What is wrong with the first document: the harness tries it while it builds the task, and fails without saying
    at what. The task that it had begun to build, which only the error's trace still holds, is asked."""
    trace = error.__traceback__
    while trace is not None:
        begun: Any = trace.tb_frame.f_locals.get("self")
        if begun is not None and getattr(begun, "task_docs", None):
            return BuiltTask(plan, begun, "", "", None).problem(0, begun.task_docs[0])
        trace = trace.tb_next
    return None


def _lacking(plan: TaskPlan, rows: Sequence[Row]) -> set[str]:
    """Columns that the task's templates name and its documents do not have."""
    if plan.config.get("process_docs"):
        return set()  # its own function makes other columns of them
    from jinja2 import TemplateSyntaxError, meta
    from lm_eval.utils import env

    named: set[str] = set()
    for key in ("doc_to_text", "doc_to_target", "doc_to_choice"):
        template = plan.config.get(key)
        if isinstance(template, str) and template.isidentifier():
            named.add(template)
        elif isinstance(template, str):
            try:
                named |= meta.find_undeclared_variables(env.parse(template))
            except TemplateSyntaxError:
                continue
    return named - set(env.globals) - {column for row in rows[:1] for column in row}


def _overrides(plan: TaskPlan, splits: Mapping[str, Sequence[Row]], scored: str) -> dict[str, Any]:
    import datasets
    import pyarrow as pa

    shown = plan.wanted.shown
    if shown is not None and (shown == scored or shown not in splits):
        raise StudyError(
            f"task '{plan.task.name}' would show {plan.shots} solved examples from split '{shown}', "
            + ("which is the one that is scored" if shown == scored else "which its data lack")
            + "; give it under `data: {files: ...}`, or `shots: 0`"
        )
    try:
        tables = {split: datasets.Dataset(pa.Table.from_pylist(list(rows))) for split, rows in splits.items()}
    except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
        raise StudyError(
            f"the documents of task '{plan.task.name}' do not have the same type in each row: {error}"
        ) from None
    names: dict[str, Any] = dict.fromkeys(("training_split", "validation_split", "test_split"))
    for key in names:
        if plan.config.get(key) in tables:
            names[key] = plan.config[key]
    if scored not in (names["test_split"], names["validation_split"]):
        names |= {"validation_split": scored, "test_split": None}
    elif scored == names["validation_split"]:
        names["test_split"] = None

    def documents(**_: object) -> Mapping[str, Any]:
        return tables

    given = {"custom_dataset": documents, "num_fewshot": plan.shots, "dataset_kwargs": None, **names}
    if plan.config.get("process_docs"):
        given["process_docs"] = _once_a_split(plan.file)
    if shown is None and plan.config.get("fewshot_split"):
        given["fewshot_split"] = None
    return given


def _once_a_split(file: Path) -> Callable[[Any], Any]:
    """The task's own `process_docs`, which the harness calls anew whenever it looks at the documents."""
    from lm_eval.tasks._yaml_loader import load_yaml

    process = load_yaml(file, resolve_func=True)["process_docs"]
    done: dict[int, tuple[Any, Any]] = {}

    def processed(documents: Any) -> Any:
        # the documents themselves are kept, so that no other object can get their id
        if id(documents) not in done:
            done[id(documents)] = documents, process(documents)
        return done[id(documents)][1]

    return processed


class _blaming:  # noqa: N801 - read as words: `with _blaming(task, ...)`
    """Whatever the harness raises inside is told as what it is: documents that do not fit the task."""

    def __init__(self, task: Task, what: str) -> None:
        self._task, self._what = task, what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StudyError):
            raise StudyError(f"task '{self._task.name}' cannot be asked: {self._what} ({_said(error)})") from error


def _said(error: Exception) -> str:
    """The kind of an error and its first line."""
    line = (str(error).strip() or "no more is said").splitlines()[0]
    return f"{type(error).__name__}: {line:.200}"
