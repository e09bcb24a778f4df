"""Attention through the cache is softmax attention over each text, whatever lies beside it; packed products are products."""

import random

import pytest
import torch
from torch.nn.functional import linear

from titrant.evaluate.generation import products
from titrant.evaluate.generation.cache import BLOCK, Cache, Prefill
from titrant.evaluate.generation.products import packed_products

LAYERS, HEADS, GROUPS, WIDTH = 2, 4, 2, 8


class Text:
    """One sample, with all its keys and values as a plain list: the oracle."""

    def __init__(self, reader, keys_values):
        self.reader, self.keys_values = reader, [[x.clone() for x in pair] for pair in keys_values]

    def attended(self, layer, query_HK, scale):
        keys, values = (x.double().repeat_interleave(HEADS // GROUPS, 0) for x in self.keys_values[layer])
        weights = (torch.einsum("hk,htk->ht", query_HK.double(), keys) * scale).softmax(-1)
        return torch.einsum("ht,htk->hk", weights, values)


def drawn(*shape, generator):
    return torch.randn(shape, generator=generator) * 2


def prompt_of(length, generator):
    return [tuple(drawn(GROUPS, length + 5, WIDTH, generator=generator) for _ in "kv") for _ in range(LAYERS)]


def step(cache, texts, generator):
    """One token of every text, compared with the oracle; padded with rows that are nobody's."""
    taken, rows = cache.step([text.reader for text in texts]), len(texts) + 3
    for layer in range(LAYERS):
        query, key, value = (
            drawn(1, heads, rows, WIDTH, generator=generator) for heads in (HEADS, GROUPS, GROUPS)
        )  # fmt: skip
        found = taken.attend(layer, query, key, value, 0.5)
        assert found.shape == query.shape
        for row, text in enumerate(texts):
            stored = text.keys_values[layer]
            for place, new in enumerate((key, value)):
                stored[place] = torch.cat((stored[place], new[0, :, row : row + 1]), dim=1)
            torch.testing.assert_close(
                found[0, :, row].double(), text.attended(layer, query[0, :, row], 0.5), rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_attention_is_that_over_each_text_while_texts_come_and_go(samples, seed):
    generator, chance = torch.Generator().manual_seed(seed), random.Random(seed)
    cache, texts = Cache(samples), []
    for _ in range(3 * BLOCK):
        if not texts or (len(texts) < 12 and chance.random() < 0.15):
            length = chance.choice((1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK))
            keys_values = prompt_of(length, generator)
            readers = cache.add_prompt(keys_values, length, chance.randint(1, samples))
            texts += [Text(reader, [[x[:, :length] for x in pair] for pair in keys_values]) for reader in readers]
        step(cache, texts, generator)
        for text in [text for text in texts if chance.random() < 0.03]:
            cache.drop(text.reader)
            texts.remove(text)
    for text in texts:
        cache.drop(text.reader)
    assert not cache._own.blocks
    assert not cache._prompts.blocks


def test_what_lies_beside_a_text_changes_no_bit_of_it():
    def last_step(others):
        generator = torch.Generator().manual_seed(0)
        mine = prompt_of(70, generator)
        asked = [drawn(1, heads, 1, WIDTH, generator=generator) for heads in (HEADS, GROUPS, GROUPS)]
        cache = Cache(1)
        readers = [cache.add_prompt(prompt_of(length, generator), length, 1)[0] for length in others]
        readers.insert(len(others) // 2, cache.add_prompt(mine, 70, 1)[0])
        given = [x.expand(-1, -1, len(readers), -1) for x in asked]
        for _ in range(40):
            taken = cache.step(readers)
            found = [taken.attend(layer, *given, 0.5) for layer in range(LAYERS)]
        return torch.stack(found)[:, 0, :, len(others) // 2]

    alone = last_step([])
    for others in ([1], [500, 3, 64], [40] * 30):
        assert torch.equal(last_step(others), alone)


def test_a_prompt_is_read_with_causal_attention_and_remembered():
    generator = torch.Generator().manual_seed(0)
    query, key, value = (drawn(1, heads, 9, WIDTH, generator=generator) for heads in (HEADS, GROUPS, GROUPS))
    prefill = Prefill()
    found = prefill.attend(0, query, key, value, 0.5)
    assert all(torch.equal(*pair) for pair in zip(prefill.keys_values[0], (key[0], value[0]), strict=True))
    for place in range(9):
        text = Text(None, [[key[0, :, : place + 1], value[0, :, : place + 1]]])
        torch.testing.assert_close(
            found[0, :, place].double(), text.attended(0, query[0, :, place], 0.5), rtol=1e-4, atol=1e-5
        )


# packed products


def test_packed_products_are_products_and_stay_the_same_in_any_company():
    generator = torch.Generator().manual_seed(0)
    matrix, bias, rows = (torch.randn(shape, generator=generator) for shape in ((96, 64), (96,), (160, 64)))
    with torch.inference_mode(), packed_products(torch.device("cpu")) as _:
        whole, biased = linear(rows, matrix), linear(rows[None], matrix, bias)
        parts = [linear(rows[start : start + 16], matrix) for start in range(0, 160, 16)]
    expected = rows.double() @ matrix.double().T
    torch.testing.assert_close(whole.double(), expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(biased[0].double(), expected + bias, rtol=1e-5, atol=1e-4)
    assert torch.equal(torch.cat(parts), whole)


@pytest.mark.skipif(not products._has_packing(), reason="this PyTorch has no packed products")
def test_a_matrix_is_packed_once_if_it_is_float32_large_enough_and_the_layout_works(monkeypatch):
    packed = []
    pack = products._pack
    monkeypatch.setattr(products, "_pack", lambda matrix: (packed.append(matrix.shape), pack(matrix))[1])
    monkeypatch.setattr(products, "_works_for", lambda shape: shape[0] != 80)
    large, small, wrong = torch.ones(96, 64), torch.ones(8, 8), torch.ones(80, 64)
    with torch.inference_mode(), packed_products(torch.device("cpu")):
        for matrix in (large, small, wrong, large, large.bfloat16()):
            linear(torch.ones(16, matrix.shape[1], dtype=matrix.dtype), matrix)
    assert packed == [large.shape]


def test_where_nothing_can_be_packed_products_are_pytorchs(monkeypatch):
    monkeypatch.setattr(products, "_has_packing", lambda: False)
    rows, matrix = torch.randn(16, 64), torch.randn(96, 64)
    with packed_products(torch.device("cpu")):
        assert torch.equal(linear(rows, matrix), rows @ matrix.T)
