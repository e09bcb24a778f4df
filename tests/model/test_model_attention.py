"""Attention within documents: each is what it would be alone, and nothing passes between them."""

import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CohereForCausalLM

from titrant.model import attention
from titrant.model.attention import QUERY_BLOCK, Documents, causal_attention, find_documents
from titrant.model.hugging_face import cohere_config, to_cohere
from titrant.model.transformer import Transformer
from titrant.study.architecture import Architecture

TINY = Architecture(layers=2, width=32, heads=4, ffn_width=48)
END = 0


def _model(precision="float32", separator=END):
    model = Transformer(TINY, 61, precision)
    model.initialise(seed=1)
    model.separator = separator
    return model


def _row(*lengths, seed=0):
    """Documents of so many tokens, the separator at the beginning of each included; [1, T]."""
    generator = torch.Generator().manual_seed(seed)
    documents = [torch.randint(1, 61, (length,), generator=generator) for length in lengths]
    for document in documents:
        document[0] = END
    return torch.cat(documents)[None]


def _textbook(query, key, value, starts):
    """In float64, with a dense mask; tensors [B, H, T, K], the query divided already."""
    positions = torch.arange(query.shape[2])
    seen = (positions <= positions[:, None]) & (positions >= starts[:, :, None])
    scores = (query @ key.transpose(2, 3)).masked_fill(~seen[:, None], -torch.inf)
    return scores.softmax(-1) @ value


def _case(length, seed, dtype=torch.float32, batch=2):
    generator = torch.Generator().manual_seed(seed)
    parts = [torch.randn(batch, 3, length, 8, generator=generator).to(dtype).requires_grad_() for _ in range(3)]
    tokens = torch.randint(60, (batch, length), generator=generator)
    return parts, find_documents(tokens, END, fused=False), torch.randn(batch, 3, length, 8, generator=generator)


def test_a_document_begins_with_the_row_and_with_each_separator():
    tokens = torch.tensor([[5, 0, 7, 8, 0, 0, 9], [1, 2, 3, 4, 5, 6, 0]])
    documents = find_documents(tokens, 0, fused=True)
    assert documents.starts.tolist() == [[0, 1, 1, 1, 4, 5, 5], [0, 0, 0, 0, 0, 0, 6]]
    assert documents.bounds.tolist() == [0, 1, 4, 5, 7, 13, 14]
    assert find_documents(tokens, 0, fused=False).bounds is None


@settings(max_examples=12, deadline=None)
@given(length=st.sampled_from([1, 7, QUERY_BLOCK, QUERY_BLOCK + 1, 3 * QUERY_BLOCK + 5]), seed=st.integers(0, 99))
def test_attention_within_documents_equals_the_textbook_in_float64(length, seed):
    ours, documents, weighting = _case(length, seed)
    exact = [x.detach().double().requires_grad_() for x in ours]
    found, expected = causal_attention(*ours, documents), _textbook(*exact, documents.starts)
    (found * weighting).sum().backward()
    (expected * weighting).sum().backward()
    torch.testing.assert_close(found.double(), expected, atol=5e-6, rtol=1e-4)
    for mine, theirs in zip(ours, exact, strict=True):
        torch.testing.assert_close(mine.grad.double(), theirs.grad, atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize("within", [True, False])
def test_the_gradient_of_attention_is_that_of_finite_differences(monkeypatch, within):
    monkeypatch.setattr(attention, "QUERY_BLOCK", 4)
    parts = [x.double().detach().requires_grad_() for x in _case(10, seed=3, batch=1)[0]]
    documents = Documents(torch.tensor([[0, 0, 2, 2, 2, 2, 6, 7, 7, 7]]), None) if within else None
    assert torch.autograd.gradcheck(lambda *given: causal_attention(*given, documents), parts)


def test_each_document_is_what_it_would_be_alone():
    lengths, model = (3, QUERY_BLOCK - 1, 1, 150, 40), _model()
    row, start = _row(*lengths), 0
    together = model.logits(row)
    for length in lengths:
        alone = model.logits(row[:, start : start + length])
        torch.testing.assert_close(together[:, start : start + length], alone, atol=2e-6, rtol=1e-4)
        start += length


def test_logits_and_gradients_are_those_of_cohere_with_positions_that_begin_anew():
    lengths, model = (20, 131, 49), _model()
    row = _row(*lengths)
    theirs = CohereForCausalLM._from_config(cohere_config(TINY, 61, END, 300), attn_implementation="sdpa")
    theirs.load_state_dict(to_cohere(model.state_dict(), TINY))
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    expected = theirs(row, position_ids=positions, use_cache=False).logits
    torch.testing.assert_close(model.logits(row), expected, atol=3e-6, rtol=1e-4)
    model.loss(row[:, :-1], row[:, 1:]).backward()
    torch.nn.functional.cross_entropy(expected[0, :-1], row[0, 1:]).backward()
    ours = to_cohere({name: p.grad for name, p in model.named_parameters()}, TINY)
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_no_gradient_at_all_passes_between_documents(precision):
    model, hidden = _model(precision), []
    hook = model.blocks[0].register_forward_pre_hook(lambda _, given: hidden.append(given[0]) or given[0].retain_grad())
    logits = model.logits(_row(60, 100, 40))
    hook.remove()
    logits[0, 60:160].float().square().sum().backward()
    reached = hidden[0].grad[0].abs().sum(1) > 0
    assert reached[60:160].all()
    assert not reached[:60].any()
    assert not reached[160:].any()


def test_rows_of_one_document_each_are_rows_without_documents_up_to_rounding():
    tokens = torch.randint(1, 61, (2, 300), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(_model().logits(tokens), _model(separator=None).logits(tokens), atol=2e-6, rtol=1e-4)


def test_fused_kernels_are_asked_for_documents_laid_end_to_end(monkeypatch):
    """The kernel itself needs a GPU: a stand-in of the same signature computes document by document."""

    def stand_in(query, key, value, bounds, bounds_of_keys, most, most_keys, *, scale, window_size):
        assert (scale, window_size, most, most_keys) == (1.0, (-1, 0), 150, 150)
        assert torch.equal(bounds, bounds_of_keys)
        cuts = bounds.diff().tolist()
        pieces = zip(*(x.transpose(0, 1).split(cuts, dim=1) for x in (query, key, value)), strict=True)
        attend = torch.nn.functional.scaled_dot_product_attention
        return torch.cat([attend(*piece, is_causal=True, scale=scale) for piece in pieces], dim=1).transpose(0, 1)

    monkeypatch.setattr(attention, "_varlen_attn", stand_in)
    generator = torch.Generator().manual_seed(4)
    parts = [torch.randn(2, 3, 150, 8, generator=generator) for _ in range(3)]
    tokens = torch.randint(40, (2, 150), generator=generator)
    found = causal_attention(*parts, find_documents(tokens, END, fused=True))
    expected = causal_attention(*parts, find_documents(tokens, END, fused=False))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_this_pytorch_has_the_fused_kernel_with_the_arguments_that_we_give():
    assert attention._varlen_attn is not None
    assert not attention.has_fused_documents(torch.device("cpu"), torch.bfloat16)
    assert not attention.has_fused_documents(torch.device("cuda"), torch.float32)
    assert attention.has_fused_documents(torch.device("cuda"), torch.bfloat16)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiled code needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # the compiler sets off warnings of its own libraries
def test_compiled_and_recomputed_blocks_keep_to_documents_too():
    gradients = []
    for compiled in (False, True):
        model = _model("bfloat16")
        if compiled:
            model.compile_blocks()
            model.recompute_blocks()
        for row in (_row(60, 90, 41), _row(150, 41, seed=1)):
            model.loss(row[:, :-1], row[:, 1:]).backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        assert (ours - theirs).norm() < 0.02 * theirs.norm()
