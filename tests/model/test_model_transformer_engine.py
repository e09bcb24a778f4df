"""What the training engine asks of the reference model: weights one by one, units, blocks that are computed again."""

import pytest
import torch
from torch import nn

from titrant.model.language_model import LanguageModel
from titrant.model.transformer import Matrix, Transformer, block_output
from titrant.study.architecture import Architecture

TINY = Architecture(layers=3, width=32, heads=4, ffn_width=48)


def _model(architecture=TINY, precision="float32"):
    model = Transformer(architecture, 61, precision)
    model.initialise(seed=1)
    return model


def _tokens(*shape, seed=0):
    return torch.randint(61, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("tied", [True, False])
def test_initial_weights_are_named_whole_and_those_of_initialise_on_the_meta_device_too(tied):
    architecture = TINY.model_copy(update={"tied_embeddings": tied})
    with torch.device("meta"):
        empty = Transformer(architecture, 61, "bfloat16")
    assert {p.device.type for p in empty.parameters()} == {"meta"}
    drawn = list(empty.initial_weights(seed=1))
    assert [name for name, _ in drawn] == [name for name, _ in empty.named_parameters()]
    assert {weights.dtype for _, weights in drawn} == {torch.float32}
    assert {weights.device.type for _, weights in drawn} == {"cpu"}
    empty.to_empty(device="cpu").load_state_dict(dict(drawn))
    full, tokens = _model(architecture, "bfloat16"), _tokens(2, 9)
    assert torch.equal(empty.logits(tokens), full.logits(tokens))


def test_the_matrices_of_the_blocks_are_decayed_and_their_parts_fill_them():
    model = _model(TINY.model_copy(update={"tied_embeddings": False}))
    named = dict(model.named_parameters())
    kinds = ("input", "output")
    assert model.decayed() == {f"blocks.{index}.{kind}.weight" for index in range(3) for kind in kinds}
    for name in model.decayed():
        axis, sizes = model.fused_parts(name)
        assert sum(sizes) == named[name].shape[axis]
    assert model.fused_parts("blocks.1.input.weight") == (0, (32, 32, 32, 48, 48))
    assert model.fused_parts("blocks.1.output.weight") == (1, (32, 48))


def test_the_units_are_the_blocks_and_each_is_called_as_a_module():
    model = _model()
    assert isinstance(model, LanguageModel)
    called = []
    for index, unit in enumerate(model.units()):
        unit.register_forward_pre_hook(lambda *_, index=index: called.append(index))
    model.logits(_tokens(1, 5))
    assert called == [0, 1, 2]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_blocks_that_are_computed_again_give_the_same_bits(precision, monkeypatch):
    computed = []

    def counting(*given):
        computed.append(given[0])
        return block_output(*given)

    losses, gradients = [], []
    for recomputes in (False, True):
        model = _model(precision=precision)
        if recomputes:
            model.recompute_blocks()
        for unit in model.units():
            monkeypatch.setattr(unit, "compute", counting)
        computed.clear()
        loss = model.loss(_tokens(2, 140), _tokens(2, 140, seed=1))
        loss.backward()
        assert len(computed) == 3 * (1 + recomputes)
        losses.append(loss.detach())
        gradients.append([parameter.grad for parameter in model.parameters()])
    assert torch.equal(*losses)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*gradients, strict=True))


def test_weights_that_arrive_in_the_models_precision_are_used_as_they_are():
    """As sharded weights do, which are gathered in it."""
    matrix = Matrix(4, 3, "bfloat16")
    assert matrix.in_precision().dtype is torch.bfloat16
    assert matrix.in_precision() is not matrix.weight
    matrix.weight = nn.Parameter(matrix.weight.detach().bfloat16())
    assert matrix.in_precision() is matrix.weight
    assert matrix.copy().data_ptr() == matrix.weight.data_ptr()


def test_a_model_of_rounded_weights_has_the_loss_of_its_masters():
    exact, rounded, tokens = _model(precision="bfloat16"), _model(precision="bfloat16"), _tokens(2, 20)
    for parameter in rounded.parameters():
        parameter.data = parameter.data.bfloat16()
    expected, found = exact.loss(tokens, tokens), rounded.loss(tokens, tokens)
    found.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-3)
    assert {p.grad.dtype for p in rounded.parameters()} == {torch.bfloat16}
