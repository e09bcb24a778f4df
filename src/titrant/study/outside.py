"""What a folder of Hugging Face holds, read without torch or transformers: its config, and the shapes of its tensors.

A safetensors file begins with the length of its header (8 bytes, little-endian) and the header, a JSON object: name ->
dtype, shape, offsets. Reading headers alone, a model of any size is described in milliseconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from titrant.errors import StudyError

COMPANIONS = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)
"""Files that make the model what it is, weights and tokenizer apart, and that an export takes along."""

Shapes = dict[str, tuple[int, ...]]
"""Shape of every tensor by name."""

_MOST_HEADER_BYTES = 100_000_000
_EMBEDDING = re.compile(r"(^|\.)(embed_tokens|wte|embed_in|word_embeddings|tok_embeddings)\.weight$")
_OUTPUT = re.compile(r"(^|\.)(lm_head|embed_out|output)\.weight$")
_IN_A_BLOCK = re.compile(r"(^|\.)(layers|h|blocks|block)\.\d+\.")
_BUFFER = re.compile(r"\.(inv_freq|masked_bias|attn\.bias|attention\.bias)$")
_TIED_BY_DEFAULT = ("gemma", "cohere", "gpt2", "gpt_bigcode", "opt", "bloom", "starcoder2")
"""Families whose output matrix is the embedding where the config does not say."""

TRAINABLE = frozenset(
    "arcee cohere cohere2 ernie4_5 exaone4 gemma gemma2 gemma3_text glm glm4 gpt2 "  # noqa: SIM905  as words
    "gpt_neox granite helium hunyuan_v1_dense llama ministral mistral nemotron olmo olmo2 olmo3 phi3 qwen2 qwen3 "
    "seed_oss smollm3 stablelm starcoder2".split()
)
"""Model types whose loss and gradients were compared with those of transformers (tests/model/test_model_outside.py)."""

ACTIVATIONS = frozenset(
    "gelu gelu_10 gelu_accurate gelu_fast gelu_new gelu_python gelu_python_tanh "  # noqa: SIM905  as words
    "gelu_pytorch_tanh hardswish laplace leaky_relu linear mish quick_gelu relu relu2 relu6 sigmoid silu swish "
    "tanh".split()
)
"""Activations that transformers knows, those with weights apart."""

ROPES = frozenset({"default", "dynamic", "linear", "llama3", "longrope", "proportional", "yarn"})
"""Kinds of rotary angles that transformers knows."""

_INTERLEAVED = re.compile(r"(^|\.)(query_key_value|Wqkv)\.weight$")


@dataclass(frozen=True)
class Described:
    """A model as its folder describes it; see `OutsideArchitecture` for the fields."""

    family: str
    layers: int
    width: int
    heads: int
    head_width: int
    ffn_width: int
    vocabulary: int
    positions: int | None
    tied_embeddings: bool
    non_embedding_parameters: int
    matrix_parameters: int


def describe_model(folder: Path) -> Described:
    """The causal language model of a folder. Raises StudyError if it holds none that can be trained."""
    config = read_config(folder)
    _refuse_untrainable(folder, config)
    shapes = tensor_shapes(folder)
    width = _number(folder, config, "hidden_size", "n_embd", "d_model")
    heads = _number(folder, config, "num_attention_heads", "n_head", "num_heads")
    listed = _number(folder, config, "vocab_size")
    embedding = next((shape for name, shape in shapes.items() if _EMBEDDING.search(name)), (listed, width))
    if embedding[0] != listed:
        raise StudyError(
            f"'{folder}' has an embedding of {embedding[0]:,} rows and its config.json says vocab_size {listed:,}; "
            "correct the config, or save the model anew"
        )
    said = config.get("tie_word_embeddings")
    tied = bool(said) if said is not None else _tied_by_default(config, shapes)
    inside = {name: shape for name, shape in shapes.items() if not _BUFFER.search(name)}
    layers = _number(folder, config, "num_hidden_layers", "n_layer", "num_layers")
    _refuse_other_tensors(folder, config, inside, layers=layers, width=width, heads=heads)
    return Described(
        family=str(config["model_type"]),
        layers=layers,
        width=width,
        heads=heads,
        head_width=int(config.get("head_dim") or width // heads),
        ffn_width=int(config.get("intermediate_size") or config.get("n_inner") or config.get("ffn_dim") or 4 * width),
        vocabulary=listed,
        positions=_positions(config),
        tied_embeddings=tied,
        non_embedding_parameters=sum(
            prod(shape) for name, shape in inside.items() if not (_EMBEDDING.search(name) or _OUTPUT.search(name))
        ),
        matrix_parameters=sum(
            prod(shape) for name, shape in inside.items() if len(shape) == 2 and _IN_A_BLOCK.search(name)
        ),
    )


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's config.json. Raises StudyError if there is none, with what the folder is instead."""
    if not folder.is_dir():
        raise StudyError(
            f"model folder '{folder}' does not exist; paths are read from the study's folder, and a model of the hub "
            "is downloaded first (`hf download ORGANISATION/NAME --local-dir FOLDER`)"
        )
    file = folder / "config.json"
    if not file.is_file():
        if found := sorted(folder.glob("*.gguf")):
            raise StudyError(_gguf(found[0]))
        if (folder / "adapter_config.json").is_file():
            raise StudyError(
                f"'{folder}' holds an adapter and no model; merge it into its base model and save that "
                "(`merge_and_unload` of peft)"
            )
        raise StudyError(f"'{folder}' holds no config.json: name a folder as `save_pretrained` writes it")
    content = _read_json(file)
    if not isinstance(content.get("model_type"), str):
        raise StudyError(f"'{file}' names no model_type: it is not the configuration of a model of transformers")
    return content


def tensor_shapes(folder: Path) -> Shapes:
    """Shapes of all tensors in the folder's safetensors files, by name, sorted. Raises StudyError if there are none."""
    shapes: Shapes = {}
    for file in weight_files(folder):
        shapes |= _shapes_of(file)
    return dict(sorted(shapes.items()))


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold the model: those that the index names, or `model.safetensors`."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        places = _read_json(index).get("weight_map")
        if not isinstance(places, Mapping) or not all(isinstance(name, str) for name in places.values()):
            raise StudyError(f"'{index}' has no weight_map: save the model anew")
        files = [folder / name for name in sorted(set(places.values()))]
        if missing := [file.name for file in files if not file.is_file()]:
            raise StudyError(
                f"'{folder}' lacks {len(missing)} of its {len(files)} weight files, first '{missing[0]}'; finish the "
                "download"
            )
        return files
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if found := sorted(folder.glob("*.gguf")):
        raise StudyError(_gguf(found[0]))
    if found := sorted([*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]):
        raise StudyError(
            f"'{folder}' holds its weights as '{found[0].name}' and not as safetensors, which alone are read: convert "
            f"them with `AutoModelForCausalLM.from_pretrained('{folder}').save_pretrained(NEW_FOLDER)` and copy the "
            "tokenizer's files beside"
        )
    raise StudyError(f"'{folder}' holds no model.safetensors: name a folder as `save_pretrained` writes it")


def end_of_text_of(folder: Path, ids: Mapping[str, int]) -> str:
    """The token that ends a text in the folder's model: `eos_token_id` of config.json or generation_config.json, or
    `eos_token` of tokenizer_config.json. `ids` is the tokenizer's vocabulary. Raises StudyError if none names one."""
    for name in ("config.json", "generation_config.json"):
        content = _read_json(folder / name) if (folder / name).is_file() else {}
        given = content.get("eos_token_id")
        wanted = given[0] if isinstance(given, list) and given else given
        found = [token for token, number in ids.items() if number == wanted]
        if found:
            return found[0]
    file = folder / "tokenizer_config.json"
    named = _read_json(file).get("eos_token") if file.is_file() else None
    token = named.get("content") if isinstance(named, dict) else named
    if isinstance(token, str) and token in ids:
        return token
    raise StudyError(
        f"'{folder}' names no end-of-text token (eos_token_id) of its tokenizer; name its end_of_text in the study"
    )


def token_ids_of(file: Path) -> dict[str, int]:
    """Id of every token of a tokenizer.json, added ones included. Raises StudyError if it is none."""
    try:
        content = json.loads(file.read_bytes())
        listed = content["model"]["vocab"]
        # unigram models list [token, score] in the order of their ids
        ids = dict(listed) if isinstance(listed, dict) else {token: id_ for id_, (token, _) in enumerate(listed)}
        return ids | {added["content"]: added["id"] for added in content.get("added_tokens", [])}
    except OSError as error:
        raise StudyError(f"'{file}' cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StudyError(f"'{file}' is not a tokenizer.json of the `tokenizers` library") from None


def tensor_differences(found: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]) -> str | None:
    """One sentence part on how many tensors differ from those wanted, the first few with both shapes; None: none do.

    >>> tensor_differences({"a": (2, 3)}, {"a": (2, 4), "b": (1,)})
    "2 of 2 tensors differ: 'a' is [2, 3] and not [2, 4]; 'b' [1] is missing"
    """
    wrong = []
    for name in sorted(set(found) | set(wanted)):
        if name not in found:
            wrong.append(f"'{name}' {list(wanted[name])} is missing")
        elif name not in wanted:
            wrong.append(f"'{name}' {list(found[name])} has no place")
        elif tuple(found[name]) != tuple(wanted[name]):
            wrong.append(f"'{name}' is {list(found[name])} and not {list(wanted[name])}")
    if not wrong:
        return None
    more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"{len(wrong)} of {len(set(found) | set(wanted))} tensors differ: {'; '.join(wrong[:3])}{more}"


def is_output(name: str) -> bool:
    """Whether a tensor is the output matrix, which some files hold a second time though it is the embedding."""
    return bool(_OUTPUT.search(name))


def is_interleaved(name: str) -> bool:
    """Whether a tensor holds query, key and value of each head in turn: the rows of no whole matrix lie together."""
    return bool(_INTERLEAVED.search(name))


def interleaved_refusal(model: str, name: str) -> str:
    """Why Muon cannot move the interleaved tensor `name`, and what to do."""
    return (
        f"Muon cannot train {model}: '{name}' holds query, key and value of each head in turn, and Muon would turn "
        "them as one matrix; write `optimizer: {name: adamw}`"
    )


def is_buffer(name: str) -> bool:
    """Whether a tensor is one that the config determines, and no weight: old files hold such."""
    return bool(_BUFFER.search(name))


def without_output(shapes: Mapping[str, tuple[int, ...]]) -> Shapes:
    """The tensors without the output matrix and without buffers."""
    return {name: shape for name, shape in shapes.items() if not (is_output(name) or is_buffer(name))}


def _refuse_untrainable(folder: Path, config: Mapping[str, Any]) -> None:
    family, start = config["model_type"], f"'{folder}' holds a model that cannot be trained here"
    names = [str(name) for name in config.get("architectures") or ()]
    if config.get("is_encoder_decoder"):
        raise StudyError(f"{start}: '{family}' has an encoder and a decoder; name a causal language model")
    if "quantization_config" in config:
        raise StudyError(
            f"{start}: its weights are quantised (quantization_config in config.json); name the unquantised model, or "
            "dequantise it and save it in float32"
        )
    if "text_config" in config or "vision_config" in config:
        raise StudyError(f"{start}: '{family}' reads more than text; save its language model alone and name that")
    if "auto_map" in config:
        raise StudyError(f"{start}: its code lies in the folder (auto_map), and only code of transformers is run")
    if names and not any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names):
        raise StudyError(f"{start}: it is a '{names[0]}'; name a causal language model (...ForCausalLM)")
    if any((config.get(key) or 0) > 1 for key in ("num_experts", "num_local_experts", "n_routed_experts")):
        raise StudyError(f"{start}: '{family}' is a mixture of experts; name a dense model")
    if family not in TRAINABLE:
        raise StudyError(
            f"{start}: its model_type '{family}' is none of those whose loss and gradients were compared with "
            f"transformers ({', '.join(sorted(TRAINABLE))}); name a model of one of these"
        )
    for key in ("hidden_act", "hidden_activation", "activation_function"):
        if (given := config.get(key)) is not None and str(given) not in ACTIVATIONS:
            raise StudyError(
                f"'{folder / 'config.json'}' says {key} {given!r}, which transformers does not know; correct the "
                f"config ({', '.join(sorted(ACTIVATIONS))})"
            )
    for key, given in _rope_types(config):
        if str(given) not in ROPES and not (family == "phi3" and given == "su"):
            raise StudyError(
                f"'{folder / 'config.json'}' says {key} with rope_type {given!r}, which transformers does not know; "
                f"correct the config ({', '.join(sorted(ROPES))})"
            )


def _rope_types(config: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Each kind of rotary angles that is named, with its key: one for all layers, or one for each kind of layer."""
    for key in ("rope_parameters", "rope_scaling"):
        given = config.get(key)
        if isinstance(given, Mapping):
            for each in (given, *(inner for inner in given.values() if isinstance(inner, Mapping))):
                named = each.get("rope_type", each.get("type"))
                if named is not None:
                    yield key, named


def _refuse_other_tensors(
    folder: Path, config: Mapping[str, Any], shapes: Shapes, *, layers: int, width: int, heads: int
) -> None:
    """Raise StudyError if tensors whose sizes follow from the config have others."""
    blocks = {found[0] for name in shapes if (found := _IN_A_BLOCK.search(name))}
    if len(blocks) != layers:
        raise StudyError(
            f"'{folder}' has the tensors of {len(blocks)} layers and its config.json says num_hidden_layers {layers}; "
            "correct the config, or save the model anew"
        )
    sizes: dict[str, tuple[int, ...]] = {}
    if isinstance(ffn := config.get("intermediate_size"), int):
        sizes |= {"mlp.gate_proj": (ffn, width), "mlp.up_proj": (ffn, width), "mlp.down_proj": (width, ffn)}
        sizes["mlp.gate_up_proj"] = (2 * ffn, width)
    if isinstance(head := config.get("head_dim"), int):  # where it is not given, families differ in what it is
        given = config.get("num_key_value_heads")
        queries, keys = heads * head, (given if isinstance(given, int) else heads) * head
        sizes |= {"self_attn.q_proj": (queries, width), "self_attn.o_proj": (width, queries)}
        sizes |= {"self_attn.k_proj": (keys, width), "self_attn.v_proj": (keys, width)}
        sizes["self_attn.qkv_proj"] = (queries + 2 * keys, width)
    wanted = {name: size for name in shapes for part, size in sizes.items() if name.endswith(f"{part}.weight")} | {
        name: (shape[0], width) for name, shape in shapes.items() if _EMBEDDING.search(name)
    }
    if difference := tensor_differences({name: shapes[name] for name in wanted}, wanted):
        raise StudyError(
            f"the tensors in '{folder}' are not those that its config.json describes: {difference}; correct the "
            "config, or save the model anew"
        )


def _tied_by_default(config: Mapping[str, Any], shapes: Shapes) -> bool:
    if str(config["model_type"]).startswith(_TIED_BY_DEFAULT):
        return True
    return not any(_OUTPUT.search(name) for name in shapes)


def _positions(config: Mapping[str, Any]) -> int | None:
    given = next((config[key] for key in ("max_position_embeddings", "n_positions", "n_ctx") if key in config), None)
    return given if isinstance(given, int) and given > 0 else None


def _number(folder: Path, config: Mapping[str, Any], *names: str) -> int:
    value = next((config[name] for name in names if name in config), None)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise StudyError(
            f"'{folder / 'config.json'}' says {names[0]} {value!r}, where a model of family '{config['model_type']}' "
            "needs a number above 0"
        )
    return value


def _shapes_of(file: Path) -> Shapes:
    try:
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if not 2 <= size <= _MOST_HEADER_BYTES:
                raise ValueError("its header is not one of safetensors")
            header = json.loads(stream.read(size))
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        whole = 8 + size + max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
        if file.stat().st_size != whole:
            raise ValueError(f"it has {file.stat().st_size:,} bytes of {whole:,}")
        return {name: tuple(int(length) for length in entry["shape"]) for name, entry in entries.items()}
    except OSError as error:
        raise StudyError(f"'{file}' cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise StudyError(f"'{file}' is damaged or no safetensors file ({error}); download or save it again") from None


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise StudyError(f"'{file}' cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise StudyError(f"'{file}' is not JSON; download or save it again") from None
    if not isinstance(content, dict):
        raise StudyError(f"'{file}' is not a JSON object; download or save it again")
    return content


def _gguf(file: Path) -> str:
    return (
        f"'{file}' is a GGUF file, whose weights are quantised; write it as safetensors first: load it with "
        f"`AutoModelForCausalLM.from_pretrained('{file.parent}', gguf_file='{file.name}')` and save it, as the how-to "
        "page 'Cool an open model down' shows"
    )
