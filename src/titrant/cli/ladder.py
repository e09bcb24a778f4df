"""`titrant ladder`: the rungs that a scale may be named by, with what each fills in and where that comes from."""

from __future__ import annotations

from titrant.cli.opened import make_console
from titrant.study.rungs import RUNGS, Rung
from titrant.study.units import show_count

HEADS = ("rung", "non-embedding", "total at vocabulary", "length", "batch", "rate", "tokens", "FLOPs", "rule")
RULES = {
    "quickstart": "the quickstart's; rate and batch measured for so few tokens",
    "compute-optimal": "rate and batch by Bhagia et al. 2024 after Porian et al. 2024, 20 tokens a parameter by "
    "Hoffmann et al. 2022",
    "reference": "shape, length, batch and tokens of the reference study, which reports no rate: by DeepSeek-AI 2024",
}
"""What each rule says, in words."""


def show_ladder() -> None:
    """Print one line a rung, smallest first, and what the rules are."""
    from rich.table import Table

    console = make_console()
    table = Table(box=None, pad_edge=False)
    for head in HEADS:
        table.add_column(head, justify="left" if head in ("rung", "rule") else "right", no_wrap=True)
    for name, rung in RUNGS.items():
        table.add_row(name, *_cells(rung))
    console.print(table)
    for rule, words in RULES.items():
        console.print(f"{rule}: {words}", style="dim", soft_wrap=True)


def _cells(rung: Rung) -> tuple[str, ...]:
    """FLOPs are those of one run that uses the whole budget, with the output matrix at the stated vocabulary."""
    flops = rung.tokens * rung.architecture.flops_per_token(rung.vocabulary, rung.sequence_length)
    return (
        show_count(rung.non_embedding_parameters),
        f"{show_count(rung.parameters)} at {rung.vocabulary:,}",
        f"{rung.sequence_length:,}",
        show_count(rung.global_batch_tokens),
        f"{rung.learning_rate:g}",
        show_count(rung.tokens),
        f"{flops:.2g}",
        rung.rule,
    )
