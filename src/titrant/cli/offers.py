"""`titrant plan STUDY --on GPU`: hours, money and what fits on machines that are not at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from titrant.execute.cost.accelerators import Offer
from titrant.study.units import show_seconds

if TYPE_CHECKING:
    from rich.console import Console


def print_offer(console: Console, offered: Offer, hourly_price: float | None) -> None:
    """A few lines after the plan's totals."""
    gpu = offered.accelerator
    gigabytes, teraflops = gpu.memory_bytes / 1e9, gpu.bf16_flops / 1e12
    console.print(
        f"\non {offered.count} x {gpu.name} ({teraflops:.4g} TFLOP/s bfloat16, {gigabytes:.0f} GB):", style="bold"
    )
    console.print(
        f"  about {show_seconds(offered.seconds)}, between {show_seconds(offered.low_seconds)} and "
        f"{show_seconds(offered.high_seconds)} by what is published; {offered.gpu_seconds / 3600:.3g} GPU hours"
    )
    if hourly_price is not None:
        low, middle, high = (
            seconds * offered.count / 3600 * hourly_price
            for seconds in (offered.low_seconds, offered.seconds, offered.high_seconds)
        )
        console.print(f"  about {middle:,.2f} in money at {hourly_price:g} an hour and GPU ({low:,.2f} to {high:,.2f})")
    for scale, fit in offered.fits.items():
        share = offered.shares[scale]
        if fit is None:
            console.print(f"  {scale}: does not fit on any number of {gpu.name}")
            continue
        again = ", blocks computed again in the backward pass" if fit.recomputed else ""
        console.print(
            f"  {scale}: at least {fit.gpus} GPU{'s' * (fit.gpus > 1)} a job ({_gigabytes(fit.bytes_per_gpu)} of each: "
            f"weights, gradients and moments {_gigabytes(fit.state_bytes)} in all, activations "
            f"{_gigabytes(fit.activation_bytes)}{again}); expected at {share.middle:.0%} of the peak "
            f"({share.low:.0%} to {share.high:.0%})"
        )
    if offered.too_large:
        console.print(
            f"  too few GPUs for {', '.join(offered.too_large)}: the time is that of a job spread over all of them"
        )
    sources = list(dict.fromkeys(source for share in offered.shares.values() for source in share.sources))
    console.print(f"  shares of the peak are what others publish of their own trainers: {'; '.join(sources)}")
    if offered.unknown:
        console.print(
            f"  not counted: {offered.unknown} jobs on sources whose size is not known before they are fetched"
        )


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def offer_as_data(offered: Offer, hourly_price: float | None) -> dict[str, object]:
    """The same as plain data."""
    return {
        "accelerator": offered.accelerator.name,
        "count": offered.count,
        "seconds": offered.seconds,
        "seconds_range": [offered.low_seconds, offered.high_seconds],
        "gpu_hours": offered.gpu_seconds / 3600,
        "price": offered.gpu_seconds / 3600 * hourly_price if hourly_price is not None else None,
        "gpu_seconds_by_kind": dict(offered.by_kind),
        "scales": {
            name: {
                "gpus_a_job": fit.gpus if fit else None,
                "bytes_per_gpu": fit.bytes_per_gpu if fit else None,
                "recomputed": fit.recomputed if fit else None,
                "mfu": [offered.shares[name].low, offered.shares[name].middle, offered.shares[name].high],
                "mfu_sources": list(offered.shares[name].sources),
            }
            for name, fit in offered.fits.items()
        },
        "too_large": list(offered.too_large),
        "jobs_without_prediction": offered.unknown,
    }
