"""Chunked cross entropy against a float64 loop."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.model import loss as loss_module
from titrant.model.loss import mean_cross_entropy, token_nats


def _case(rows, vocabulary, width=6, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, width, generator=generator) * scale
    weight = torch.randn(vocabulary, width, generator=generator)
    return hidden, weight, torch.randint(vocabulary, (rows,), generator=generator)


def _oracle(hidden, weight, targets):
    """Nats of each row, by the definition, one row at a time in float64."""
    nats = []
    for row, target in zip(hidden.double().tolist(), targets.tolist(), strict=True):
        logits = [sum(a * b for a, b in zip(row, column, strict=True)) for column in weight.double().tolist()]
        top = max(logits)
        nats.append(top + math.log(sum(math.exp(x - top) for x in logits)) - logits[target])
    return nats


@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(1, 12),
    vocabulary=st.integers(2, 9),
    chunk=st.integers(1, 50),
    scale=st.sampled_from([1e-3, 1.0, 60.0]),
    seed=st.integers(0, 99),
)
def test_the_loss_equals_the_definition_in_float64_whatever_the_chunks(rows, vocabulary, chunk, scale, seed):
    hidden, weight, targets = _case(rows, vocabulary, seed=seed, scale=scale)
    expected = _oracle(hidden, weight, targets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loss_module, "CHUNK_LOGITS", chunk)
        patch.setattr(loss_module, "PIECE_LOGITS", chunk // 3)
        found = mean_cross_entropy(hidden, weight, targets)
        each = token_nats(hidden, weight, targets)
    assert found.item() == pytest.approx(sum(expected) / rows, rel=1e-5, abs=1e-5 * max(1, scale))
    assert each.tolist() == pytest.approx(expected, rel=1e-5, abs=1e-5 * max(1, scale))


@pytest.mark.parametrize("chunk", [7, 40, 10_000])
def test_gradients_equal_autograd_in_float64(monkeypatch, chunk):
    monkeypatch.setattr(loss_module, "CHUNK_LOGITS", chunk)
    monkeypatch.setattr(loss_module, "PIECE_LOGITS", chunk // 3)
    monkeypatch.setattr(loss_module, "SLICE_ENTRIES", 4)
    hidden, weight, targets = (x.requires_grad_() if x.is_floating_point() else x for x in _case(9, 11))
    exact = [x.detach().double().requires_grad_() for x in (hidden, weight)]
    (3 * torch.nn.functional.cross_entropy(exact[0] @ exact[1].T, targets)).backward()
    (3 * mean_cross_entropy(hidden, weight, targets)).backward()
    for ours, theirs in zip((hidden, weight), exact, strict=True):
        torch.testing.assert_close(ours.grad.double(), theirs.grad, atol=1e-6, rtol=1e-5)


def test_losses_of_micro_batches_add_up_to_the_loss_of_the_step():
    hidden, weight, targets = _case(8, 5)
    whole = mean_cross_entropy(hidden, weight, targets)
    parts = [mean_cross_entropy(hidden[i : i + 2], weight, targets[i : i + 2], rows=8) for i in range(0, 8, 2)]
    assert sum(part.item() for part in parts) == pytest.approx(whole.item(), rel=1e-6)


def test_bfloat16_states_give_a_float32_gradient_to_the_master():
    hidden, weight, targets = _case(300, 40, width=32)
    weight.requires_grad_()
    states = hidden.bfloat16().requires_grad_()
    found = mean_cross_entropy(states, weight, targets, copy_VD=weight.detach().bfloat16())
    found.backward()
    exact = [x.detach().double().requires_grad_() for x in (states, weight)]
    expected = torch.nn.functional.cross_entropy(exact[0] @ exact[1].T, targets)
    expected.backward()
    assert weight.grad.dtype is torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=5e-3)
    assert (weight.grad - exact[1].grad).norm() < 0.01 * exact[1].grad.norm()
    assert (states.grad.double() - exact[0].grad).norm() < 0.01 * exact[0].grad.norm()


def test_a_target_of_almost_no_probability_has_a_finite_loss():
    hidden, weight = torch.tensor([[400.0]]), torch.tensor([[1.0], [-1.0]])
    assert mean_cross_entropy(hidden, weight, torch.tensor([1])).item() == pytest.approx(800.0)
    assert token_nats(hidden, weight, torch.tensor([1])).tolist() == pytest.approx([800.0])


def test_the_divisor_may_be_a_share_of_rows_that_other_processes_hold():
    hidden, weight, targets = _case(8, 5)
    whole = mean_cross_entropy(hidden, weight, targets)
    assert mean_cross_entropy(hidden, weight, targets, rows=2.5).item() == pytest.approx(whole.item() * 8 / 2.5)


@pytest.mark.parametrize(("soft_cap", "factor"), [(None, 3), (1.5, 3), (1.5, 1)])
def test_the_gradient_is_that_of_finite_differences(monkeypatch, soft_cap, factor):
    monkeypatch.setattr(loss_module, "CHUNK_LOGITS", 25)
    monkeypatch.setattr(loss_module, "PIECE_LOGITS", 12)
    hidden, weight, targets = _case(5, 7)
    hidden, weight = (x.double().requires_grad_() for x in (hidden, weight))
    assert torch.autograd.gradcheck(
        lambda h, w: factor * mean_cross_entropy(h, w, targets, rows=2.5, soft_cap=soft_cap), (hidden, weight)
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_logits_under_a_soft_cap_are_bent_before_the_loss(dtype):
    hidden, weight, targets = _case(40, 9, scale=4.0)
    ours = [x.to(dtype).requires_grad_() for x in (hidden, weight)]
    exact = [x.detach().double().requires_grad_() for x in ours]
    found = mean_cross_entropy(*ours, targets, soft_cap=3.0)
    expected = torch.nn.functional.cross_entropy(3.0 * torch.tanh(exact[0] @ exact[1].T / 3.0), targets)
    found.backward()
    expected.backward()
    allowed = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.02}[dtype]
    assert found.item() == pytest.approx(expected.item(), rel=allowed)
    for mine, theirs in zip(ours, exact, strict=True):
        assert (mine.grad.double() - theirs.grad).norm() < allowed * theirs.grad.norm()


def test_gradients_that_are_taken_twice_add_up():
    hidden, weight, targets = _case(5, 7)
    weight.requires_grad_()
    loss = mean_cross_entropy(hidden, weight, targets)
    loss.backward(retain_graph=True)
    once = weight.grad.clone()
    loss.backward()
    torch.testing.assert_close(weight.grad, 2 * once)
