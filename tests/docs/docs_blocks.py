"""Fenced blocks of the documentation, and tiny files for the studies among them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tokenizers import Tokenizer, models

from model_folders import write_model, write_safetensors
from titrant.study.architecture import Architecture
from titrant.study.starting_points import reference_shapes

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<mark>full study[^>]*?) -->\n *)?```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def name(self) -> str:
        """How a test names it."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every page that a reader is given."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks() -> Iterator[Block]:
    """All fenced blocks of all pages."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for found in FENCE.finditer(text):
            yield Block(
                page=page.relative_to(ROOT).as_posix(),
                line=text[: found.start()].count("\n") + 1,
                language=found["language"],
                mark=found["mark"] or "",
                text=found["text"],
            )


def write_files_of(content: object, folder: Path) -> None:
    """Tiny real files for every path that a study names."""
    if isinstance(content, dict):
        for path in _listed(content.get("files")):
            for number in range(3):
                name = path.replace("**/", "").replace("*", f"{number}")
                target = folder / (name if Path(name).suffix else f"{name}/{number}.txt")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(f"document {number} of {path}\n")
        if isinstance(content.get("hugging_face"), str):
            write_model(folder / content["hugging_face"], max_position_embeddings=8192)
        if str(content.get("file", "")).endswith(".json"):
            _write_tokenizer(folder / content["file"])
        if str(content.get("file", "")).endswith(".jsonl"):
            (folder / content["file"]).parent.mkdir(parents=True, exist_ok=True)
            line = {"context": "a", "choices": [" b", " c"], "answer": 0}
            (folder / content["file"]).write_text(json.dumps(line) + "\n")
    for inner in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        write_files_of(inner, folder)


def write_checkpoints_of(study: dict[str, Any], folder: Path) -> None:
    """Checkpoints of the architecture that the study's scale declares, where they are not of a model's own folder."""
    for phase in study["phases"].values():
        start = phase.get("initialisation")
        if isinstance(start, dict) and not (folder / start["checkpoint"] / "config.json").exists():
            (scale,) = study["scales"].values()
            shapes = reference_shapes(Architecture(**scale["architecture"]), vocabulary=3)
            (folder / start["checkpoint"]).mkdir(parents=True, exist_ok=True)
            (folder / start["checkpoint"] / "config.json").write_text('{"model_type": "cohere"}')
            write_safetensors(folder / start["checkpoint"] / "model.safetensors", shapes)


def write_study(block: Block, folder: Path) -> Path:
    """The study of a marked block in a folder, beside the files that it names."""
    if block.language == "yaml":
        content = yaml.safe_load(block.text)
        write_files_of(content, folder)
        write_checkpoints_of(content, folder)
    else:
        write_files_of({"files": re.findall(r'"files": "([^"]+)"', block.text)}, folder)
    path = folder / ("study.yaml" if block.language == "yaml" else "study.py")
    path.write_text(block.text, encoding="utf-8")
    return path


def _listed(files: object) -> list[str]:
    return [files] if isinstance(files, str) else [str(path) for path in files] if isinstance(files, list) else []


def _write_tokenizer(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    made.add_special_tokens(["<|endoftext|>"])
    made.save(str(path))
