"""`titrant report`, `export` and `evaluate`, and the table of findings: what is done with finished artifacts."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from titrant.artifacts import Scores, TokenizerFile, read_record
from titrant.cli.opened import Opened, make_console, open_plan_and_store
from titrant.errors import EngineError, StoreError, StudyError
from titrant.execute.cost.spent import publish_cost
from titrant.execute.files import empty_folder, explaining_disk_trouble, write_json
from titrant.execute.published import StoredRun, find_run, report_job
from titrant.execute.store import Store, open_store
from titrant.execute.work import stage_of
from titrant.jobs import EvaluateJob, TrainJob
from titrant.plan import Job
from titrant.study.architecture import Architecture


def print_findings(folder: Path) -> None:
    """A compact table of `report.json`'s findings, and its headline. Prints numbers as they stand, computes none."""
    from rich.table import Table

    try:
        report = json.loads((folder / "report.json").read_bytes())
        findings, headline = report["findings"], report["headline"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # the page is there and says it all; a table that cannot be read is left out
    console = make_console()
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("contrast", "scale", "outcome", "difference", "interval", "verdict"):
        table.add_column(heading, justify="right" if heading in ("difference", "interval") else "left", overflow="fold")
    silent: dict[str, int] = {}
    for finding in findings:
        if _NO_SIGNAL & set(finding.get("flags", ())):
            silent[finding["outcome"]] = silent.get(finding["outcome"], 0) + 1
        else:
            table.add_row(*_cells(finding), style=_STYLES.get(finding["verdict"], ""))
    console.print(table)
    if silent:
        counts = ", ".join(f"{outcome} ({count}x)" for outcome, count in sorted(silent.items()))
        console.print(f"without signal, and left out above: {counts}", style="dim")
    console.print(headline, style="bold")


MOST_MISSING = 40
"""How many missing artifacts an error lists."""

_NO_SIGNAL = {"at chance", "at zero", "collapsed"}
"""Flags of findings on tasks that can tell nothing: they stand on the page, and in one line here."""

_STYLES = {"better": "green", "worse": "red", "not resolved": "dim"}


def _cells(finding: dict[str, Any]) -> tuple[str, ...]:
    low, high = finding["interval"]
    flags = "".join(f" [{flag}]" for flag in finding.get("flags", ()))
    return (
        f"{finding['arm']} vs {finding['control']}{flags}",
        finding["scale"],
        finding["outcome"],
        f"{finding['difference']:+.4f}",
        f"{low:+.4f} .. {high:+.4f}",
        finding["verdict"],
    )


def rebuild_report(named: str, root: Path) -> None:
    """Run the report stage on stored artifacts into STORE/studies/STUDY/; StoreError lists what is missing."""
    opened, store = open_plan_and_store(named, root)
    job = report_job(opened.plan)
    if job is None:
        raise StudyError(f"the plan of '{opened.name}' has no report")
    inputs, missing = {}, []
    for role, id_ in job.inputs.items():
        standing = store.look(opened.plan.jobs[id_], hashes=True)
        if standing.state == "finished":
            inputs[role] = standing.folder
        else:
            missing.append(f"  {id_} is {standing.word}{f': {standing.reason}' if standing.reason else ''}")
    if missing:
        more = f"\n  and {len(missing) - MOST_MISSING} more" if len(missing) > MOST_MISSING else ""
        raise StoreError(
            f"the report of '{opened.name}' cannot be made: {len(missing)} of its {len(job.inputs)} inputs are not in "
            "the store; `titrant run` makes them:\n" + "\n".join(missing[:MOST_MISSING]) + more
        )
    target = store.study_folder(opened.name)
    with explaining_disk_trouble(store.root):
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".report-") as folder:
            out, scratch = empty_folder(Path(folder) / "out"), empty_folder(Path(folder) / "scratch")
            stage_of("report")(job.declaration, dict(inputs), out, scratch=scratch, progress=_silent)
            for path in sorted(out.iterdir()):
                path.replace(target / path.name)
    publish_cost(opened.plan, opened.name, store)
    print_findings(target)
    click.echo(f"page: {target / 'report.html'}")


def export_run(wanted: str, folder: Path, root: Path) -> None:
    """Write a run's last checkpoint as a Hugging Face folder, proven to compute the same logits."""
    store = open_store(root, create=False)
    train, tokenizer = folders_of(store, find_run(store, wanted))
    declared = read_record(train).declaration
    length = int(str(declared["sequence_length"]))
    quiet_transformers()
    try:
        if (train / "config.json").is_file():  # an outside model, which brought its own
            from titrant.model.outside_export import export_outside

            difference = export_outside(train, tokenizer, folder, sequence_length=length)
        else:
            from titrant.model.hugging_face import export_checkpoint

            architecture = Architecture.model_validate(declared["architecture"])
            difference = export_checkpoint(train, tokenizer, architecture, folder, sequence_length=length)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written ({error.strerror or error}); name another folder") from None
    click.echo(f"{wanted} -> {folder}: transformers computes the same logits to {difference:.2g}")


def quiet_transformers() -> None:
    """No progress bars for what takes a second: stderr is for what went wrong."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def evaluate_model(named: str, model: str, root: Path) -> None:
    """Score a Hugging Face folder, or a run of this store, with the study's evaluation."""
    opened, store = open_plan_and_store(named, root)
    if model in opened.plan.runs:
        last = opened.plan.jobs[opened.plan.runs[model][1][-1]]
        scores = Scores.read(store.require(_evaluation_of(opened, last.id), hashes=True))
        assert isinstance(last.declaration, TrainJob)
        _print_scores(model, scores, [f"context: {last.declaration.sequence_length} tokens, as it was trained"])
        return
    job = _evaluation_of(opened, next(iter(opened.plan.runs.values()))[1][-1])
    assert isinstance(job.declaration, EvaluateJob)
    # what any arm trains on comes along: it is left out of the held-out texts for every model alike
    asked = {role: id_ for role, id_ in job.inputs.items() if role != "train"}
    folders = {id_: store.require(opened.plan.jobs[id_], hashes=True) for id_ in sorted(set(asked.values()))}
    inputs = {role: folders[id_] for role, id_ in asked.items()}
    # bits per byte along the way belong to training; only the end is compared
    declaration = job.declaration.model_copy(update={"check_bytes_per_source": 0})
    if Path(model).is_dir():
        _score_folder(opened, store, declaration, inputs, Path(model))
    else:
        _score_other_run(opened, store, declaration, inputs, model)


def _evaluation_of(opened: Opened, train: str) -> Job:
    return next(job for job in opened.plan.jobs.values() if job.kind == "evaluate" and job.inputs.get("train") == train)


def _window_of(opened: Opened) -> int:
    """Tokens of context of all that is scored against a study: no more than its own runs have."""
    return max(scale.sequence_length for scale in opened.plan.study.scales.values())


def _context(opened: Opened, window: int) -> str:
    """How much a model was given to read, beside what the study's own runs read."""
    lengths = {name: scale.sequence_length for name, scale in opened.plan.study.scales.items()}
    if window < max(lengths.values()):
        why = f"all that this model has, where the study's runs have {max(lengths.values())}"
    elif len(set(lengths.values())) == 1:
        why = "as the study's runs"
    else:
        why = f"the longest of the study ({', '.join(f'{name} {length}' for name, length in lengths.items())})"
    return f"context: {window} tokens, {why}"


def _score_folder(opened: Opened, store: Store, declaration: EvaluateJob, inputs: dict[str, Path], model: Path) -> None:
    """Print the scores, kept in STORE/studies/STUDY/outside/NAME/ with every item."""
    from titrant.evaluate import score_outside

    quiet_transformers()
    with explaining_disk_trouble(store.root):
        out = empty_folder(store.study_folder(opened.name) / "outside" / model.resolve().name)
        try:
            found = score_outside(model, declaration, inputs, out, progress=_silent, window=_window_of(opened))
        except EngineError as error:  # no library is wrong: the folder that the command line names is
            raise StudyError(str(error)) from None
        scores, window, ending = found.scores, found.window, found.end_of_text_id
        told = {"model": str(model), "window": window, "end_of_text_id": ending}
        write_json(out / "scores.json", told | scores.model_dump(mode="json"))
    click.echo(f"every item: {out}")
    whose = "the study's" if found.studys_tokenizer else "its own (its tokenizer is not the study's)"
    _print_scores(str(model), scores, [_context(opened, window), f"end of text: token {ending}, {whose}"])


def _score_other_run(
    opened: Opened, store: Store, declaration: EvaluateJob, inputs: dict[str, Path], wanted: str
) -> None:
    """Print fresh scores of a run of another study, in no longer context than this study's runs have."""
    from titrant.evaluate import evaluate_checkpoint

    try:
        run = find_run(store, wanted)
    except StudyError as error:
        raise StudyError(f"'{wanted}' is neither a folder nor a run: {error}") from None
    train, tokenizer = folders_of(store, run)
    with tempfile.TemporaryDirectory() as folder:
        scores = evaluate_checkpoint(
            declaration,
            {**inputs, "train": train, "tokenizer": tokenizer},
            empty_folder(Path(folder) / "out"),
            scratch=empty_folder(Path(folder) / "scratch"),
            progress=_silent,
            window=_window_of(opened),
        )
    window = min(_window_of(opened), int(str(read_record(train).declaration["sequence_length"])))
    theirs, studys = TokenizerFile.read(tokenizer), TokenizerFile.read(inputs["tokenizer"])
    same = (theirs.content, theirs.end_of_text_id) == (studys.content, studys.end_of_text_id)
    whose = "the study's" if same else "that of its own study"
    _print_scores(wanted, scores, [_context(opened, window), f"end of text: token {theirs.end_of_text_id}, {whose}"])


def _print_scores(model: str, scores: Scores, how: list[str]) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("outcome", "score", "chance", "items"):
        table.add_column(heading, justify="left" if heading == "outcome" else "right")
    for outcome, score in scores.scores.items():
        chance = scores.chance.get(outcome)
        table.add_row(
            outcome, f"{score:.4f}", "" if chance is None else f"{chance:.4f}", str(scores.items.get(outcome, ""))
        )
    console = make_console()
    console.print(f"{model}, scored by {scores.scored_by}", soft_wrap=True)
    for line in how:
        console.print(line, soft_wrap=True)
    console.print(table)


def folders_of(store: Store, run: StoredRun) -> tuple[Path, Path]:
    """Folders of a run's last checkpoint and its tokenizer, whole and verified."""
    train, tokenizer = store.root / run.train, store.root / run.tokenizer
    for folder in (train, tokenizer):
        if not folder.is_dir():
            raise StoreError(
                f"run '{run.run}' of '{run.study}' is not finished: {folder} is missing; `titrant run` makes it"
            )
        damage = store.verified.find_damage(store.root, folder, read_record(folder), hashes=True)
        if damage:
            raise StoreError(f"{folder} is damaged: {damage}; `titrant run` makes it again")
    if read_record(train).input_content.get("tokenizer") != read_record(tokenizer).content:
        raise StoreError(f"{train} was trained with another tokenizer than {tokenizer} now holds; run the study again")
    return train, tokenizer


def _silent(done: int, total: int, unit: str, note: str = "") -> None:
    """Progress that nobody watches."""
