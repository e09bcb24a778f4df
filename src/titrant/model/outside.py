"""Any causal language model of `transformers` as the engine trains it: its own modules, our loss and our attention.

    hidden = the library's decoder (embedding, blocks, last norm)
    loss   = cross entropy of scale * hidden @ output.T, soft-capped where the family does so, in chunks of rows

The library's head is never called, so the logits of a batch are never held. What stands between hidden states and
logits in the families that we know is a matrix, a scale and a soft cap; `prove_loss` compares the result with the
library's own logits before anything is trained, and refuses a family that computes something else.

Masters are float32, and so are their gradients. In bfloat16 matrix products run under autocast, whose cache keeps one
copy of each matrix for all passes inside `holding_copies`. Dropout is off: every run of a study sees the same model.

Shapes: B batch, T positions, N = B x T, D width, V vocabulary (rows of the embedding).
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast, final

import torch
import transformers
from blake3 import blake3
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers import initialization as library_initialization
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from titrant.errors import EngineError, StudyError
from titrant.model.attention import find_documents
from titrant.model.attention_door import Attend
from titrant.model.language_model import LanguageModel
from titrant.model.library_attention import DOOR, LIBRARY, Door, choose_attention, hidden_through, within_documents
from titrant.model.loss import mean_cross_entropy
from titrant.model.outside_door import proves_plain
from titrant.study.outside import COMPANIONS, interleaved_refusal, is_interleaved

LOSS_TOLERANCE = 1e-4
"""Largest difference between our loss and the library's, as a share of the loss: float32 gives 1e-6."""

LOGIT_TOLERANCE = 1e-3
"""Largest difference of a logit, as a share of the largest."""

_PROOF_TOKENS = 48


@final
class OutsideModel(LanguageModel):
    """A causal language model of `transformers`. Parameters have its own names, without the output matrix if that is
    the embedding; buffers are no part of the state.

    `library_model`: the model, in float32. `files`: what lies beside its weights by name, see `COMPANIONS`.
    """

    gathers_in_precision = True

    def __init__(
        self,
        library_model: PreTrainedModel,
        files: Mapping[str, bytes],
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        super().__init__()
        self.precision, self.files = precision, dict(files)
        self._library = (library_model,)  # in a tuple, so that its modules are registered below and nowhere else
        self._format = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        self._held: Tensor | None = None
        self._attends_plainly: bool | None = None
        output = library_model.get_output_embeddings()
        embedding = library_model.get_input_embeddings()
        if output is None or getattr(output, "bias", None) is not None:
            raise EngineError(f"{self.family} has no output matrix, or one with a bias: it cannot be trained here")
        if library_model.base_model is library_model:
            raise EngineError(f"{self.family} has no decoder apart from its head: it cannot be trained here")
        self._tied = output.weight is embedding.weight
        for name, child in library_model.named_children():
            if not (self._tied and child is output):
                self.add_module(name, child)
        self._embedding, self._output = (embedding,), (output,)
        embedding.padding_idx = None  # a padding token that also ends documents would never be learnt
        for module in self.modules():
            module._non_persistent_buffers_set.update(module._buffers)
        config = library_model.config
        self.vocabulary = int(embedding.weight.shape[0])
        self.scale = float(getattr(config, "logit_scale", None) or 1) / float(
            getattr(config, "logits_scaling", None) or 1
        )
        self.soft_cap: float | None = getattr(config, "final_logit_softcapping", None)
        self._attention = choose_attention(config)
        library_model.set_attn_implementation(self._attention)

    @classmethod
    def of_folder(cls, folder: Path, precision: Literal["float32", "bfloat16"] = "float32") -> OutsideModel:
        """The model that a folder's config.json describes, its weights zeros (or on the meta device, if that is the
        default one). Raises EngineError if transformers knows no such model."""
        files = {name: (folder / name).read_bytes() for name in COMPANIONS if (folder / name).is_file()}
        device = torch.empty(0).device
        model = cls(_without_weights(files), files, precision)
        if device.type != "meta":
            model.to_empty(device=device)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.zero_()
        return model

    @property
    def family(self) -> str:
        """The library's class, such as `LlamaForCausalLM`."""
        return type(self._library[0]).__name__

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Hidden states after the decoder, times the logits' scale, in the model's precision; [B, T, D]."""
        placed: dict[str, Tensor] = {}
        seen: AbstractContextManager[None] = nullcontext()
        if self.separator is not None:
            starts_BT = find_documents(tokens_BT, self.separator, fused=False).starts
            # positions restart, and by that the library tells documents apart where it makes a mask
            placed["position_ids"] = torch.arange(tokens_BT.shape[1], device=tokens_BT.device) - starts_BT
            seen = within_documents(starts_BT)
        self._attend_by(self._attention)
        with seen:
            return self._decoded(tokens_BT, **placed)

    def _attend_by(self, name: str) -> None:
        if self._library[0].config._attn_implementation != name:
            self._library[0].set_attn_implementation(name)

    def _decoded(self, tokens_BT: Tensor, **placed: Tensor) -> Tensor:
        with self._autocast():
            decoder = cast(Any, self._library[0].base_model)
            hidden_BTD: Tensor = decoder(input_ids=tokens_BT, use_cache=False, **placed).last_hidden_state
        if self.scale != 1:
            hidden_BTD = hidden_BTD * self.scale
        return hidden_BTD.to(self._format)

    def hidden_with(self, attend: Attend, tokens_BT: Tensor, positions_BT: Tensor) -> Tensor:
        """See `LanguageModel.hidden_with`."""
        self._attend_by(DOOR)
        with hidden_through(Door(attend)):
            return self._decoded(tokens_BT, position_ids=positions_BT)

    @property
    def attends_plainly(self) -> bool:
        """See `LanguageModel.attends_plainly`. Proven with the weights that the model has when it is first asked."""
        if self.separator is not None or self._attention == LIBRARY:
            return False
        if self._attends_plainly is None:
            self._attends_plainly = proves_plain(self._library[0], self.vocabulary, self._decoded)
        return self._attends_plainly

    def loss(self, tokens_BT: Tensor, targets_BT: Tensor, *, rows: float | None = None) -> Tensor:
        """Mean cross entropy of the targets in nats a token; see `mean_cross_entropy` for `rows`."""
        hidden_ND = torch.flatten(self(tokens_BT), 0, 1)
        weight_VD = self.output_weight
        copy_VD = weight_VD.detach().to(self._format) if self._held is None else self._held
        return mean_cross_entropy(
            hidden_ND, weight_VD, targets_BT.flatten(), copy_VD=copy_VD, rows=rows, soft_cap=self.soft_cap
        )

    def logits(self, tokens_BT: Tensor) -> Tensor:
        """Logits of the next token, [B, T, V], in the model's precision. Holds them all: for small inputs."""
        return self.logits_of(self(tokens_BT))

    def logits_of(self, hidden: Tensor) -> Tensor:
        """Logits of hidden states as `forward` gives them, [..., D] to [..., V]."""
        logits = functional.linear(hidden, self.output_weight.to(hidden.dtype))
        return logits if self.soft_cap is None else torch.tanh(logits / self.soft_cap) * self.soft_cap

    @property
    def output_weight(self) -> Tensor:
        """The matrix that turns hidden states into logits, [V, D]."""
        module = self._embedding[0] if self._tied else self._output[0]
        return cast(Tensor, module.weight)

    @contextmanager
    def holding_copies(self) -> Iterator[None]:
        """Copies of the matrices in the model's precision are made once inside. Weights must not change there."""
        try:
            if self._format is not torch.float32:
                self._held = self.output_weight.detach().to(self._format)
            with self._autocast():
                yield
        finally:
            self._held = None

    def _autocast(self) -> AbstractContextManager[Any]:
        if self._format is torch.float32:
            return nullcontext()
        return torch.autocast(self.output_weight.device.type, dtype=self._format, cache_enabled=True)

    def compile_blocks(self) -> None:
        """Run the blocks as compiled code from now on. Its last bits are not those of eager code."""
        for unit in self.units():
            unit.forward = torch.compile(unit.forward, dynamic=False)

    def recompute_blocks(self) -> None:
        """Keep of each block only what enters it, and compute the rest again in the backward pass: same bits."""
        for unit in self.units():
            unit.forward = partial(checkpoint, unit.forward, use_reentrant=False, preserve_rng_state=False)

    def units(self) -> list[nn.Module]:
        """The blocks in their order."""
        library = self._library[0]
        count = library.config.num_hidden_layers
        for module in library.base_model.modules():
            if isinstance(module, nn.ModuleList) and len(module) == count:
                return list(module)
        raise EngineError(f"{self.family} keeps its {count} blocks in no list: it cannot be trained here")

    def initial_weights(self, seed: int) -> Iterator[tuple[str, Tensor]]:
        """New weights as the library draws them, a block at a time; each block and each other module has its own
        generator, keyed by the seed and its name."""
        model = OutsideModel(_without_weights(self.files), self.files)
        library: Any = model._library[0]
        blocks = set(model.units())
        inside = {module for block in blocks for module in block.modules()}
        for name, module in model.named_modules():
            if module in blocks or (module not in inside and any(True for _ in module.parameters(recurse=False))):
                whole = module in blocks
                fresh = copy.deepcopy(module) if whole else _alone(module)
                _draw(fresh, library, int.from_bytes(blake3(f"{seed}/{name}".encode()).digest(length=7), "little"))
                for inner, parameter in fresh.named_parameters(recurse=whole):
                    full = f"{name}.{inner}" if name else inner
                    if not bool(torch.isfinite(parameter).all()):
                        raise EngineError(f"transformers draws no initial weights for '{full}' of {self.family}")
                    yield full, parameter.detach()

    def decayed(self) -> frozenset[str]:
        """Names of the matrices of the blocks."""
        inside = {id(parameter) for unit in self.units() for parameter in unit.parameters() if parameter.ndim == 2}
        return frozenset(name for name, parameter in self.named_parameters() if id(parameter) in inside)

    def fused_parts(self, name: str) -> tuple[int, tuple[int, ...]]:
        """(axis, sizes) of the matrices that one matrix holds: query, key and value, or gate and up, of families that
        lay them side by side; one part for all others. Raises StudyError for one that mixes the rows of several."""
        if is_interleaved(name):
            raise StudyError(interleaved_refusal(self.family, name))
        shape, config = self.get_parameter(name).shape, self._library[0].config
        if name.endswith("gate_up_proj.weight"):
            return 0, (shape[0] // 2, shape[0] // 2)
        if name.endswith("qkv_proj.weight"):
            width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
            queries, keys = config.num_attention_heads * width, config.num_key_value_heads * width
            return 0, (queries, keys, keys)
        if name.endswith("attn.c_attn.weight"):
            return 1, (shape[1] // 3,) * 3
        return 0, (shape[0],)

    def to_empty(self, *, device: Any, recurse: bool = True) -> OutsideModel:
        """As of every module, but buffers (angles, masks) keep their values: nothing would make them anew."""
        kept = [(module, name, buffer) for module in self.modules() for name, buffer in module._buffers.items()]
        super().to_empty(device=device, recurse=recurse)
        for module, name, buffer in kept:
            module._buffers[name] = None if buffer is None else buffer.to(device)
        return self

    def write_config(self, folder: Path) -> None:
        """Write into a folder what makes weights a model of transformers: config.json and what lay beside it."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)

    def prove_loss(self) -> float:
        """The difference between our loss and that of the library's own logits on a few random tokens, as a share of
        it. Needs weights. Raises EngineError if loss or logits differ by more than rounding, StudyError if the weights
        give the library numbers that are not finite."""
        positions = getattr(self._library[0].config, "max_position_embeddings", None) or _PROOF_TOKENS
        length = min(_PROOF_TOKENS, positions)
        drawn = torch.randint(self.vocabulary, (2, length), generator=torch.Generator().manual_seed(0))
        if self.separator is not None:
            drawn[:, length // 3] = drawn[1, length // 2] = self.separator
        found = self.compare(drawn.to(self.output_weight.device))
        if not math.isfinite(found.library_loss):
            raise StudyError(
                f"the weights of this {self.family} give numbers that are not finite: the library's own loss on "
                f"{drawn.numel()} tokens is {found.library_loss} nats, in float32; some weights are far too large. "
                "Download or save the checkpoint again, or choose another"
            )
        if not (found.loss <= LOSS_TOLERANCE and found.logits <= LOGIT_TOLERANCE):
            raise EngineError(
                f"{self.family} computes something that we do not know: our loss on {drawn.numel()} tokens is "
                f"{found.our_loss:.6g} nats and that of its own logits {found.library_loss:.6g} ({found.loss:.2g} "
                f"apart, {LOSS_TOLERANCE:g} allowed; logits {found.logits:.2g} apart, {LOGIT_TOLERANCE:g} allowed). It "
                "is not trained; choose a model of another family"
            )
        return found.loss

    @torch.no_grad()
    def compare(self, tokens_BT: Tensor) -> Comparison:
        """Loss and logits of the tokens after the first of each row by our path and by the library's own, each document
        by itself where attention stays inside documents; in float32."""
        library: Any = self._library[0]
        used, before, training = library.config._attn_implementation, self._format, self.training
        self._format = torch.float32
        self.eval()
        try:
            torch.compiler.set_stance("force_eager")  # a program for these few tokens would take half a minute
            ours = float(self.loss(tokens_BT[:, :-1], tokens_BT[:, 1:]))
            ours_BTV = self.logits(tokens_BT[:, :-1])
            if self._tied:
                self._output[0].weight = self._embedding[0].weight
            library.set_attn_implementation(LIBRARY)
            nats, largest, apart = [], 0.0, 0.0
            for row_T, ours_TV in zip(tokens_BT, ours_BTV, strict=True):
                for begin, end in _documents(row_T[:-1], self.separator):
                    logits_TV = library(input_ids=row_T[None, begin:end], use_cache=False).logits[0].float()
                    nats.append(functional.cross_entropy(logits_TV, row_T[begin + 1 : end + 1], reduction="none"))
                    apart = max(apart, float((logits_TV - ours_TV[begin:end]).abs().max()))
                    largest = max(largest, float(logits_TV.abs().max()))
            return Comparison(ours, float(torch.cat(nats).mean()), apart / max(largest, 1e-12))
        finally:
            torch.compiler.set_stance("default")
            library.set_attn_implementation(used)
            self._format = before
            self.train(training)


@dataclass(frozen=True)
class Comparison:
    """What two ways of computing one model give on the same tokens."""

    our_loss: float
    library_loss: float
    logits: float
    """Largest difference of a logit, as a share of the largest logit: fresh weights have small logits, whose scale no
    loss would show."""

    @property
    def loss(self) -> float:
        """Difference of the losses, as a share of the library's."""
        return abs(self.our_loss - self.library_loss) / max(abs(self.library_loss), 1e-12)


def _documents(tokens_T: Tensor, separator: int | None) -> list[tuple[int, int]]:
    """(begin, end) of every document of a row; the separator belongs to the document that follows it."""
    if separator is None:
        return [(0, len(tokens_T))]
    starts = [0, *(int(at) for at in (tokens_T == separator).nonzero()[:, 0])]
    return [(begin, end) for begin, end in zip(starts, [*starts[1:], len(tokens_T)], strict=True) if begin < end]


def _without_weights(files: Mapping[str, bytes]) -> PreTrainedModel:
    """The library's model with its parameters on the meta device and its buffers on the CPU."""
    if "config.json" not in files:
        raise StudyError("a folder without config.json holds no model")
    content = json.loads(files["config.json"])
    if str(family := content.pop("model_type", None)) not in CONFIG_MAPPING:
        raise EngineError(
            f"transformers {transformers.__version__} knows no model type {family!r} (config.json); name another model"
        )
    try:
        config = AutoConfig.for_model(family, **content)
        for name, value in list(config.to_dict().items()):
            if ("dropout" in name or "pdrop" in name) and isinstance(value, float):
                setattr(config, name, 0.0)
        with torch.device("cpu"), _parameters_on_meta(), library_initialization.no_init_weights():
            model: PreTrainedModel = AutoModelForCausalLM.from_config(
                config, dtype=torch.float32, attn_implementation=LIBRARY
            )
            model.tie_weights()
            return model
    except Exception as error:  # strict configurations raise classes of their own
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        first = f"it knows no {first}" if isinstance(error, KeyError) else first
        raise EngineError(f"transformers cannot build the model that config.json describes: {first}") from None


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Parameters that modules register inside are moved to the meta device at once: no more than one has memory."""
    register = nn.Module.register_parameter

    def register_on_meta(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        if parameter is not None and parameter.device.type != "meta":
            parameter = nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)
        register(module, name, parameter)

    cast(Any, nn.Module).register_parameter = register_on_meta
    try:
        yield
    finally:
        cast(Any, nn.Module).register_parameter = register


def _alone(module: nn.Module) -> nn.Module:
    """A copy of a module without the modules inside it."""
    bare = copy.copy(module)
    bare._modules = {}
    return copy.deepcopy(bare)


def _draw(module: nn.Module, library: Any, seed: int) -> None:
    """Give a module on the meta device new weights on the CPU."""
    for inner in module.modules():
        for name, parameter in inner._parameters.items():
            if parameter is not None:
                inner._parameters[name] = nn.Parameter(torch.full(parameter.shape, torch.nan))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        module.apply(library._init_weights)
