"""The rungs of the ladder: named sizes whose shape, batch, learning rate and budget follow rules with a source.

    rung    non-embedding   total at a vocabulary of       rule
    nano            1.33M   1.7M at 2,048                  quickstart
    micro           4.82M   5.9M at 4,096                  compute-optimal
    mini           14.16M   17M at 8,192                   compute-optimal
    70m            44.97M   71M at 50,304                  compute-optimal
    160m          120.34M   159M at 50,304                 compute-optimal
    470m          205.54M   468M at 256,000                reference
    1.4b          860.13M   1.38B at 256,000               compute-optimal
    2.8b            2.14B   2.80B at 256,000               reference

A rung does not say which vocabulary is used; where its name is a total, it is that total at the vocabulary above.
Rounding: batches to a multiple of 8 sequences, learning rates and budgets to two significant digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from titrant.study.architecture import Architecture
from titrant.study.declaration import suggestion

Rule = Literal["quickstart", "compute-optimal", "reference"]


@dataclass(frozen=True)
class Rung:
    """One named size."""

    architecture: Architecture
    sequence_length: int
    """Tokens of one training sequence."""
    global_batch_tokens: int
    """Tokens of one optimizer step."""
    learning_rate: float
    """Peak learning rate."""
    tokens: int
    """Budget of an arm that uses all parts."""
    rule: Rule
    """Where batch, learning rate and budget come from: see `compute_optimal`, `rate_by_compute` and `NANO`."""
    vocabulary: int
    """At which the total is stated."""

    @property
    def non_embedding_parameters(self) -> int:
        """Parameters without embedding and output matrix: N of the rules below."""
        return self.architecture.count_parameters(self.vocabulary)[0]

    @property
    def parameters(self) -> int:
        """All parameters at the stated vocabulary."""
        return sum(self.architecture.count_parameters(self.vocabulary))

    def fields(self) -> dict[str, Any]:
        """What it fills in of a scale."""
        return {
            "architecture": self.architecture.model_dump(exclude_unset=True),
            "tokens": self.tokens,
            "sequence_length": self.sequence_length,
            "global_batch_tokens": self.global_batch_tokens,
            "learning_rate": self.learning_rate,
        }


def compute_optimal(non_embedding_parameters: float) -> tuple[float, float, float]:
    """(learning rate, tokens of a batch, budget in tokens) of a model with N parameters that is trained once through
    the tokens that use its compute best: 0.0047 (N / 108M)^(-1/3); 160 (N / 108M)^(2/3) sequences of 2,048; 20 N.

    AdamW with beta2 of 0.95 and a cosine after a short warm-up. For many more tokens than 20 N the rate is too high:
    probe it.

    **Source:** rate and batch: Bhagia et al. 2024 ("Establishing Task Scaling Laws via Compute-Efficient Model
    Ladders"), who take the exponents from Porian et al. 2024 ("Resolving Discrepancies in Compute-Optimal Scaling of
    Language Models"); budget: Hoffmann et al. 2022, 20 tokens a parameter.
    """
    relative = non_embedding_parameters / 108e6
    return 0.0047 * relative ** (-1 / 3), 160 * relative ** (2 / 3) * 2048, 20 * non_embedding_parameters


def rate_by_compute(rung: Rung) -> float:
    """0.3118 C^(-0.125), where C = tokens x (6 N + 12 x layers x width x sequence length).

    For rungs whose budget is far beyond 20 N: the reference study trains 440B tokens in batches of 512 sequences of
    8,192 and reports no learning rate.

    **Source:** DeepSeek-AI 2024 ("DeepSeek LLM: Scaling Open-Source Language Models with Longtermism"), section 3.1;
    its batch at the compute of 2.8b, 0.2920 C^0.3271, is 4.9M tokens, near the reference study's 4.2M.
    """
    shape = rung.architecture
    attention = 12 * shape.layers * shape.width * rung.sequence_length
    compute = rung.tokens * (6.0 * rung.non_embedding_parameters + attention)
    return 0.3118 * float(compute**-0.125)


def _shape(layers: int, width: int, heads: int, ffn_width: int, *, as_reference: bool = False) -> Architecture:
    initializer: Literal["glorot-normal", "scaled-normal"] = "glorot-normal" if as_reference else "scaled-normal"
    return Architecture(layers=layers, width=width, heads=heads, ffn_width=ffn_width, initializer=initializer)


NANO = Rung(_shape(3, 192, 3, 512), 256, 2048, 0.003, 300_000, "quickstart", 2048)
"""The quickstart's, for minutes on a laptop: 300k tokens and not the rule's 27M, therefore a batch of 2,048 tokens
and not 17k (146 steps and not 17), and a rate that was measured for it and not the rule's 0.02."""

RUNGS: Mapping[str, Rung] = {
    "nano": NANO,
    "micro": Rung(_shape(6, 256, 4, 704), 512, 80 * 512, 0.013, 96_000_000, "compute-optimal", 4096),
    "mini": Rung(_shape(8, 384, 6, 1024), 1024, 80 * 1024, 0.0092, 280_000_000, "compute-optimal", 8192),
    "70m": Rung(_shape(14, 512, 8, 1408), 2048, 88 * 2048, 0.0063, 900_000_000, "compute-optimal", 50_304),
    "160m": Rung(_shape(17, 768, 12, 2048), 2048, 168 * 2048, 0.0045, 2_400_000_000, "compute-optimal", 50_304),
    "470m": Rung(
        _shape(16, 1024, 8, 2816, as_reference=True), 8192, 512 * 8192, 0.00072, 440 * 10**9, "reference", 256_000
    ),
    "1.4b": Rung(_shape(17, 2048, 16, 5504), 2048, 640 * 2048, 0.0024, 17 * 10**9, "compute-optimal", 256_000),
    "2.8b": Rung(
        _shape(27, 2560, 20, 6912, as_reference=True), 8192, 512 * 8192, 0.00056, 440 * 10**9, "reference", 256_000
    ),
}
"""Smallest first."""


def on_its_rung(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a study says of a scale, filled up with what its rung says: every field that is given stands, and a given
    `architecture` stands field by field. Without a rung, or with a null one, it is returned as it is."""
    name = given.get("rung")
    if name is None:
        return given
    if not isinstance(name, str) or name not in RUNGS:
        raise PydanticCustomError(
            "rung",
            "there is no rung {name}{hint}; the ladder has {known}",
            {
                "name": repr(name)[:60],
                "hint": suggestion(str(name), RUNGS),
                "known": ", ".join(f"'{rung}'" for rung in RUNGS),
                "key": "rung",
            },
        )
    filled = RUNGS[name].fields()
    shape = given.get("architecture")
    if isinstance(shape, Mapping) and "hugging_face" not in shape:
        return filled | {**given, "architecture": filled["architecture"] | dict(shape)}
    return filled | dict(given)
