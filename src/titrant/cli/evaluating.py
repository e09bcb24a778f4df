"""`titrant evaluate MODEL --suite NAME`: what a model shows on tasks, with no study around it.

Everything is kept in the store as a study's jobs are: data, scores with every item, texts, verdicts. Asked again, it is
shown again; stopped, it goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from titrant.artifacts import Benchmarks, CodeScores, Generations, Scores
from titrant.cli.line import Line
from titrant.cli.opened import make_console
from titrant.cli.results import folders_of, quiet_transformers
from titrant.errors import Problem, StudyError
from titrant.execute.alone import Given, do_alone, given_artifact, job_alone
from titrant.execute.published import find_run
from titrant.execute.store import Store, open_store
from titrant.execute.watch import Doing
from titrant.execute.worker import StopSwitch
from titrant.jobs import BenchmarksJob, CodeJob, EvaluateJob, GenerateJob, JobDeclaration
from titrant.settings import check_settings
from titrant.study.categories import category_of
from titrant.study.declaration import listing, suggestion
from titrant.study.evaluation import Evaluation
from titrant.study.suites import SuiteName, suite
from titrant.study.tasks import CodeTask, Sampling, Task, TaskData
from titrant.study.world import content_of_file, content_of_folder

if TYPE_CHECKING:
    from titrant.analyze.alone import Alone


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    suites: tuple[str, ...]
    tasks: tuple[str, ...]
    items: int | None
    samples: int
    data: tuple[str, ...]


def evaluate_on_tasks(model: str, wanted: Wanted, root: Path) -> None:
    """Ask a model, a Hugging Face folder or a finished run of the store, all that is wanted, and print a table.

    Raises StudyError if the command line is wrong or data are missing, EngineError if a library or a sandbox is.
    """
    check_settings()
    tasks, code = _asked(wanted)
    store = open_store(root, create=True)
    name, given = _model(store, model)
    quiet_transformers()
    stop = StopSwitch()
    stop.listen(interrupt_too=True)

    def done(kind: str, declaration: JobDeclaration, inputs: dict[str, Given]) -> Given:
        job = job_alone(kind, name, declaration, inputs)
        line = Line(Doing(job, time.monotonic()))
        try:
            return do_alone(store, job, inputs, line, stop)
        finally:
            line.end()

    try:
        benchmarks = done("benchmarks", BenchmarksJob(tasks=tasks, code=_undrawn(code), judging=()), {})
        made: dict[str, Given] = {"benchmarks": benchmarks}
        if tasks:
            made["evaluate"] = done("evaluate", _tasks_alone(tasks), {**given, "benchmarks": benchmarks})
        if code:
            texts = GenerateJob(code=code, judging=())
            made["generate"] = done("generate", texts, {**given, "benchmarks": benchmarks})
            inputs = {"generations": made["generate"], "benchmarks": benchmarks}
            made["code"] = done("code", CodeJob(code=code), inputs)
    except KeyboardInterrupt:
        click.echo("stopped: the same command goes on", err=True)
        sys.exit(130)
    _show(model, wanted, made)


def _asked(wanted: Wanted) -> tuple[tuple[Task, ...], tuple[CodeTask, ...]]:
    """Tasks and problems, those of suites and those that are named, with what the command line says of all of them."""
    known = get_args(SuiteName)
    problems = [
        Problem(f"there is no suite '{name}'{suggestion(name, known)}; there are {listing(known)}")
        for name in wanted.suites
        if name not in known
    ]
    if problems:
        raise StudyError(problems)
    code_names = {task.name for name in known for task in suite(name).code}
    given = dict(_data(wanted.data))

    def data_of(name: str) -> dict[str, object]:
        return {"data": given[name]} if name in given else {}

    is_code = {name: name in code_names or name.startswith("multipl-e-") for name in wanted.tasks}
    asked = Evaluation(
        suites=wanted.suites,
        tasks=tuple({"name": name, **data_of(name)} for name in wanted.tasks if not is_code[name]),
        code=tuple({"name": name, **data_of(name)} for name in wanted.tasks if is_code[name]),
    )
    gaps = {name for each in asked.suites for name in suite(each).gaps}
    filled = tuple(Task(name=name, data=given[name]) for name in sorted(gaps & set(given) - set(wanted.tasks)))
    tasks, code = (*asked.all_tasks, *filled), asked.all_code
    for name in given:
        if name not in {task.name for task in tasks} | {task.name for task in code}:
            raise StudyError(f"--data gives '{name}', which is not asked for; add --task {name}")
    if not tasks and not code:
        raise StudyError("nothing is asked of one model alone: judged answers compare the two arms of a contrast")
    sampling = Sampling() if wanted.samples == 1 else Sampling(samples=wanted.samples, temperature=0.2, top_p=0.95)
    return (
        tuple(task.model_copy(update={"items": wanted.items or task.items} | data_of(task.name)) for task in tasks),
        tuple(
            task.model_copy(update={"items": wanted.items or task.items, "sampling": sampling} | data_of(task.name))
            for task in code
        ),
    )


def _data(given: tuple[str, ...]) -> Iterator[tuple[str, TaskData]]:
    for each in given:
        name, _, file = each.partition("=")
        path = Path(file).resolve()
        if not name or not file or not path.is_file():
            raise StudyError(f"--data '{each}': write NAME=FILE with an existing file of JSON lines or Parquet")
        yield name, TaskData(files={"validation": str(path)}, content={"validation": content_of_file(path)})


def _undrawn(code: tuple[CodeTask, ...]) -> tuple[CodeTask, ...]:
    """Problems without how they are solved: the data are the same."""
    fields = CodeTask.model_fields
    return tuple(task.model_copy(update={"sampling": fields["sampling"].get_default()}) for task in code)


def _tasks_alone(tasks: tuple[Task, ...]) -> EvaluateJob:
    return EvaluateJob(
        bits_per_byte_sources=(),
        bytes_per_source=0,
        check_bytes_per_source=0,
        probes=(),
        multiple_choice=(),
        planted={},
        tasks=tasks,
    )


def _model(store: Store, model: str) -> tuple[str, dict[str, Given]]:
    """A name for files, and what stages read of the model: a folder known by its content, or a run's artifacts."""
    path = Path(model)
    if path.is_dir():
        for needed in ("config.json", "tokenizer.json"):
            if not (path / needed).is_file():
                raise StudyError(
                    f"'{model}' holds no {needed}: give a folder as `save_pretrained` writes it, tokenizer included"
                )
        content = content_of_folder(path)
        name = path.resolve().name
        return name, {"model": Given(f"model/{name}", path.resolve(), content, content)}
    try:
        run = find_run(store, model)
    except StudyError as error:
        raise StudyError(f"'{model}' is neither a folder nor a run: {error}") from None
    train, tokenizer = folders_of(store, run)
    return train.name[:-13], {
        "train": given_artifact(store, "train", train),
        "tokenizer": given_artifact(store, "tokenizer", tokenizer),
    }


def _show(model: str, wanted: Wanted, made: dict[str, Given]) -> None:
    from rich.table import Table

    from titrant.analyze.alone import of_one_model

    console = make_console()
    found: dict[str, Alone] = {}
    metrics: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    if "evaluate" in made:
        scores = Scores.read(made["evaluate"].folder)
        found |= of_one_model(made["evaluate"].folder / "items.parquet", scores.chance, scores.majority)
        metrics |= scores.metrics
        notes = {outcome: [f"{count} cut to the window"] for outcome, count in scores.shortened.items() if count}
    if "code" in made:
        code = CodeScores.read(made["code"].folder)
        found |= of_one_model(made["code"].folder / "items.parquet")
        metrics |= {outcome: f"pass@{next(iter(by_k))}" for outcome, by_k in code.pass_at_k.items()}
        cut = Generations.read(made["generate"].folder).shortened
        for outcome, verdicts in code.verdicts.items():
            shorter = [f"{cut[outcome]} prompts cut to the window"] if cut[outcome] else []
            notes[outcome] = [_ended(verdicts), *shorter]
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    headings = ("task", "metric", "score", "95 % of items", "chance", "majority", "P(right)", "gold bits/byte", "items")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("task", "metric") else "right")
    table.add_column("", style="dim")
    for outcome, one in found.items():
        table.add_row(*_cells(one, metrics.get(outcome, "")), "; ".join([*notes.get(outcome, []), *_remarks(one)]))
    console.print(f"{model}", style="bold", soft_wrap=True)
    console.print(table)
    for line in (*_means(wanted, found), *_gaps(wanted, found), *_places(made)):
        console.print(line, soft_wrap=True)


def _cells(one: Alone, metric: str) -> tuple[str, ...]:
    def shown(value: float | None, digits: int = 3) -> str:
        return "" if value is None else f"{value:.{digits}f}"

    score = f"{one.low:.3f} to {one.high:.3f}"
    name = one.outcome.partition("/")[2]
    return (
        name,
        metric,
        shown(one.score),
        score,
        shown(one.chance),
        shown(one.majority),
        shown(one.right_probability),
        shown(one.gold_bits_per_byte),
        str(one.items),
    )


def _remarks(one: Alone) -> Iterator[str]:
    if not one.above_chance:
        yield "not above chance" if one.chance is not None else "not above zero"
    if one.commonest is not None and one.commonest >= 0.9:
        yield f"one answer on {one.commonest:.0%} of items".replace("%", " %")
    for share, what in ((one.empty, "empty"), (one.looping, "looping")):
        if share:
            yield f"{share:.0%} {what}".replace("%", " %")


def _ended(verdicts: dict[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(verdicts.items(), key=lambda each: -each[1]))


def _means(wanted: Wanted, found: dict[str, Alone]) -> Iterator[str]:
    """A line for each category of the suites that were asked: the mean over what is done above chance, what is not in
    it, and what the suite names and was not asked."""
    from titrant.analyze.alone import mean_over

    asked = [suite(name) for name in get_args(SuiteName) if name in wanted.suites]
    members: dict[str, dict[str, None]] = {}
    missing: dict[str, dict[str, None]] = {}
    for each in asked:
        for task in each.tasks:
            members.setdefault(category_of(task.name), {})[f"task/{task.name}"] = None
        for problems in each.code:
            members.setdefault("code", {})[f"code/{problems.name}"] = None
        for gap in each.gaps:
            if f"task/{gap}" not in found:
                missing.setdefault(category_of(gap), {})[gap] = None
    for category, outcomes in members.items():
        mean = mean_over(found, tuple(outcomes))
        holes = f"; not asked: {', '.join(missing[category])}" if category in missing else ""
        if mean is None:
            yield f"mean of {category}: none, because no task is done above chance{holes}"
            continue
        low = f"; not above chance, and left out: {_names(mean.at_chance)}" if mean.at_chance else ""
        yield f"mean of {category}: {mean.score:.3f}, over {_names(mean.members)}{low}{holes}"


def _names(outcomes: tuple[str, ...]) -> str:
    return ", ".join(outcome.partition("/")[2] for outcome in outcomes)


def _gaps(wanted: Wanted, found: dict[str, Alone]) -> Iterator[str]:
    for name in wanted.suites:
        for task, why in suite(name).gaps.items():  # type: ignore[arg-type]
            if f"task/{task}" not in found:
                yield f"not asked, of {name}: {task}: {why}"
        if suite(name).judged:  # type: ignore[arg-type]
            yield f"not asked, of {name}: judged answers, which compare the two arms of a study's contrast (`judging`)"


def _places(made: dict[str, Given]) -> Iterator[str]:
    of_origin: dict[str, list[str]] = {}
    for outcome, origin in Benchmarks.read(made["benchmarks"].folder).data.items():
        of_origin.setdefault(origin, []).append(outcome.partition("/")[2])
    for origin, names in of_origin.items():
        yield f"data of {', '.join(names)}: {origin}"
    for kind, what in (
        ("evaluate", "every item, and lm-eval results and samples"),
        ("generate", "every text"),
        ("code", "every verdict"),
    ):
        if kind in made:
            yield f"{what}: {made[kind].folder}"
