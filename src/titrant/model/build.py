"""A model for training or scoring, whichever family it is of, and the weights of an outside checkpoint for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from titrant.errors import StoreError, StudyError
from titrant.model.language_model import LanguageModel
from titrant.model.transformer import Transformer
from titrant.study.architecture import Architecture, OutsideArchitecture
from titrant.study.outside import is_buffer, is_output, tensor_differences, tensor_shapes, weight_files
from titrant.study.phase import FromCheckpoint
from titrant.study.starting_points import model_files
from titrant.study.world import content_of, content_of_folder

Precision = Literal["float32", "bfloat16"]


def build_model(
    architecture: Architecture | OutsideArchitecture, vocabulary: int, precision: Precision
) -> LanguageModel:
    """The model without weights: zeros, or on the meta device if that is the default one.

    Raises StudyError if the folder of an outside architecture is not what was planned, EngineError if transformers
    cannot build its model.
    """
    if isinstance(architecture, Architecture):
        return Transformer(architecture, vocabulary, precision)
    from titrant.model.outside import OutsideModel  # transformers takes seconds to import: only here

    folder = Path(architecture.hugging_face)
    if not folder.is_dir():
        raise StudyError(f"model folder '{folder}' does not exist on this machine; bring it here, or plan anew")
    if architecture.content is not None and content_of(model_files(folder)) != architecture.content:
        raise StudyError(f"the model's configuration in '{folder}' changed since the run was planned; restore it")
    model = OutsideModel.of_folder(folder, precision)
    if vocabulary > model.vocabulary:
        raise StudyError(
            f"the tokenizer has {vocabulary:,} entries and the embedding of the model in '{folder}' "
            f"{model.vocabulary:,} rows; take the model's own tokenizer"
        )
    return model


def stored_model(train: Path, architecture: Mapping[str, object], vocabulary: int) -> LanguageModel:
    """The model of a train job's folder in float32, without weights; `architecture` is that of its record."""
    if not (train / "config.json").is_file():
        return Transformer(Architecture.model_validate(architecture), vocabulary, "float32")
    from titrant.model.outside import OutsideModel

    return OutsideModel.of_folder(train)


def prove_loss(model: LanguageModel) -> float:
    """That a model computes what its library does: see `OutsideModel.prove_loss`. Ours needs no proof, and gives 0."""
    if isinstance(model, Transformer):
        return 0.0
    from titrant.model.outside import OutsideModel

    assert isinstance(model, OutsideModel)
    return model.prove_loss()


def write_config(model: LanguageModel, folder: Path) -> None:
    """Write beside a checkpoint's weights what an outside model needs to be read again; nothing for one of ours."""
    if not isinstance(model, Transformer):
        from titrant.model.outside import OutsideModel

        assert isinstance(model, OutsideModel)
        model.write_config(folder)


def checkpoint_weights(
    pinned: FromCheckpoint, architecture: Architecture | OutsideArchitecture, vocabulary: int
) -> Mapping[str, Tensor]:
    """Float32 weights by the names of `build_model`'s parameters; those of an outside model are read one at a time.

    Raises StudyError if the folder changed since it was pinned, or holds other tensors than the architecture has (says
    which), or numbers that are not finite.
    """
    folder = Path(pinned.checkpoint)
    if pinned.content is not None and content_of_folder(folder) != pinned.content:
        raise StudyError(f"the checkpoint in {folder} changed since the run was planned; restore it, or plan anew")
    if isinstance(architecture, Architecture):
        from titrant.model.hugging_face import import_checkpoint

        return import_checkpoint(folder, architecture, vocabulary)
    with torch.device("meta"):
        model = build_model(architecture, vocabulary, "float32")
    wanted = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    return _read_checkpoint(folder, wanted)


def _read_checkpoint(folder: Path, wanted: Mapping[str, tuple[int, ...]]) -> _Tensors:
    """The tensors of a folder under the names that are wanted; some families are saved without the outer name."""
    found = {name: shape for name, shape in tensor_shapes(folder).items() if not is_buffer(name)}
    places = {name: name for name in found}
    prefixes = {name.partition(".")[0] + "." for name in wanted}
    for name in found:
        if name not in wanted:
            places[name] = next((prefix + name for prefix in sorted(prefixes) if prefix + name in wanted), name)
    outputs = [name for name in found if is_output(name) and places[name] not in wanted]
    heads = [name for name in wanted if is_output(name) and name not in places.values()]
    places |= dict(zip(outputs, heads, strict=False))  # the library renamed the output matrix of some families
    named = {places[name]: shape for name, shape in found.items()}
    named = {name: shape for name, shape in named.items() if name in wanted or not is_output(name)}
    if difference := tensor_differences(named, wanted):
        raise StudyError(f"the checkpoint in '{folder}' is of another architecture: {difference}")
    return _Tensors(folder, {place: name for name, place in places.items() if place in wanted})


class _Tensors(Mapping[str, Tensor]):
    """Tensors of a checkpoint's files, each read when it is asked for."""

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self._folder, self._names = folder, dict(sorted(names.items()))
        self._files: dict[str, Path] = {}
        for file in weight_files(folder):
            with self._open(file) as opened:
                self._files |= dict.fromkeys(opened.keys(), file)

    def __getitem__(self, name: str) -> Tensor:
        inner = self._names[name]
        with self._open(self._files[inner]) as opened:
            tensor: Tensor = opened.get_tensor(inner)
        if not bool(torch.isfinite(tensor).all()):
            raise StudyError(f"the checkpoint in '{self._folder}' holds infinite or undefined numbers, in '{inner}'")
        return tensor.float()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _open(self, file: Path) -> safe_open:
        try:
            return safe_open(file, framework="pt")
        except (OSError, SafetensorError) as error:
            raise StoreError(f"'{file}' cannot be read ({error}); save it again") from None
