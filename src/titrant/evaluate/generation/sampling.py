"""How the next token is drawn: one number in [0, 1) a token decides it, and that number depends on nothing but names.

    probabilities = softmax(logits / temperature)
    nucleus       = the likeliest tokens that together reach top_p
    token         = the first one, in the order of the vocabulary, at which the nucleus' running sum passes number * sum

The number is a hash of (seed, prompt, sample, place), so that a text is the same in any batch and in any order. Running
sums are float64 and in the order of the vocabulary: rounding can move the borders between tokens a little, but never
exchange two tokens that are nearly as likely. At temperature 0 the likeliest token is taken; of a tie, the first.

**Source:** Holtzman et al. 2020 (1904.09751), section 3.1, for the nucleus.

Shapes: R rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from blake3 import blake3
from numpy.typing import NDArray
from torch import Tensor

from titrant.study.tasks import Sampling


class Draws:
    """The numbers of one sample of one prompt, by place.

    >>> draws = Draws(seed=0, prompt="a", sample=0)
    >>> draws.number(3) == draws.number(3), draws.number(3) == draws.number(4)
    (True, False)
    """

    def __init__(self, seed: int, prompt: str, sample: int) -> None:
        self._hash = blake3(f"{seed}/{sample}/{prompt}/".encode())

    def number(self, place: int) -> float:
        """Uniform in [0, 1), a multiple of 2^-48: so small a share of any sum stays below the sum."""
        hash_ = self._hash.copy()
        hash_.update(place.to_bytes(8, "little"))
        return int.from_bytes(hash_.digest(length=6), "little") / 2**48


def choose_tokens(logits_RV: Tensor, sampling: Sampling, numbers: Sequence[float]) -> list[int]:
    """The next token of each row; `numbers` holds one in [0, 1) for each (not looked at where temperature is 0).

    A row's token does not depend on the other rows.
    """
    if sampling.temperature == 0:
        chosen: list[int] = logits_RV.argmax(-1).tolist()
        return chosen
    # the largest is taken away first, or small temperatures would overflow
    centred = logits_RV.float() - logits_RV.float().amax(-1, keepdim=True)
    probabilities_RV = torch.softmax(centred / sampling.temperature, dim=-1)
    if sampling.top_p == 1:
        return _first_past(probabilities_RV, numbers)
    return _from_nuclei(probabilities_RV, sampling.top_p, numbers)


def _first_past(probabilities_RV: Tensor, numbers: Sequence[float]) -> list[int]:
    sums_RV = probabilities_RV.cumsum(-1, dtype=torch.float64)
    wanted_R1 = torch.tensor(numbers, dtype=torch.float64, device=sums_RV.device)[:, None] * sums_RV[:, -1:]
    chosen: list[int] = torch.searchsorted(sums_RV, wanted_R1, right=True)[:, 0].tolist()
    return chosen


def _from_nuclei(probabilities_RV: Tensor, top_p: float, numbers: Sequence[float]) -> list[int]:
    # all tokens below this together have less than 1 - top_p, so none of them is in a nucleus (half: for rounding)
    least = (1 - top_p) / probabilities_RV.shape[1] / 2
    rows = probabilities_RV.cpu().numpy()
    return [_from_nucleus(row_V, least, top_p, number) for row_V, number in zip(rows, numbers, strict=True)]


def _from_nucleus(probabilities_V: NDArray[np.float32], least: float, top_p: float, number: float) -> int:
    tokens = np.flatnonzero(probabilities_V >= least)
    found = probabilities_V[tokens]
    likeliest = np.sort(found)[::-1]
    size = min(int(np.searchsorted(np.cumsum(likeliest, dtype=np.float64), top_p)) + 1, len(found))
    # of tokens that are as likely as the last one, those that the vocabulary has first
    last = likeliest[size - 1]
    inside = found > last
    inside[np.flatnonzero(found == last)[: size - int(inside.sum())]] = True
    sums = np.cumsum(np.where(inside, found, 0), dtype=np.float64)
    return int(tokens[np.searchsorted(sums, number * sums[-1], side="right")])
