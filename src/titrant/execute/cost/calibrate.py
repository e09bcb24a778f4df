"""Measure how fast this machine does a study's work, in about ten seconds, by doing a very small study of its shape.

    1. a source of Python's own library, a tokenizer and token shards are made by the study's stages in a folder that
       goes again afterwards
    2. as many processes as would run at once each, at the same time: train one sequence (what a job costs beside its
       steps), train steps of the study's own scale until the time is up, and answer a small part of its evaluation
    3. what lasts too long in a model of this size is measured in one of fewer layers, and told

The engine's own stages do all of it, so that whatever they do is in the figures. All in processes of their own
(`execute/measuring.py`): the caller never imports torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from titrant.errors import EngineError
from titrant.execute.cost.asked import BYTES_PER_TOKEN, CHOICE_TOKENS
from titrant.execute.cost.calibration import Calibration, ScaleSpeed, key_of
from titrant.execute.machine import Speed
from titrant.execute.nursery import ONE_THREAD
from titrant.settings import LAUNCHER, RANKS
from titrant.study.architecture import Architecture, ExistingTokenizer
from titrant.study.ladder import Scale
from titrant.study.study import Study

TRAIN_SECONDS = 2.5
"""How long steps are timed, for each scale."""

LONGEST_SECONDS = 6.0
"""After so long a scale's training is stopped, however few steps it took; a micro-batch that would take longer is timed
in a model of fewer layers."""

SCORE_SECONDS = 4.0
"""How long questions may take; of a model that is slow fewer are asked."""

PATIENCE_SECONDS = 120.0
"""A calibration that takes longer than this for each scale is given up."""

MICRO_BATCH_TOKENS = 4096
"""What the engine reads at once on a CPU, and so the least that is timed."""

TEXT_BYTES = 2_000_000
LARGEST_VOCABULARY = 8192
"""A vocabulary that can be learnt from so little text in a moment; a larger one is put down to FLOPs."""
ITEMS_PER_RUNG = 10
BYTES_SCORED = 40_000
CHOICE_ITEMS = 16


def calibrate(
    study: Study, vocabulary: int, workers: int, gpus: Sequence[str], crude: Speed | None
) -> dict[str, Calibration]:
    """Measure every scale of a pinned study; by key. `crude` decides whether a model must be made smaller.

    Raises EngineError, with the end of what the process said, if it fails or takes longer than two minutes a scale.
    """
    request = _request_of(study, vocabulary, workers, gpus, crude)
    environment = {
        # one process is measured, and shared out by the prediction
        **{name: value for name, value in os.environ.items() if name not in (RANKS, LAUNCHER)},
        **ONE_THREAD,
        "TOKENIZERS_PARALLELISM": "false",
        "TITRANT_TRACKERS": "",
        # on a CPU compiling takes longer than all the rest and gains a few percent; on a GPU it decides
        **({} if gpus else {"TITRANT_COMPILE": "0"}),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "titrant.execute.cost.measuring"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            env=environment,
            timeout=PATIENCE_SECONDS * len(study.scales),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"measuring this machine took longer than {PATIENCE_SECONDS * len(study.scales):.0f} s and was given up"
        ) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise EngineError(f"this machine could not be measured: {said}") from None
    measured = {}
    for number, (name, scale) in enumerate(study.scales.items()):
        found = _put_down_to_flops(answer["scales"][number], request["scored_flops"][number])
        measured[key_of(study, scale, vocabulary, workers)] = Calibration(
            scale=name,
            speed=ScaleSpeed(**found),
            core_speed=answer["core_speed"],
            job_seconds=answer["job_seconds"],
            workers=workers,
            measured_seconds=answer["seconds"],
            when=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        )
    return measured


def _request_of(
    study: Study, vocabulary: int, workers: int, gpus: Sequence[str], crude: Speed | None
) -> dict[str, Any]:
    """The very small study, and how to measure it."""
    existing = study.tokenizer if isinstance(study.tokenizer, ExistingTokenizer) else None
    small = vocabulary if existing else min(vocabulary, LARGEST_VOCABULARY)
    scales: dict[str, Any] = {}
    shrunk: list[str] = []
    ratios: list[float] = []
    efforts: list[float] = []
    for number, scale in enumerate(study.scales.values()):
        timed, words = shrink(scale, small, crude.flops_per_second if crude else None)
        if small < vocabulary:
            words = ", ".join(filter(None, [words, f"a vocabulary of {small}"]))
        shrunk.append(words)
        whole, part = (
            one.architecture.flops_per_token(entries, scale.sequence_length)
            for one, entries in ((scale, vocabulary), (timed, small))
        )
        ratios.append(whole / part)
        scoring = (BYTES_SCORED / BYTES_PER_TOKEN + _items_of(study) * CHOICE_TOKENS) * part / 3
        efforts.append(min(1.0, SCORE_SECONDS * crude.flops_per_second / scoring) if crude else 1.0)
        shape = timed.model_dump(mode="json", by_alias=True)
        batch, length = timed.global_batch_tokens, timed.sequence_length
        scales[f"s{number}-one"] = {**shape, "tokens": length, "global_batch_tokens": length}
        scales[f"s{number}"] = {**shape, "tokens": 1000 * batch}
    evaluation = study.evaluation.model_dump(mode="json")
    plant = next((source.plant for source in study.sources.values() if source.plant is not None), None)
    own: dict[str, Any] = {"kind": "text", "from": [{"files": ["text"]}], "max_document_characters": 3000}
    if plant is not None:
        own["plant"] = {"facts_per_rung": min(plant.facts_per_rung, ITEMS_PER_RUNG), "copies": [1]}
    return {
        "study": {
            "study": "calibration",
            "question": "How fast is this machine?",
            "sources": {"own": own},
            "mixtures": {"own": {"own": 1}},
            "phases": {"whole": {"parts": 1, "schedule": {"shape": "constant", "warmup_fraction": 0}}},
            "arms": {"own": [{"whole": "own"}]},
            "budget_parts": 1,
            "scales": scales,
            "seeds": [1],
            "tokenizer": existing.model_dump(mode="json")
            if existing
            else {"vocabulary": small, "mixture": "own", "training_bytes": TEXT_BYTES // 2},
            "optimizer": study.optimizer.model_dump(mode="json"),
            "hold_out_fraction": 0.2,
            "evaluation": {
                **evaluation,
                "bits_per_byte": {"bytes_per_source": BYTES_SCORED},
                "probes": [{**probe, "items_per_rung": ITEMS_PER_RUNG} for probe in evaluation["probes"]],
                "multiple_choice": [{**task, "content": None} for task in evaluation["multiple_choice"]],
                "decontaminate": None,
                "checks_per_phase": 0,
                "check_bytes_per_source": 1000,  # any: it is not asked for
            },
        },
        "shrunk": shrunk,
        "scored_flops": ratios,
        "efforts": efforts,
        "parent": os.getpid(),
        "workers": min(workers, len(gpus)) if gpus else workers,
        "gpus": list(gpus),
    }


def _items_of(study: Study) -> int:
    """Items that a calibration asks, at full effort."""
    rungs = sum(len(probe.rungs) for probe in study.evaluation.probes)
    return rungs * ITEMS_PER_RUNG + len(study.evaluation.multiple_choice) * CHOICE_ITEMS


def _put_down_to_flops(found: dict[str, Any], ratio: float) -> dict[str, Any]:
    """What scoring takes in the whole model, from what it took in a smaller one."""
    items = {name: seconds * ratio for name, seconds in found["seconds_per_item"].items()}
    return {**found, "seconds_per_byte": found["seconds_per_byte"] * ratio, "seconds_per_item": items}


def shrink(scale: Scale, vocabulary: int, crude_flops_per_second: float | None) -> tuple[Scale, str]:
    """The scale with as many of its layers as let a micro-batch be timed within seconds, and words for what went.

    Only models of our own can be cut; the time of the others is what it is. The speed of a GPU is not known before.
    """
    shape = scale.architecture
    if crude_flops_per_second is None or not isinstance(shape, Architecture):
        return scale, ""
    tokens = max(scale.sequence_length, min(MICRO_BATCH_TOKENS, scale.global_batch_tokens))
    layers = shape.layers
    while layers > 1:
        cut = shape.model_copy(update={"layers": layers})
        if cut.flops_per_token(vocabulary, scale.sequence_length) * tokens / crude_flops_per_second < LONGEST_SECONDS:
            break
        layers = layers // 2
    if layers == shape.layers:
        return scale, ""
    smaller = scale.model_copy(update={"architecture": shape.model_copy(update={"layers": layers})})
    return smaller, f"{layers} of {shape.layers} layers"
