"""Tiny real studies that every room's tests build on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

DEMO = """\
study: demo
question: Does code in pre-training help?
sources:
  text: {kind: text, from: [{files: prose}], reserve_fraction: 0.2}
  code: {kind: code, from: [{files: code}], max_epochs: 3}
mixtures:
  text: {text: 1}
  balanced: {text: 50, code: 50}
  code: {code: 1}
  mostly-text: {text: 90, code: 10}
phases:
  whole: {parts: 10, schedule: {shape: cosine}}
  init: {schedule: {shape: cosine}}
  continue: {schedule: {shape: cosine}}
  cooldown: {schedule: {shape: linear, start: current, final_fraction: 0}}
arms:
  text-only: [{whole: text}]
  text->text: [{init: text}, {continue: text}]
  balanced-only: [{init: balanced}, {continue: balanced}]
  balanced->text: [{init: balanced}, {continue: mostly-text}]
  code->text: [{init: code}, {continue: mostly-text}]
contrasts:
  - {arm: balanced-only, control: text->text}
  - {arm: balanced->text, control: text->text}
  - {arm: code->text, control: text->text}
  - {arm: text->text, control: text-only, differs_in: [schedule]}
budget_parts: 10
scales:
  tiny:
    architecture: {layers: 2, width: 32, heads: 2, ffn_width: 64}
    tokens: 40960
    sequence_length: 64
    global_batch_tokens: 1024
    learning_rate: 0.003
    precision: float32
seeds: [1, 2]
tokenizer: {vocabulary: 300, mixture: balanced, training_bytes: 50kB}
evaluation: {bits_per_byte: {bytes_per_source: 2kB}, checks_per_phase: 1, check_bytes_per_source: 1kB}
statistics: {resamples: 200}
hold_out_fraction: 0.1
"""


@pytest.fixture
def demo_text() -> str:
    """The demo study as YAML: five arms, two sources, one tiny scale, two seeds."""
    return DEMO


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., Path]:
    """Write a study beside two small real sources; `changes` replace top-level keys, `text` replaces all of it."""

    def write(text: str = DEMO, name: str = "study.yaml", **changes: object) -> Path:
        for folder, words in (("prose", "the river ran slowly past the old stone mill"), ("code", "x = f(a, b)")):
            (tmp_path / folder).mkdir(exist_ok=True)
            for number in range(60):
                line = " ".join(f"{word}{(number * 7 + i) % 13}" for i, word in enumerate(words.split()))
                suffix = "txt" if folder == "prose" else "py"
                (tmp_path / folder / f"{number:02}.{suffix}").write_text(f"{line}\n" * (20 + number % 5) + str(number))
        if changes:
            content = yaml.safe_load(text)
            content.update(changes)
            text = yaml.safe_dump({k: v for k, v in content.items() if v is not None}, sort_keys=False)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
