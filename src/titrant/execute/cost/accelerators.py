"""What a study would take on GPUs that are not at hand: hours, money, what fits, from a table and published shares of
the peak.

    seconds of a train job   FLOPs / (GPUs of the job x peak x expected share of it), but never less than launching its
                             kernels takes
    bytes of a train job     masters, gradients, two moments, low-precision copies: 18 bytes a parameter, shared out
                             over the GPUs of the job; activations of a micro-batch of one sequence, kept or made again

The shares are what others publish for their own trainers, not measurements of this one: their spread is given with
every prediction. A first calibration or a first job on such a machine replaces them.

**Source:** bytes a parameter: Rajbhandari et al. 2020 (ZeRO), section 3.1; activations: Korthikanti et al. 2022,
sections 4.1 and 5 (34 bytes a token and width in a layer, 2 where blocks are computed again, attention's matrix never
kept).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from titrant.errors import StudyError
from titrant.execute.cost.asked import ON_GPU, evaluation_flops, scale_of
from titrant.execute.cost.rates import data_seconds
from titrant.execute.cost.schedule import Piece, timetable, whole
from titrant.execute.store import Store
from titrant.jobs import TrainJob
from titrant.model.peaks import ACCELERATORS, Accelerator, known_accelerator
from titrant.plan import Job, Plan
from titrant.study.declaration import listing, suggestion
from titrant.study.ladder import Scale


@dataclass(frozen=True)
class Published:
    """A share of the dense bfloat16 peak that someone reached in training, and where it is told."""

    parameters: float
    """Of the whole model."""
    sequence_length: int
    fraction: float
    source: str


PUBLISHED: tuple[Published, ...] = (
    Published(124e6, 2048, 0.41, "nanochat, dev/LOG.md, d12 on H100"),
    Published(350e6, 2048, 0.46, "nanochat, dev/LOG.md, d18 on H100"),
    Published(760e6, 2048, 0.365, "llm-foundry, benchmarking README, 760M on 8 to 32 H100"),
    Published(1.3e9, 2048, 0.418, "llm-foundry, benchmarking README, 1B on 8 H100"),
    Published(2.65e9, 2048, 0.437, "llm-foundry, benchmarking README, 3B on 16 H100"),
    Published(3.1e9, 4096, 0.294, "SmolLM3 3B with Nanotron on H100, as cited by others"),
    Published(7e9, 4096, 0.46, "fms-fsdp, issue 89, 7B on H100"),
    Published(8e9, 8192, 0.36, "torchtitan, performance report, 8B on 8 H100 of 500 W, compiled"),
)
"""Each counts attention in its own way (llm-foundry the full square, others half of it), so that they agree to a few
hundredths only."""

LAUNCH_SECONDS = 4e-4
"""Launching the kernels of one block, forward and backward, where nothing else takes longer. An assumption: about 60
launches of 6 microseconds. It decides only for models that are far too small for a GPU."""

BYTES_PER_PARAMETER = 18
USABLE_FRACTION = 0.9
"""Of a GPU's memory; the rest goes to the context, fragments and buffers of communication."""

KEPT_BYTES, AGAIN_BYTES = 34, 2
LOGIT_ROWS = 1024
"""Rows of logits that exist at once, float32, and once more for their gradient."""

FLOAT32_FRACTION = 0.3
"""Of the float32 peak, in scoring: an assumption."""

START_SECONDS = 20.0
"""Starting a job: libraries, context, reading weights, writing a checkpoint. An assumption."""

MOST_GPUS_A_JOB = 1024


@dataclass(frozen=True)
class Share:
    """The expected share of the peak, and the range of what is published for models of about that size."""

    low: float
    middle: float
    high: float
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """What a scale's train job needs, and on how many GPUs it fits."""

    state_bytes: float
    activation_bytes: float
    recomputed: bool
    """Whether blocks must be computed again to fit."""
    gpus: int
    """The least number of GPUs on which it fits, a power of two."""

    @property
    def bytes_per_gpu(self) -> float:
        """On each of them."""
        return self.state_bytes / self.gpus + self.activation_bytes


@dataclass(frozen=True)
class Offer:
    """What a study would take on machines that are not here."""

    accelerator: Accelerator
    count: int
    fits: Mapping[str, Fit | None]
    """By scale; None: it fits on no number of GPUs that is thought of."""
    shares: Mapping[str, Share]
    seconds: float
    low_seconds: float
    high_seconds: float
    gpu_seconds: float
    """All GPUs from the beginning to the end."""
    by_kind: Mapping[str, float]
    """GPU seconds of train and evaluate jobs."""
    too_large: tuple[str, ...]
    """Scales that need more GPUs than there are."""
    unknown: int
    """Jobs whose time cannot be known yet."""


def accelerator_named(name: str) -> Accelerator:
    """The accelerator of a name as people type it. Raises StudyError with those that are known."""
    found = known_accelerator(name)
    if found is None:
        names = [one.name for one in ACCELERATORS]
        raise StudyError(
            f"'{name}' is no GPU of the table{suggestion(name, names)}; it knows {listing(sorted(names))}. On a "
            "machine that has one, `titrant plan STUDY --calibrate` measures it"
        )
    return found


def expected_share(parameters: float, sequence_length: int) -> Share:
    """The share of the peak to expect: the mean of what is published for models up to four times smaller or larger,
    or of the two nearest in size; nearer ones count more."""

    def distance(one: Published) -> float:
        return abs(math.log(one.parameters / parameters)) + 0.25 * abs(math.log(one.sequence_length / sequence_length))

    near = sorted(PUBLISHED, key=distance)
    chosen = [one for one in near if abs(math.log(one.parameters / parameters)) <= math.log(4)]
    chosen = chosen if len(chosen) >= 2 else near[:2]
    weights = [1 / (0.25 + distance(one)) for one in chosen]
    middle = sum(weight * one.fraction for weight, one in zip(weights, chosen, strict=True)) / sum(weights)
    fractions = [one.fraction for one in chosen]
    return Share(min(fractions), middle, max(fractions), tuple(one.source for one in chosen))


def fit_of(scale: Scale, vocabulary: int, accelerator: Accelerator) -> Fit | None:
    """On how many GPUs a scale's train job fits, blocks computed again where that is needed. None: on none."""
    usable = accelerator.memory_bytes * USABLE_FRACTION
    shape = scale.architecture
    state = float(BYTES_PER_PARAMETER * sum(shape.count_parameters(vocabulary)))
    tokens_and_width = float(scale.sequence_length * shape.width)
    logits = 2.0 * 4 * LOGIT_ROWS * vocabulary
    kept = logits + KEPT_BYTES * tokens_and_width * shape.layers
    again = logits + (AGAIN_BYTES * shape.layers + KEPT_BYTES) * tokens_and_width
    gpus = 1
    while gpus <= MOST_GPUS_A_JOB:
        for activations, recomputed in ((kept, False), (again, True)):
            if state / gpus + activations <= usable:
                return Fit(state, activations, recomputed, gpus)
        gpus *= 2
    return None


def offer(plan: Plan, store: Store, accelerator: Accelerator, count: int, missing: Mapping[str, Job]) -> Offer:
    """What the missing jobs would take on `count` GPUs of a kind, each train job on as few as it fits on."""
    vocabulary = plan.study.tokenizer.vocabulary or 0
    scales = plan.study.scales
    fits = {name: fit_of(scale, vocabulary, accelerator) for name, scale in scales.items()}
    shares = {
        name: expected_share(sum(scale.architecture.count_parameters(vocabulary)), scale.sequence_length)
        for name, scale in scales.items()
    }
    spans = []
    by_kind: dict[str, float] = {}
    unknown = 0
    widest = max((fit.gpus for fit in fits.values() if fit is not None), default=1)
    for bound in ("high", "middle", "low"):
        pieces = []
        for id_, job in missing.items():
            seconds = _seconds(job, plan, accelerator, fits, shares, bound, count)
            if seconds is None:
                known, _ = data_seconds(job, plan, store, 1.0)
                unknown += known is None and bound == "middle"
                seconds = known or 0.0
            elif bound == "middle":
                by_kind[job.kind] = by_kind.get(job.kind, 0.0) + seconds * _gpus_of(job, plan, fits, count)
            after = tuple(dict.fromkeys((*job.inputs.values(), *job.after)))
            pieces.append(Piece(id_, seconds, after, job.kind in ON_GPU))
        at_once = max(1, count // widest)
        spans.append(whole(timetable(pieces, max(at_once, 8), at_once)))
    return Offer(
        accelerator,
        count,
        fits,
        shares,
        seconds=spans[1],
        low_seconds=spans[0],
        high_seconds=spans[2],
        gpu_seconds=spans[1] * count,
        by_kind=by_kind,
        too_large=tuple(name for name, fit in fits.items() if fit is None or fit.gpus > count),
        unknown=unknown,
    )


def predicted_on(job: Job, plan: Plan, accelerator: Accelerator) -> float | None:
    """Seconds of a train or evaluate job on one GPU of a kind that was not measured yet."""
    vocabulary = plan.study.tokenizer.vocabulary or 0
    scales = plan.study.scales.items()
    fits = {name: fit_of(scale, vocabulary, accelerator) for name, scale in scales}
    shares = {
        name: expected_share(sum(scale.architecture.count_parameters(vocabulary)), scale.sequence_length)
        for name, scale in scales
    }
    return _seconds(job, plan, accelerator, fits, shares, "middle", 1)


def _seconds(
    job: Job,
    plan: Plan,
    accelerator: Accelerator,
    fits: Mapping[str, Fit | None],
    shares: Mapping[str, Share],
    bound: str,
    count: int,
) -> float | None:
    """Seconds of a train, evaluate or generate job; None for the others."""
    if job.kind in ("evaluate", "generate"):
        return START_SECONDS + evaluation_flops(job, plan) / (accelerator.fp32_flops * FLOAT32_FRACTION)
    asked = job.declaration
    if not isinstance(asked, TrainJob):
        return None
    scale = scale_of(job, plan)
    if scale is None:
        return None
    fit, share = fits[scale], shares[scale]
    gpus = min(fit.gpus, count) if fit else count
    fraction = {"low": share.low, "middle": share.middle, "high": share.high}[bound]
    micro_batches = max(1, asked.global_batch_tokens // asked.sequence_length // gpus)
    launching = asked.phase.steps * min(micro_batches, 8) * asked.architecture.layers * LAUNCH_SECONDS
    return START_SECONDS + max(job.flops / (gpus * accelerator.bf16_flops * fraction), launching)


def _gpus_of(job: Job, plan: Plan, fits: Mapping[str, Fit | None], count: int) -> int:
    """GPUs that one job takes at once."""
    fit = fits.get(scale_of(job, plan) or "") if job.kind == "train" else None
    return min(fit.gpus, count) if fit else 1
