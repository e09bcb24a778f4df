"""What accelerators can do at most, by name: pure data, so that a plan can read it without torch.

Peaks are of dense products in bfloat16 with float32 sums (makers like to print twice as much, for sparse ones), and of
float32 without tensor cores. Memory is what the data sheet says, in decimal bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Accelerator:
    """One model of GPU."""

    name: str
    """As people say it, e.g. `H100`."""
    bf16_flops: float
    """Dense bfloat16 FLOP/s."""
    fp32_flops: float
    """float32 FLOP/s without tensor cores."""
    memory_bytes: float
    bytes_per_second: float
    """Bandwidth of its memory."""
    pattern: str
    """What the driver's name matches, whatever the case; the first in the table that matches counts."""
    source: str


def _gpu(
    name: str, bf16: float, fp32: float, gigabytes: float, bandwidth: float, pattern: str, source: str
) -> Accelerator:
    """TFLOP/s, GB and GB/s, as data sheets print them."""
    return Accelerator(name, bf16 * 1e12, fp32 * 1e12, gigabytes * 1e9, bandwidth * 1e9, pattern, source)


ACCELERATORS: tuple[Accelerator, ...] = (
    _gpu("B200", 2250, 80, 180, 8000, r"\bB200\b", "NVIDIA, Blackwell architecture brief, HGX B200"),
    _gpu("H200-NVL", 835, 60, 141, 4800, r"H200 NVL", "NVIDIA, H200 data sheet, NVL"),
    _gpu("H200", 989, 67, 141, 4800, r"\bH200\b", "NVIDIA, H200 data sheet, SXM"),
    _gpu("H100-NVL", 835, 60, 94, 3900, r"H100 NVL", "NVIDIA, H100 data sheet, NVL"),
    _gpu("H100-PCIe", 756, 51, 80, 2000, r"H100 PCIe", "NVIDIA, H100 data sheet, PCIe"),
    _gpu("H100", 989, 67, 80, 3350, r"\bH100\b", "NVIDIA, H100 data sheet, SXM"),
    _gpu("A100-40GB", 312, 19.5, 40, 1555, r"A100.*40 ?GB", "NVIDIA, A100 data sheet"),
    _gpu("A100", 312, 19.5, 80, 2039, r"\bA100\b", "NVIDIA, A100 data sheet, 80 GB SXM"),
    _gpu("L40S", 362, 91.6, 48, 864, r"\bL40S\b", "NVIDIA, L40S data sheet"),
    _gpu("L4", 121, 30.3, 24, 300, r"\bL4\b", "NVIDIA, L4 data sheet"),
    _gpu("A10G", 70, 31.5, 24, 600, r"\bA10G\b", "NVIDIA, A10G data sheet"),
    _gpu("A10", 125, 31.2, 24, 600, r"\bA10\b", "NVIDIA, A10 data sheet"),
    _gpu("A40", 149.7, 37.4, 48, 696, r"\bA40\b", "NVIDIA, A40 data sheet"),
    _gpu("RTX-5090", 209.5, 104.8, 32, 1792, r"RTX 5090", "NVIDIA, RTX Blackwell white paper, float32 sums"),
    _gpu("RTX-4090", 165.2, 82.6, 24, 1008, r"RTX 4090", "NVIDIA, Ada white paper, appendix A, float32 sums"),
    _gpu("RTX-3090", 71, 35.6, 24, 936, r"RTX 3090", "NVIDIA, GA102 white paper, float32 sums"),
    _gpu("MI325X", 1307.4, 163.4, 256, 6000, r"MI325X", "AMD, Instinct MI325X data sheet"),
    _gpu("MI300X", 1307.4, 163.4, 192, 5300, r"MI300X", "AMD, Instinct MI300X data sheet"),
)  # fmt: skip


def known_accelerator(name: str) -> Accelerator | None:
    """The accelerator that a driver's name (`NVIDIA H100 80GB HBM3`) or a short one (`h100`, `rtx 4090`) means.

    >>> known_accelerator("NVIDIA H100 80GB HBM3").name, known_accelerator("h100 pcie").name, known_accelerator("TPU")
    ('H100', 'H100-PCIe', None)
    """
    plain = _plain(name)
    exact = [one for one in ACCELERATORS if _plain(one.name) == plain]
    matching = (one for one in ACCELERATORS if re.search(one.pattern, name.replace("-", " "), re.IGNORECASE))
    return exact[0] if exact else next(matching, None)


def peak_bf16_flops(name: str) -> float | None:
    """Dense bfloat16 FLOP/s of a GPU by the driver's name; None if it is not in the table."""
    found = known_accelerator(name)
    return found.bf16_flops if found else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
