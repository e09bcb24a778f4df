"""The demo study: five arms on two small real sources, one tiny scale, two seeds; it runs in seconds."""

from __future__ import annotations

from pathlib import Path

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
tokenizer: {vocabulary: 280, mixture: balanced, training_bytes: 50kB}
evaluation: {bits_per_byte: {bytes_per_source: 8kB}, checks_per_phase: 1, check_bytes_per_source: 1kB}
statistics: {resamples: 200}
hold_out_fraction: 0.1
"""


def lay_out_study(folder: Path, text: str = DEMO, name: str = "study.yaml") -> Path:
    """Write a study and the two small real sources that it names; returns the study's path."""
    for source, suffix, words in (
        ("prose", "txt", "the river ran slowly past the old stone mill"),
        ("code", "py", "x = f(a, b)"),
    ):
        (folder / source).mkdir(parents=True, exist_ok=True)
        for number in range(90):
            lines = (
                " ".join(f"{word}{(number * 7 + line * 5 + i * i) % 13}" for i, word in enumerate(words.split()))
                for line in range(40 + number % 5)
            )
            content = "\n".join((*lines, str(number)))
            (folder / source / f"{number:02}.{suffix}").write_text(content)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
