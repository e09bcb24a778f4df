"""Weights on disk: the tensors of one safetensors file, or an error that says what to do."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from titrant.errors import StoreError


def read_weights(file: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, on the CPU. Raises StoreError if it is absent or damaged."""
    try:
        weights: dict[str, Tensor] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{file} cannot be read ({error}); delete its folder and run again") from None
    return weights
