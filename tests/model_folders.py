"""Folders of models as far as their description goes: a config, the header of a safetensors file, a tokenizer."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "vocab_size": 300,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
    "eos_token_id": 0,
}


def llama_shapes(config: dict[str, Any] = CONFIG) -> dict[str, tuple[int, ...]]:
    width, ffn = config["hidden_size"], config["intermediate_size"]
    queries, keys = config["num_attention_heads"] * 4, config["num_key_value_heads"] * 4
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (config["vocab_size"], width)}
    shapes["model.norm.weight"] = (width,)
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        shapes |= {f"{name}.{norm}_layernorm.weight": (width,) for norm in ("input", "post_attention")}
        shapes |= {
            f"{name}.self_attn.q_proj.weight": (queries, width),
            f"{name}.self_attn.o_proj.weight": (width, queries),
        }
        shapes |= {f"{name}.self_attn.{part}_proj.weight": (keys, width) for part in "kv"}
        shapes |= {f"{name}.mlp.{part}_proj.weight": (ffn, width) for part in ("gate", "up")}
        shapes[f"{name}.mlp.down_proj.weight"] = (width, ffn)
    return shapes


def write_safetensors(file: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4 * prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    said = json.dumps(header).encode()
    file.write_bytes(len(said).to_bytes(8, "little") + said + bytes(at))


def write_tokenizer(file: Path, entries: int = 300) -> None:
    vocabulary = {"</s>": 0, "<|endoftext|>": 1} | {f"t{number}": number for number in range(2, entries)}
    file.write_text(json.dumps({"model": {"vocab": vocabulary}, "added_tokens": []}))


def write_model(folder: Path, shapes: dict[str, tuple[int, ...]] | None = None, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config = {name: value for name, value in (CONFIG | changes).items() if value is not None}
    (folder / "config.json").write_text(json.dumps(config))
    write_safetensors(folder / "model.safetensors", llama_shapes(CONFIG | changes) if shapes is None else shapes)
    write_tokenizer(folder / "tokenizer.json")
    return folder
