"""Where training starts from outside: models and checkpoints are pinned by content, and all that is declared of them
is checked to fit together, tensor by tensor, before anything runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from titrant.errors import StudyError
from titrant.study.architecture import Architecture, ExistingTokenizer, OutsideArchitecture
from titrant.study.ladder import Scale
from titrant.study.optimizer import Muon
from titrant.study.outside import (
    COMPANIONS,
    Shapes,
    describe_model,
    interleaved_refusal,
    is_interleaved,
    read_config,
    tensor_differences,
    tensor_shapes,
    token_ids_of,
    without_output,
)
from titrant.study.phase import FromCheckpoint
from titrant.study.study import Study

Found = tuple[tuple[str | int, ...], str]
"""A path in the study and what is wrong there."""


def read_architecture(declared: OutsideArchitecture, folder: Path) -> OutsideArchitecture:
    """All fields as the folder has them, but `content`; what is given must match. `folder`: where paths start."""
    path = folder.resolve() / declared.hugging_face
    found: dict[str, Any] = dataclasses.asdict(describe_model(path))
    for field, value in found.items():
        given = getattr(declared, field)
        if (given or given is False) and given != value:
            raise StudyError(
                f"the model in '{path}' has {field} {value!r}, the study says {given!r}; correct the study, or leave "
                "it out"
            )
    return declared.model_copy(update={**found, "hugging_face": str(path)})


def model_files(folder: Path) -> list[tuple[str, Path]]:
    """(name, path) of the files that an outside architecture's `content` covers."""
    return [(name, folder / name) for name in COMPANIONS if (folder / name).is_file()]


def starting_problems(study: Study, token_ids: Mapping[str, int]) -> Iterator[Found]:
    """What does not fit together in a study whose models, checkpoints and tokenizer are pinned.

    `token_ids`: the vocabulary of an existing tokenizer, empty for one that is trained.
    """
    for name, scale in study.scales.items():
        if isinstance(scale.architecture, OutsideArchitecture):
            yield from _scale_problems(study, name, scale, scale.architecture)
    told: set[str] = set()
    for name, phase in study.phases.items():
        if isinstance(phase.initialisation, FromCheckpoint):
            for scale_name, scale in study.scales.items():
                for message in _checkpoint_problems(study, phase.initialisation, scale_name, scale, token_ids):
                    if message not in told:
                        yield ("phases", name, "initialisation"), message
                    told.add(message)


def reference_shapes(architecture: Architecture, vocabulary: int) -> Shapes:
    """The tensors of the reference block in its outside form (`CohereForCausalLM`), the output matrix left out."""
    width, ffn = architecture.width, architecture.ffn_width
    shapes: Shapes = {"model.embed_tokens.weight": (vocabulary, width), "model.norm.weight": (width,)}
    for index in range(architecture.layers):
        layer = f"model.layers.{index}"
        shapes[f"{layer}.input_layernorm.weight"] = (width,)
        shapes |= {f"{layer}.self_attn.{part}_proj.weight": (width, width) for part in "qkvo"}
        shapes |= {f"{layer}.mlp.{part}_proj.weight": (ffn, width) for part in ("gate", "up")}
        shapes[f"{layer}.mlp.down_proj.weight"] = (width, ffn)
    return shapes


def _scale_problems(study: Study, name: str, scale: Scale, architecture: OutsideArchitecture) -> Iterator[Found]:
    entries, rows = study.tokenizer.vocabulary or 0, architecture.vocabulary
    if entries > rows:
        yield (
            ("tokenizer",),
            f"the tokenizer has {entries:,} entries and the embedding of the model in '{architecture.hugging_face}' "
            f"{rows:,} rows (scale '{name}'): tokens from {rows:,} on have none; take the model's own tokenizer "
            f"(`tokenizer: {{file: {architecture.hugging_face}}}`)",
        )
    names = tensor_shapes(Path(architecture.hugging_face)) if isinstance(study.optimizer, Muon) else {}
    if mixed := next((each for each in names if is_interleaved(each)), None):
        yield ("optimizer",), interleaved_refusal(f"the model in '{architecture.hugging_face}'", mixed)
    if architecture.positions is not None and scale.sequence_length > architecture.positions:
        yield (
            ("scales", name, "sequence_length"),
            f"scale '{name}' has a sequence_length of {scale.sequence_length:,} tokens, and the model in "
            f"'{architecture.hugging_face}' reads {architecture.positions:,} positions; lower sequence_length",
        )


def _checkpoint_problems(
    study: Study, declared: FromCheckpoint, scale_name: str, scale: Scale, token_ids: Mapping[str, int]
) -> Iterator[str]:
    folder, architecture = Path(declared.checkpoint), scale.architecture
    try:
        family = str(read_config(folder)["model_type"])
        found = tensor_shapes(folder)
    except StudyError as error:
        yield from (problem.message for problem in error.problems)
        return
    if isinstance(architecture, OutsideArchitecture):
        wanted, whose = tensor_shapes(Path(architecture.hugging_face)), f"the model in '{architecture.hugging_face}'"
        if architecture.tied_embeddings:
            found, wanted = without_output(found), without_output(wanted)
    elif family != "cohere":
        yield (
            f"the checkpoint in '{folder}' is a '{family}' model, and scale '{scale_name}' declares the reference "
            f"block; write `architecture: {{hugging_face: {declared.checkpoint}}}` to train that model"
        )
        return
    else:
        wanted, whose = reference_shapes(architecture, study.tokenizer.vocabulary or 0), "the declared architecture"
        found = without_output(found)
    if difference := tensor_differences(found, wanted):
        yield (
            f"the checkpoint in '{folder}' is of another architecture than {whose} of scale '{scale_name}': "
            f"{difference}; name the checkpoint's own architecture, or another checkpoint"
        )
        return
    if isinstance(architecture, OutsideArchitecture):
        yield from _tokenizer_problems(study, folder, token_ids)


def _tokenizer_problems(study: Study, folder: Path, token_ids: Mapping[str, int]) -> Iterator[str]:
    """A model goes on only with the tokens that its embedding was trained on."""
    own = folder / "tokenizer.json"
    if not isinstance(study.tokenizer, ExistingTokenizer):
        yield (
            f"the checkpoint in '{folder}' was trained with its own tokenizer, and the study trains another; write "
            f"`tokenizer: {{file: {folder}}}`"
        )
        return
    if not own.is_file():
        return
    theirs = token_ids_of(own)
    differing = [token for token in sorted(set(theirs) | set(token_ids)) if theirs.get(token) != token_ids.get(token)]
    if differing:
        yield (
            f"the checkpoint in '{folder}' was trained with another tokenizer: {len(differing):,} tokens have another "
            f"id in '{study.tokenizer.file}', first {differing[0]!r}; write `tokenizer: {{file: {folder}}}`"
        )
