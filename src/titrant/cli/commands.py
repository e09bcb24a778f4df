"""The commands and their flags, and what an error comes to: its words on stderr and its exit status.

Exit status: 0 done; 1 work failed: a job (`JobError`), a library or launcher that it needs or a loss that is not finite
(`EngineError`), or Titrant itself, which then shows a traceback; 2 what was given is wrong: the study or the command
line (`StudyError`), or the store (`StoreError`); 130 stopped by Ctrl-C, 143 by SIGTERM (128 + signal). Commands import
what they need when they run, so `--help` is quick.
"""

from __future__ import annotations

import errno
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from titrant.errors import EngineError, JobError, StoreError, StudyError

MOST_GPUS = 1_000_000
MOST_HOURLY_PRICE = 1_000_000.0


class _Whole(click.IntRange):
    """A whole number in a range; click itself calls any other word "not a valid integer range"."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            int(value)
        except ValueError:
            self.fail(f"'{str(value)[:60]}' is not a whole number, such as 1 or 8", param, ctx)
        return super().convert(value, param, ctx)


class _Price(click.FloatRange):
    """A sum of money that can be paid; click itself lets `nan` through every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            price = float(value)
        except ValueError:
            price = math.nan
        if not 0 <= price <= MOST_HOURLY_PRICE:
            self.fail(
                f"'{str(value)[:60]}' is not a price: give a number from 0 to {MOST_HOURLY_PRICE:,.0f}", param, ctx
            )
        return price


_study = click.argument("study", metavar="STUDY")
_store: Callable[[Any], Any] = click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=Path("titrant-store"),
    envvar="TITRANT_STORE",
    show_default="./titrant-store, or TITRANT_STORE",
    help="Folder of the store.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="titrant", message="titrant %(version)s")
def commands() -> None:
    """A measuring instrument for pre-training data: from one study file to findings with honest uncertainty.

    STUDY is a YAML file, a Python file that ends in a Study, or the name of a shipped study.
    """


@commands.command()
@_study
def check(study: str) -> None:
    """Check a study without starting anything: its shape, its meaning, and the files it points at."""
    from titrant.cli.planning import check_study

    check_study(study)


_price: Callable[[Any], Any] = click.option(
    "--hourly-price",
    type=_Price(min=0),
    envvar="TITRANT_HOURLY_PRICE",
    metavar="PRICE",
    help="What an hour of this machine costs, or of one GPU where it has some; also TITRANT_HOURLY_PRICE.",
)


@commands.command()
@_study
@_store
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write the whole plan as JSON to FILE (- for standard output).",
)
@click.option("--calibrate", is_flag=True, help="Measure this machine at the study's scales first: about ten seconds.")
@click.option("--on", metavar="GPU", help="Also predict for GPUs that need not be here, such as H100 or RTX-4090.")
@click.option("--count", type=_Whole(1, MOST_GPUS), default=1, show_default=True, help="With --on: how many GPUs.")
@_price
def plan(
    study: str,
    store: Path,
    json_file: Path | None,
    calibrate: bool,
    on: str | None,
    count: int,
    hourly_price: float | None,
) -> None:
    """Show every job with its reason, tokens, FLOPs and time, and the study in full. Starts nothing."""
    from titrant.cli.planning import Asked, show_plan

    if on is None and click.get_current_context().get_parameter_source("count") is not ParameterSource.DEFAULT:
        raise click.UsageError("--count says how many of the GPUs that --on names: add --on, such as --on H100")
    show_plan(study, store, json_file, Asked(calibrate, on, count, hourly_price))


@commands.command()
@_study
@_store
@click.option("--job", metavar="ID", help="Do this one job, here, whose inputs exist: what a cluster's worker runs.")
@click.option(
    "--workers",
    type=_Whole(min=1),
    metavar="N",
    help="Jobs at once; as many as there are usable cores if not given.",
)
@click.option(
    "--track",
    metavar="NAMES",
    help="Show training in these trackers: tensorboard, wandb, mlflow, trackio, with commas between them.",
)
@click.option(
    "--ranks",
    type=_Whole(min=1),
    help="Processes (GPUs, or cores) that train one phase together; one if not given.",
)
@click.option("--calibrate", is_flag=True, help="Measure this machine again before the work begins.")
@_price
def run(
    study: str,
    store: Path,
    job: str | None,
    workers: int | None,
    track: str | None,
    ranks: int | None,
    calibrate: bool,
    hourly_price: float | None,
) -> None:
    """Do what is missing, then show the findings and where the page is."""
    from titrant.cli.running import run_one_job, run_study
    from titrant.execute.tracked import name_trackers
    from titrant.settings import RANKS

    name_trackers(track)
    if ranks is not None:
        os.environ[RANKS] = str(ranks)
    if job is not None:
        run_one_job(study, store, job)
    else:
        run_study(study, store, workers, calibrate=calibrate, hourly_price=hourly_price)


@commands.command()
@_study
@_store
def status(study: str, store: Path) -> None:
    """Show what is done, what runs now and how far it is, and what is missing."""
    from titrant.cli.looking import show_status

    show_status(study, store)


@commands.command()
@_study
@click.argument("job", metavar="JOB")
@_store
def explain(study: str, job: str, store: Path) -> None:
    """Show what identifies a job, and in what it differs from what the store holds.

    JOB is an id as `plan` shows it, its beginning, a name, or a fingerprint's beginning.
    """
    from titrant.cli.looking import explain_job

    explain_job(study, job, store)


@commands.command()
@_study
@_store
def report(study: str, store: Path) -> None:
    """Write the report again from stored artifacts alone; fails if one is missing."""
    from titrant.cli.results import rebuild_report

    rebuild_report(study, store)


@commands.command()
@_study
@_store
@click.option("--show", type=click.Choice(["kept", "dropped"]), help="Print documents that are kept, or dropped.")
@click.option("--rule", metavar="NAME", help="With --show: only those whose reason holds these words.")
@click.option("--source", metavar="NAME", help="With --show: only of this source.")
@click.option("--count", type=_Whole(min=1), default=5, show_default=True, help="With --show: how many.")
@click.option("--workers", type=_Whole(min=1), metavar="N", help="Jobs at once.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write the table as JSON to FILE (- for standard output).",
)
def data(
    study: str,
    store: Path,
    show: str | None,
    rule: str | None,
    source: str | None,
    count: int,
    workers: int | None,
    json_file: Path | None,
) -> None:
    """Show what became of every source: documents, tokens, languages, licences, and why documents were dropped.

    What is missing of the data is read and encoded first; nothing is trained.
    """
    from titrant.cli.data import show_data, show_documents

    if show is None:
        if rule is not None or source is not None:
            raise click.UsageError("--rule and --source choose what --show prints: add --show kept or dropped")
        show_data(study, store, workers=workers, json_file=json_file)
    elif json_file is not None:
        raise click.UsageError("--json writes the table, and --show prints documents: ask for one of them")
    else:
        show_documents(study, store, show, rule=rule, source=source, count=count, workers=workers)


@commands.command()
@click.argument("run", metavar="RUN")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_store
def export(run: str, folder: Path, store: Path) -> None:
    """Write a finished run's model and tokenizer as a Hugging Face folder.

    RUN is `arm@scale#seed`, or `study/arm@scale#seed` where several studies have one.
    """
    from titrant.cli.results import export_run

    export_run(run, folder, store)


@commands.command()
@click.argument("named", metavar="[STUDY] MODEL", nargs=-1, required=True)
@click.option("--suite", "suites", multiple=True, metavar="NAME", help="knowledge, reasoning, code or aryabumi.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="A task of lm-evaluation-harness, or of code.")
@click.option("--items", type=_Whole(min=1), default=None, help="The first so many items of each task.")
@click.option("--samples", type=_Whole(min=1), default=1, show_default=True, help="Solutions drawn for each problem.")
@click.option("--data", multiple=True, metavar="NAME=FILE", help="Where a task's data lie, in the columns of the hub.")
@_store
def evaluate(
    named: tuple[str, ...],
    suites: tuple[str, ...],
    tasks: tuple[str, ...],
    items: int | None,
    samples: int,
    data: tuple[str, ...],
    store: Path,
) -> None:
    """Score MODEL, a Hugging Face folder or a finished run.

    With STUDY: as the study scores its own runs. With --suite or --task: on benchmarks, with no study.
    """
    if suites or tasks:
        from titrant.cli.evaluating import Wanted, evaluate_on_tasks

        if len(named) != 1:
            raise StudyError(
                f"--suite and --task ask one model and no study, and these are {len(named)}: {' '.join(named)}"
            )
        evaluate_on_tasks(named[0], Wanted(suites, tasks, items, samples, data), store)
        return
    if len(named) != 2:
        raise StudyError("give STUDY and MODEL to score as the study does, or MODEL with --suite NAME or --task NAME")
    from titrant.cli.results import evaluate_model

    evaluate_model(*named, store)


@commands.command()
@click.argument("study", metavar="[STUDY]", required=False)
@click.option("--synthesis", metavar="NAME", help="With STUDY: which, if it declares several.")
@click.option(
    "--generated", type=_Whole(1, 10_000_000), metavar="N", help="Without STUDY: problems; 1000 if not given."
)
@click.option("--seed", type=_Whole(0, 2**31 - 1), help="Without STUDY: another one gives other problems.")
@click.option("--area", "areas", multiple=True, metavar="NAME", help="Without STUDY: only these areas.")
@click.option("--difficulty", metavar="A-B", help="Without STUDY: from level A to level B, of 1 to 5.")
@click.option(
    "--form",
    "forms",
    multiple=True,
    type=click.Choice(["text", "javascript"]),
    help="Without STUDY: also tell each solution in words, or translate it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write items with all that is known of them as JSON lines to FILE (- for standard output).",
)
@click.option("--refused", is_flag=True, help="With --out: also problems without an accepted solution.")
@click.option("--workers", type=_Whole(min=1), metavar="N", help="Processes at once.")
@_store
def synthesize(
    study: str | None,
    synthesis: str | None,
    generated: int | None,
    seed: int | None,
    areas: tuple[str, ...],
    difficulty: str | None,
    forms: tuple[str, ...],
    out: Path | None,
    refused: bool,
    workers: int | None,
    store: Path,
) -> None:
    """Make verified synthetic code: problems, solutions, and what the solutions pass, with no training around it.

    Without STUDY, problems and solutions come from the generator, which needs no model. With STUDY: as it declares
    them, its teacher included.
    """
    from titrant.cli.synthesizing import Wanted
    from titrant.cli.synthesizing import synthesize as make

    if refused and out is None:
        raise click.UsageError("--refused says what --out writes: add --out FILE")
    wanted = Wanted(study, synthesis, generated, seed, areas, difficulty, forms, refused)
    make(wanted, store, out, workers=workers)


@commands.command()
def ladder() -> None:
    """Show the rungs that a scale may be named by: size, batch, learning rate, budget, and the rule behind each."""
    from titrant.cli.ladder import show_ladder

    show_ladder()


@commands.command()
@_store
def doctor(store: Path) -> None:
    """Show what this machine can do, what is not installed, and what that is needed for."""
    from titrant.cli.doctor import examine

    examine(store)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(_status_of(arguments))


def _status_of(arguments: Sequence[str] | None) -> int:
    # `>&-` and some launchers leave no streams at all: what is printed goes nowhere, what is done is done
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
    try:
        outcome = commands.main(arguments, prog_name="titrant", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except StudyError as error:
        _complain([str(problem) for problem in error.problems])
        return 2
    except StoreError as error:
        _complain([str(error)])
        return 2
    except (JobError, EngineError) as error:
        _complain([str(error)])
        return 1
    except BrokenPipeError:
        # the reader (`| head`) has what it wanted; keep Python from complaining when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _complain(["standard output cannot be written: the disk that it goes to is full"])
        return 2


def _complain(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        click.echo(f"error: {sentence}", err=True)
