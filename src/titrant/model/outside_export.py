"""An outside model that was trained here leaves as a folder that plain `transformers` loads, proven as ours is."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from titrant.artifacts import TokenizerFile
from titrant.errors import EngineError, StoreError, StudyError
from titrant.model.hugging_face import load_model, proven_difference, save_tokenizer
from titrant.model.outside import OutsideModel
from titrant.model.weights import read_weights

LOGIT_TOLERANCE = 1e-4
"""Largest difference between our logits and the export's, as a share of the largest (or of 1, if that is more): two
attention kernels, one after the other through all blocks."""

_SAMPLE = "def f(x):\n    return {'a': x + 10}  # one, two\n\nThe year 1984, naïve ünd 中文.\t<|endoftext|>\n"


def export_outside(checkpoint_folder: Path, tokenizer_folder: Path, out: Path, *, sequence_length: int) -> float:
    """Write an outside model and its tokenizer to the new folder `out`; returns the largest difference of a logit.

    `checkpoint_folder` holds the weights and the configuration of a finished train job. Configuration, generation and
    chat template are those that the model came with; the token that ends documents in the study is put first among
    those that end a text in them. Raises EngineError, and leaves nothing behind, if transformers reads another model.
    """
    if out.exists():
        raise StudyError(f"{out} exists already: name a folder that does not, so that nothing is overwritten")
    model = OutsideModel.of_folder(checkpoint_folder).eval()
    try:
        model.load_state_dict(read_weights(checkpoint_folder / "model.safetensors"))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise StoreError(f"{checkpoint_folder} holds weights of another model ({reason}); train it again") from None
    end_of_text_id = TokenizerFile.read(tokenizer_folder).end_of_text_id
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        folder = Path(temporary) / out.name
        folder.mkdir()
        model.write_config(folder)
        _name_end_of_text(folder, end_of_text_id)
        weights = {name: weights.contiguous() for name, weights in model.state_dict().items()}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        _write_tokenizer(tokenizer_folder / "tokenizer.json", end_of_text_id, sequence_length, folder)
        difference = _prove(model, folder)
        folder.rename(out)
    return difference


def _name_end_of_text(folder: Path, end_of_text_id: int) -> None:
    """The weights are float32 now, and a text ends where the study's documents ended."""
    for name in ("config.json", "generation_config.json"):
        file = folder / name
        content: dict[str, Any] = json.loads(file.read_bytes()) if file.is_file() else {}
        given = content.get("eos_token_id")
        others = [end for end in (given if isinstance(given, list) else [given]) if end not in (None, end_of_text_id)]
        if name == "config.json":
            content.pop("torch_dtype", None)
            content["dtype"] = "float32"
        content["eos_token_id"] = [end_of_text_id, *others] if others else end_of_text_id
        file.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def _write_tokenizer(file: Path, end_of_text_id: int, sequence_length: int, folder: Path) -> None:
    """The study's tokenizer with the model's own settings, or with none if they would make another of it."""
    (folder / "tokenizer.json").write_bytes(file.read_bytes())
    if (folder / "tokenizer_config.json").is_file() and _encodes_alike(file, folder):
        return
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    save_tokenizer(file, end_of_text_id, sequence_length, folder)


def _encodes_alike(file: Path, folder: Path) -> bool:
    wanted = Tokenizer.from_file(str(file)).encode(_SAMPLE, add_special_tokens=False).ids
    try:
        theirs = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return list(theirs(_SAMPLE, add_special_tokens=False)["input_ids"]) == wanted
    except Exception:  # settings of another tokenizer fail in ways of their own, some as bare Exception
        return False


@torch.no_grad()
def _prove(model: OutsideModel, folder: Path) -> float:
    theirs, faults = load_model(folder, AutoModelForCausalLM)
    if faults:
        raise EngineError(f"transformers cannot read the export: its weights {'; '.join(faults)}. Nothing was exported")
    tokens_BT = torch.randint(model.vocabulary, (2, 64), generator=torch.Generator().manual_seed(0))
    expected_BTV, found_BTV = model.logits(tokens_BT), theirs(tokens_BT, use_cache=False).logits
    return proven_difference(expected_BTV, found_BTV, LOGIT_TOLERANCE)
