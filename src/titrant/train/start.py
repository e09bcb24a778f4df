"""A phase at its start: its batches checked, its weights and optimizer as the job says, in one process or in many."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from blake3 import blake3
from safetensors import SafetensorError, safe_open
from torch import Tensor

from titrant.artifacts import Checkpoint, TokenizerFile, TokenShards
from titrant.errors import StoreError
from titrant.jobs import TrainJob
from titrant.model.build import build_model, checkpoint_weights, prove_loss
from titrant.model.device import pick_device
from titrant.model.language_model import LanguageModel
from titrant.study.architecture import OutsideArchitecture
from titrant.tokens.batches import PhaseBatches
from titrant.tokens.relation import partition_of
from titrant.tokens.shards import TokenShard, open_shard
from titrant.train.compiled import choose_code, keep_compiled_code
from titrant.train.memory import choose_portion
from titrant.train.optimizer import Optimizers
from titrant.train.phase import Phase
from titrant.train.tally import Tally
from titrant.train.together.ranks import Ranks
from titrant.train.together.sharding import fill, shard
from titrant.train.watching.faults import Watcher


def open_batches(
    job: TrainJob, inputs: Mapping[str, Path], tokenizer: TokenizerFile, previous: Checkpoint | None
) -> PhaseBatches:
    """The batches of the phase, found to go on from where the previous one ended.

    Raises StoreError if shards are of another tokenizer or the previous phase drew from others, StudyError if a source
    cannot fill its share.
    """
    partition = partition_of(job.phase.data)
    shards: dict[str, TokenShard] = {}
    for source in sorted(job.phase.shares):
        folder = inputs[f"tokens/{source}"]
        if partition not in TokenShards.read(folder).shards:
            continue  # the batches say what is missing, and why it is needed
        shards[source] = open_shard(folder, partition)
        if shards[source].tokenizer != tokenizer.content:
            raise StoreError(
                f"source '{source}' was encoded with tokenizer {shards[source].tokenizer[:12]} and the run has "
                f"{tokenizer.content[:12]}; delete {folder} and run again"
            )
    batches = PhaseBatches(
        shards,
        job.phase,
        previous.cursors if previous else {},
        seed=job.seed,
        sequence_length=job.sequence_length,
        global_batch_tokens=job.global_batch_tokens,
        drawn_before=previous.drawn_sequences if previous else {},
    )
    if previous:
        batches.check_previous(previous.ledger, previous.drawn)
    return batches


def begin(
    job: TrainJob,
    inputs: Mapping[str, Path],
    tokenizer: TokenizerFile,
    batches: PhaseBatches,
    ranks: Ranks,
    note: Callable[[str], None],
) -> Phase:
    """Weights and optimizer as they stand at the start of the phase. All processes call it."""
    device, sharded = pick_device(), ranks.layout == "sharded" and not ranks.alone
    with torch.device("meta") if sharded else contextlib.nullcontext():  # no process ever holds the whole model
        model = _build(job, tokenizer)
    portion = choose_portion(job, tokenizer.vocabulary, device, ranks.world if ranks.layout == "sharded" else 1)
    code = choose_code(job, tokenizer.vocabulary, device, note)
    if code == "compiled":
        keep_compiled_code()
        model.compile_blocks()
    if portion.recompute:
        model.recompute_blocks()
    if sharded:
        _prove_before_it_is_cut(job, inputs, tokenizer, ranks)
        shard(model, ranks, job.precision)
        model.to_empty(device=device)
    else:
        model.to(device)
    fill(dict(model.named_parameters()), _weights(job, inputs, model, tokenizer.vocabulary), _place(job, inputs))
    if not sharded:
        prove_loss(model)
    optimizers = Optimizers(model, job.optimizer)
    if job.phase.optimizer_state == "carried":
        file = inputs["previous"] / "optimizer.safetensors"
        optimizers.load(_tensors(file, without="step"), _steps(file), str(file))
    return Phase(
        job=job,
        digest=digest_of(job, tokenizer.vocabulary, device) + " by compiled code" * (code == "compiled"),
        model=model,
        optimizers=optimizers,
        batches=batches,
        device=device,
        code=code,
        ranks=ranks,
        portion=portion,
        tally=Tally(batches.sources),
        note=note,
        watcher=Watcher(job.faults, job.phase.steps),
    )


def digest_of(job: TrainJob, vocabulary: int, device: torch.device) -> str:
    """Whose snapshots may be gone on from: those of the same job whose steps were computed in the same arithmetic.

    The kind of machine stands in plain words at the end: `... on NVIDIA H100 with torch 2.9.1`. In how many processes
    it was computed is no part of it: a phase may go on in more or fewer.
    """
    declared = blake3(f"{job.model_dump_json()}|{vocabulary}".encode()).hexdigest()
    machine = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{device.type} ({torch.backends.cpu.get_cpu_capability()})"
    )
    return f"{declared} on {machine} with torch {torch.__version__}"


def _build(job: TrainJob, tokenizer: TokenizerFile) -> LanguageModel:
    model = build_model(job.architecture, tokenizer.vocabulary, job.precision)
    model.separator = tokenizer.end_of_text_id if job.attention == "within-documents" else None
    return model


def _prove_before_it_is_cut(job: TrainJob, inputs: Mapping[str, Path], tokenizer: TokenizerFile, ranks: Ranks) -> None:
    """Prove the loss of an outside model on a whole one, which only the first process makes, and lets go of again."""
    if ranks.first and isinstance(job.architecture, OutsideArchitecture):
        model = _build(job, tokenizer)
        fill(dict(model.named_parameters()), _weights(job, inputs, model, tokenizer.vocabulary), _place(job, inputs))
        prove_loss(model)
    ranks.wait_for_all()


def _weights(
    job: TrainJob, inputs: Mapping[str, Path], model: LanguageModel, vocabulary: int
) -> Iterator[tuple[str, Tensor]]:
    """Whole weights by name, one at a time."""
    if job.phase.initialisation == "scratch":
        return model.initial_weights(job.seed)
    if job.phase.checkpoint is not None:
        return iter(checkpoint_weights(job.phase.checkpoint, job.architecture, vocabulary).items())
    return _tensors(inputs["previous"] / "model.safetensors")


def _place(job: TrainJob, inputs: Mapping[str, Path]) -> str:
    """Where the weights come from, in words."""
    if job.phase.initialisation == "scratch":
        return "a new model"
    if job.phase.checkpoint is not None:
        return job.phase.checkpoint.checkpoint
    return str(inputs["previous"] / "model.safetensors")


def _tensors(file: Path, without: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a safetensors file, read one at a time."""
    try:
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 (no mapping)
                if name != without:
                    yield name, opened.get_tensor(name)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{file} cannot be read ({error}); delete its folder and run again") from None


def _steps(file: Path) -> int:
    """Steps that the moments of an `optimizer.safetensors` have behind them."""
    return next(int(tensor) for name, tensor in _tensors(file) if name == "step")
