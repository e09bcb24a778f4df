"""The reference model against oracles: Cohere's model with copied weights, complex rotations, gradients in time."""

import cmath
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CohereForCausalLM

from titrant.model.attention import QUERY_BLOCK, causal_attention
from titrant.model.hugging_face import cohere_config, to_cohere
from titrant.model.transformer import Transformer, rotate, rotations
from titrant.study.architecture import Architecture

TINY = Architecture(layers=2, width=32, heads=4, ffn_width=48)


def _model(architecture=TINY, vocabulary=61, precision="float32", seed=1):
    model = Transformer(architecture, vocabulary, precision)
    model.initialise(seed)
    return model


def _tokens(*shape, vocabulary=61, seed=0):
    return torch.randint(vocabulary, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("logit_scale", [1.0, 0.25])
def test_logits_are_those_of_cohere_with_the_same_weights(tied, logit_scale):
    architecture = TINY.model_copy(
        update={"tied_embeddings": tied, "logit_scale": logit_scale, "rope_theta": 500.0, "norm_epsilon": 1e-3}
    )
    model = _model(architecture)
    with torch.no_grad():  # norms that are not one, or a forgotten one would not show
        for parameter in model.parameters():
            parameter.mul_(1 + 0.3 * torch.rand(parameter.shape, generator=torch.Generator().manual_seed(5)))
    theirs = CohereForCausalLM._from_config(cohere_config(architecture, 61, 0, 64), attn_implementation="eager")
    theirs.load_state_dict(to_cohere(model.state_dict(), architecture))
    tokens = _tokens(3, 37)
    torch.testing.assert_close(model.logits(tokens), theirs(tokens).logits, atol=2e-6, rtol=1e-5)


def test_gradients_are_those_of_cohere_with_the_same_weights():
    model = _model()
    theirs = CohereForCausalLM._from_config(cohere_config(TINY, 61, 0, 300), attn_implementation="eager")
    theirs.load_state_dict(to_cohere(model.state_dict(), TINY))
    tokens = _tokens(2, 201)
    model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
    theirs(tokens, labels=tokens).loss.backward()
    ours = to_cohere({name: p.grad for name, p in model.named_parameters()}, TINY)
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, atol=1e-6, rtol=1e-3)


@settings(max_examples=10, deadline=None)
@given(position=st.integers(0, 19), seed=st.integers(0, 100))
def test_no_position_depends_on_a_later_token(position, seed):
    model = _model()
    hidden = []
    hook = model.blocks[0].register_forward_pre_hook(lambda _, given: hidden.append(given[0]) or given[0].retain_grad())
    model.logits(_tokens(1, 20, seed=seed))[0, position].sum().backward()
    hook.remove()
    reached = hidden[0].grad[0].abs().sum(1) > 0
    assert reached[: position + 1].all()
    assert not reached[position + 1 :].any()


def test_rotation_is_multiplication_by_a_complex_number():
    length, heads, width, theta = 7, 2, 6, 100.0
    x = torch.randn(1, length, heads, width, generator=torch.Generator().manual_seed(1))
    turned = rotate(x, rotations(length, width, theta)[:, None])
    for t in range(length):
        for h in range(heads):
            for j in range(width // 2):
                pair = complex(x[0, t, h, 2 * j], x[0, t, h, 2 * j + 1])
                expected = pair * cmath.exp(1j * t * theta ** (-2 * j / width))
                assert turned[0, t, h, 2 * j].item() == pytest.approx(expected.real, abs=1e-6)
                assert turned[0, t, h, 2 * j + 1].item() == pytest.approx(expected.imag, abs=1e-6)


def test_rotation_in_real_numbers_has_the_bits_of_complex_ones(monkeypatch):
    x, turns = torch.randn(3, 9, 2, 64, generator=torch.Generator().manual_seed(2)), rotations(9, 64, 100.0)[:, None]
    complex_numbers = rotate(x, turns)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert torch.equal(rotate(x, turns), complex_numbers)


@pytest.mark.parametrize("length", [1, 5, QUERY_BLOCK, QUERY_BLOCK + 1, 2 * QUERY_BLOCK + 77])
def test_attention_in_blocks_equals_the_textbook_in_float64(length):
    generator = torch.Generator().manual_seed(length)
    blocked = [torch.randn(2, 3, length, 8, generator=generator).requires_grad_() for _ in range(3)]
    textbook = [x.detach().double().requires_grad_() for x in blocked]
    weighting = torch.randn(2, 3, length, 8, generator=generator)
    query, key, value = textbook
    scores = query @ key.transpose(2, 3) / 8**0.5
    scores = scores.masked_fill(torch.ones(length, length, dtype=torch.bool).triu(1), -torch.inf)
    expected = scores.softmax(-1) @ value
    found = causal_attention(blocked[0] / 8**0.5, *blocked[1:])
    (expected * weighting).sum().backward()
    (found * weighting).sum().backward()
    torch.testing.assert_close(found.double(), expected, atol=2e-6, rtol=1e-5)
    for ours, theirs in zip(blocked, textbook, strict=True):
        torch.testing.assert_close(ours.grad.double(), theirs.grad, atol=1e-5, rtol=1e-4)


def test_a_seed_gives_the_same_weights_whatever_else_the_model_holds():
    shallow, deep = _model(), _model(TINY.model_copy(update={"layers": 3, "initializer": "scaled-normal"}))
    torch.testing.assert_close(shallow.embedding.weight, deep.embedding.weight, atol=0, rtol=0)
    torch.testing.assert_close(shallow.blocks[1].input.weight, deep.blocks[1].input.weight, atol=0, rtol=0)
    assert not torch.equal(shallow.blocks[0].input.weight, shallow.blocks[1].input.weight)
    assert not torch.equal(shallow.embedding.weight, _model(seed=2).embedding.weight)


def test_weights_of_a_seed_are_the_same_on_every_machine():
    drawn = _model().embedding.weight[0, :3].tolist()
    assert drawn == pytest.approx(GOLDEN_WEIGHTS, rel=1e-6)


GOLDEN_WEIGHTS = [-0.0452459454536438, -0.010120924562215805, 0.0005257935263216496]


@pytest.mark.parametrize(
    ("initializer", "part", "expected"),
    [
        ("scaled-normal", lambda b: b.input.weight, 0.02),
        ("scaled-normal", lambda b: b.output.weight, 0.02 / 2),
        ("glorot-normal", lambda b: b.input.weight[:384], (2 / 256) ** 0.5),
        ("glorot-normal", lambda b: b.input.weight[384:], (2 / 384) ** 0.5),
        ("glorot-normal", lambda b: b.output.weight[:, :128], (2 / 256) ** 0.5),
        ("glorot-normal", lambda b: b.output.weight[:, 128:], (2 / 384) ** 0.5),
    ],
)
def test_initial_weights_have_the_declared_spread(initializer, part, expected):
    architecture = Architecture(layers=2, width=128, heads=4, ffn_width=256, initializer=initializer)
    weights = part(_model(architecture).blocks[1])
    assert weights.std().item() == pytest.approx(expected, rel=0.02)
    assert abs(weights.mean().item()) < expected * 0.03


@pytest.mark.parametrize("tied", [True, False])
def test_the_model_has_as_many_parameters_as_its_architecture_counts(tied):
    architecture = TINY.model_copy(update={"tied_embeddings": tied})
    assert sum(p.numel() for p in _model(architecture).parameters()) == sum(architecture.count_parameters(61))


def test_bfloat16_copies_follow_their_masters_and_gradients_arrive_in_float32():
    model, tokens = _model(precision="bfloat16"), _tokens(2, 16)
    before = model.logits(tokens)
    assert before.dtype is torch.bfloat16
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    model.loss(tokens, tokens).backward()
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}
    optimizer.step()
    assert not torch.equal(model.logits(tokens), before)
    rounded = _model()
    rounded.load_state_dict(model.state_dict())
    assert (model.logits(tokens) - rounded.logits(tokens)).abs().max() < 0.1


def test_held_copies_change_nothing_and_are_let_go():
    plain, held, tokens = _model(precision="bfloat16"), _model(precision="bfloat16"), _tokens(2, 16)
    with held.holding_copies():
        assert held.blocks[0].input.copy() is held.blocks[0].input.copy()
        held.loss(tokens, tokens).backward()
    plain.loss(tokens, tokens).backward()
    for ours, theirs in zip(held.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)
    assert held.blocks[0].input.held is None


def test_bfloat16_logits_are_float32_logits_up_to_rounding():
    tokens = _tokens(2, 150)
    exact, rounded = _model().logits(tokens), _model(precision="bfloat16").logits(tokens).float()
    assert (exact - rounded).abs().max() < 0.02 * exact.abs().max()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiled code needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # the compiler sets off warnings of its own libraries
def test_compiled_blocks_are_eager_ones_up_to_rounding_for_every_shape():
    eager, compiled = _model(precision="bfloat16"), _model(precision="bfloat16")
    compiled.compile_blocks()
    for shape in ((2, 150), (1, 150)):
        for model in (eager, compiled):
            model.zero_grad()
            model.loss(_tokens(*shape), _tokens(*shape, seed=1)).backward()
        for ours, theirs in zip(compiled.parameters(), eager.parameters(), strict=True):
            assert (ours.grad - theirs.grad).norm() < 0.02 * theirs.grad.norm()
