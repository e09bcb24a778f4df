"""The door to and from Hugging Face: a trained model as a `CohereForCausalLM` folder, and such a folder as weights.

An export is proven before it appears: it is written beside its place, loaded again by transformers, and its logits are
compared with ours. What differs between the two forms is only how matrices are cut: here one input matrix holds query,
key, value, gate and up, and one output matrix holds the way back of attention and of the feed-forward.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import CohereConfig, CohereForCausalLM, PreTrainedTokenizerFast

from titrant.artifacts import TokenizerFile
from titrant.errors import EngineError, Problem, StoreError, StudyError
from titrant.model.transformer import Transformer
from titrant.model.weights import read_weights
from titrant.study.architecture import Architecture

LOGIT_TOLERANCE = 1e-5
"""Largest difference between our logits and the export's, as a share of the largest logit (or of 1, if that is more):
float32 has 7 digits, so an absolute bound would be broken by any model whose logits are large."""


def export_checkpoint(
    checkpoint_folder: Path,
    tokenizer_folder: Path,
    architecture: Architecture,
    out: Path,
    *,
    sequence_length: int = 2048,
) -> float:
    """Write the model and its tokenizer to the new folder `out`; returns the largest difference of a logit.

    `checkpoint_folder` holds a finished train job (or any `model.safetensors` of ours), `tokenizer_folder` a finished
    tokenizer job. `sequence_length` is what the model was trained on and becomes `max_position_embeddings`.
    Raises EngineError, and leaves nothing behind, if transformers reads something else than was trained.
    """
    if out.exists():
        raise StudyError(f"{out} exists already: name a folder that does not, so that nothing is overwritten")
    state = read_weights(checkpoint_folder / "model.safetensors")
    tokenizer = TokenizerFile.read(tokenizer_folder)
    vocabulary = state["embedding.weight"].shape[0]
    if tokenizer.vocabulary != vocabulary:
        raise StoreError(
            f"the tokenizer in {tokenizer_folder} has {tokenizer.vocabulary:,} entries and the model in "
            f"{checkpoint_folder} {vocabulary:,}: they are not of the same study"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        folder = Path(temporary) / out.name
        config = cohere_config(architecture, vocabulary, tokenizer.end_of_text_id, sequence_length)
        _save_model(config, to_cohere(state, architecture), folder)
        save_tokenizer(tokenizer_folder / "tokenizer.json", tokenizer.end_of_text_id, sequence_length, folder)
        difference = _prove(state, architecture, folder)
        folder.rename(out)
    return difference


def import_checkpoint(folder: Path, architecture: Architecture, vocabulary: int) -> dict[str, Tensor]:
    """Float32 weights for `Transformer(architecture, vocabulary)` from a `CohereForCausalLM` folder.

    Raises StudyError with everything in which the folder's model differs from what the study declares.
    """
    config = _read_config(folder)
    if problems := _differences(config, architecture, vocabulary, folder):
        raise StudyError(problems)
    model, faults = load_model(folder)
    if faults:
        raise StudyError([Problem(f"the weights in {folder} {fault}") for fault in faults])
    state = from_cohere(model.state_dict(), architecture)
    bad = [name for name, weights in state.items() if not bool(torch.isfinite(weights).all())]
    if bad:
        raise StudyError(f"the weights in {folder} hold infinite or undefined numbers, first in '{bad[0]}'")
    return state


def cohere_config(
    architecture: Architecture, vocabulary: int, end_of_text_id: int, sequence_length: int
) -> CohereConfig:
    """The Hugging Face configuration of an architecture: every field that has a default of its own is set."""
    return CohereConfig(
        vocab_size=vocabulary,
        hidden_size=architecture.width,
        intermediate_size=architecture.ffn_width,
        num_hidden_layers=architecture.layers,
        num_attention_heads=architecture.heads,
        num_key_value_heads=architecture.heads,
        max_position_embeddings=sequence_length,
        layer_norm_eps=float(architecture.norm_epsilon),
        logit_scale=float(architecture.logit_scale),
        tie_word_embeddings=architecture.tied_embeddings,
        rope_parameters={"rope_type": "default", "rope_theta": float(architecture.rope_theta)},
        bos_token_id=end_of_text_id,
        eos_token_id=end_of_text_id,
        pad_token_id=None,  # an embedding that is the padding's gets no gradient
        use_qk_norm=False,
        attention_bias=False,
        hidden_act="silu",
        dtype="float32",
    )


_INPUT = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj")
_OUTPUT = ("self_attn.o_proj", "mlp.down_proj")


def to_cohere(state: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """Our weights under Hugging Face's names."""
    width, ffn = architecture.width, architecture.ffn_width
    named = {"model.embed_tokens.weight": state["embedding.weight"], "model.norm.weight": state["norm.weight"]}
    named["lm_head.weight"] = state["embedding.weight" if architecture.tied_embeddings else "head.weight"]
    for index in range(architecture.layers):
        ours, theirs = f"blocks.{index}", f"model.layers.{index}"
        rows = torch.split(state[f"{ours}.input.weight"], [width, width, width, ffn, ffn])
        columns = torch.split(state[f"{ours}.output.weight"], [width, ffn], dim=1)
        named[f"{theirs}.input_layernorm.weight"] = state[f"{ours}.norm.weight"]
        for name, part in zip((*_INPUT, *_OUTPUT), (*rows, *columns), strict=True):
            named[f"{theirs}.{name}.weight"] = part.contiguous()
    return named


def from_cohere(named: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """Hugging Face's weights under our names, float32; the inverse of `to_cohere`."""
    state = {"embedding.weight": named["model.embed_tokens.weight"], "norm.weight": named["model.norm.weight"]}
    if not architecture.tied_embeddings:
        state["head.weight"] = named["lm_head.weight"]
    for index in range(architecture.layers):
        ours, theirs = f"blocks.{index}", f"model.layers.{index}"
        state[f"{ours}.norm.weight"] = named[f"{theirs}.input_layernorm.weight"]
        state[f"{ours}.input.weight"] = torch.cat([named[f"{theirs}.{name}.weight"] for name in _INPUT])
        state[f"{ours}.output.weight"] = torch.cat([named[f"{theirs}.{name}.weight"] for name in _OUTPUT], dim=1)
    return {name: weights.detach().float().clone() for name, weights in state.items()}


def _save_model(config: CohereConfig, named: Mapping[str, Tensor], folder: Path) -> None:
    model = CohereForCausalLM._from_config(config)
    model.load_state_dict(dict(named))
    model.save_pretrained(folder)


def load_model(folder: Path, kind: Any = CohereForCausalLM) -> tuple[Any, list[str]]:
    """The folder's model in float32 and what is wrong with its weights: transformers would only warn, and draw new
    weights in the place of missing ones."""
    try:
        model, report = kind.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        return None, [f"cannot be read: {error}"]
    lists = {"missing_keys": "lack", "unexpected_keys": "hold an unknown", "mismatched_keys": "have another shape of"}
    return model.eval(), [f"{words} '{key}'" for name, words in lists.items() for key in sorted(report[name], key=str)]


def save_tokenizer(file: Path, end_of_text_id: int, sequence_length: int, folder: Path) -> None:
    """Write a tokenizer.json as transformers reads tokenizers: it ends, begins and pads with the end-of-text token."""
    entries = json.loads(file.read_bytes())
    end_of_text = _token_of(entries, end_of_text_id)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(file),
        bos_token=end_of_text,
        eos_token=end_of_text,
        pad_token=end_of_text,
        model_max_length=sequence_length,
    )
    tokenizer.save_pretrained(folder)


def _token_of(entries: Mapping[str, object], wanted: int) -> str:
    added = entries.get("added_tokens")
    for token in added if isinstance(added, list) else []:
        if token["id"] == wanted:
            return str(token["content"])
    model = entries["model"]
    vocabulary = model["vocab"] if isinstance(model, dict) else {}
    return next(str(token) for token, number in vocabulary.items() if number == wanted)


@torch.no_grad()
def _prove(state: Mapping[str, Tensor], architecture: Architecture, folder: Path) -> float:
    """Largest difference of a logit between our model and the folder as transformers reads it."""
    vocabulary = state["embedding.weight"].shape[0]
    ours = Transformer(architecture, vocabulary)
    ours.load_state_dict(dict(state))
    theirs, faults = load_model(folder)
    if faults:
        raise EngineError(f"transformers cannot read the export: its weights {'; '.join(faults)}. Nothing was exported")
    tokens_BT = torch.randint(vocabulary, (2, 64), generator=torch.Generator().manual_seed(0))
    expected_BTV, found_BTV = ours.logits(tokens_BT), theirs(tokens_BT).logits
    return proven_difference(expected_BTV, found_BTV, LOGIT_TOLERANCE)


def proven_difference(expected_BTV: Tensor, found_BTV: Tensor, tolerance: float) -> float:
    """The largest difference of a logit. Raises EngineError if it is more than `tolerance`, as a share of the largest
    logit (or of 1, if that is more)."""
    difference = float((expected_BTV - found_BTV).abs().max())
    allowed = tolerance * max(1.0, float(expected_BTV.abs().max()))
    if not difference <= allowed:
        raise EngineError(
            f"transformers reads another model than was trained: a logit differs by {difference:.3g}, and at most "
            f"{allowed:.3g} is rounding. Nothing was exported; report this with the versions of torch and transformers"
        )
    return difference


def _read_config(folder: Path) -> CohereConfig:
    file = folder / "config.json"
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise StudyError(f"{folder} holds no config.json: name the folder of a Hugging Face checkpoint") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"{file} cannot be read: {error}") from None
    model_type = content.get("model_type") if isinstance(content, dict) else None
    if model_type != "cohere":
        raise StudyError(
            f"{folder} holds a '{model_type}' model; training goes on only from model type 'cohere' "
            "(CohereForCausalLM), which has the same block"
        )
    try:
        return CohereConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # strict configurations raise classes of their own
        raise StudyError(f"{file} is not a Cohere configuration: {error}") from None


def _differences(config: CohereConfig, architecture: Architecture, vocabulary: int, folder: Path) -> list[Problem]:
    wanted = cohere_config(architecture, vocabulary, end_of_text_id=0, sequence_length=1)
    fields = {
        "vocab_size": "the tokenizer's vocabulary",
        "hidden_size": "width",
        "intermediate_size": "ffn_width",
        "num_hidden_layers": "layers",
        "num_attention_heads": "heads",
        "num_key_value_heads": "heads (grouped queries are not supported)",
        "layer_norm_eps": "norm_epsilon",
        "logit_scale": "logit_scale",
        "tie_word_embeddings": "tied_embeddings",
        "use_qk_norm": "none: norms of query and key are not supported",
        "attention_bias": "none: biases are not supported",
        "hidden_act": "none: only SwiGLU is supported",
        "rope_parameters": "rope_theta",
    }
    return [
        Problem(
            f"the checkpoint in {folder} has {name} {getattr(config, name)!r} where the study needs "
            f"{getattr(wanted, name)!r} ({meaning})"
        )
        for name, meaning in fields.items()
        if getattr(config, name) != getattr(wanted, name)
    ]
