"""Faster products are the same products: float32, the same rows in any company, and left alone where they do not fit."""

import numpy as np
import pytest
import torch
from torch.nn.functional import linear

from titrant.evaluate import products
from titrant.evaluate.products import FastProducts

ROWS, WEIGHT, BIAS = (
    torch.randn(*shape, generator=torch.Generator().manual_seed(0)) for shape in ((48, 96), (80, 96), (80,))
)

pytestmark = pytest.mark.skipif(not products.has_exact_onednn(), reason="this PyTorch does not multiply by oneDNN")


def differences(found, expected):
    return float((found.double() - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("bias", [None, BIAS])
def test_products_are_float32_and_not_rounded_to_less(bias):
    expected = ROWS.double() @ WEIGHT.double().T + (0 if bias is None else bias.double())
    with torch.inference_mode(), FastProducts():
        assert differences(linear(ROWS, WEIGHT, bias), expected) < 2e-6  # bfloat16 would give 1e-2
        assert (
            differences(linear(ROWS[None].transpose(1, 2).contiguous().transpose(1, 2), WEIGHT, bias)[0], expected)
            < 2e-6
        )


def test_weights_laid_out_once_and_weights_laid_out_each_time_give_the_same_bits(monkeypatch):
    with torch.inference_mode():
        with FastProducts() as fast:
            once = linear(ROWS, WEIGHT)
            assert linear(ROWS, WEIGHT).equal(once)
        assert len(fast._packed) == 1
        monkeypatch.setattr(products, "PACKED_BYTES", 0)
        with FastProducts() as fast:
            assert linear(ROWS, WEIGHT).equal(once)
        assert not fast._packed


def test_what_does_not_fit_is_left_alone():
    expected = linear(ROWS, WEIGHT)
    with FastProducts() as fast:
        assert linear(ROWS.double(), WEIGHT.double()).dtype == torch.float64
        assert linear(ROWS, WEIGHT.T.contiguous().T).equal(expected)
        weight = WEIGHT.clone().requires_grad_()
        linear(ROWS, weight).sum().backward()
        np.testing.assert_allclose(weight.grad[0], ROWS.sum(0), rtol=1e-5)
        assert linear(ROWS, weight=WEIGHT).equal(expected)
        assert not fast._packed


def test_a_library_that_rounds_to_less_or_is_not_there_is_not_used(monkeypatch):
    exact = torch.ops.mkldnn._linear_pointwise

    def rounding(given, weight, *others):
        return exact(given.bfloat16().float(), weight, *others)

    def absent(*others):
        raise NotImplementedError

    expected = linear(ROWS, WEIGHT)
    for instead in (rounding, absent):
        products.has_exact_onednn.cache_clear()
        monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", instead, raising=False)
        assert not products.has_exact_onednn()
        with torch.inference_mode(), FastProducts():
            assert linear(ROWS, WEIGHT).equal(expected)
    products.has_exact_onednn.cache_clear()
