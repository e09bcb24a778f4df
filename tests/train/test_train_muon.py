"""Muon against torch's own, and each of the matrices that lie side by side turned by itself."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_run import VOCABULARY, content, curve, job, train, write_world
from torch import nn

from titrant.model.transformer import Transformer
from titrant.study.optimizer import Muon as DeclaredMuon
from titrant.study.optimizer import Optimizer
from titrant.train.muon import Muon, orthogonal
from titrant.train.optimizer import Optimizers


def test_steps_are_those_of_torchs_muon_on_each_matrix_alone():
    generator = torch.Generator().manual_seed(1)
    fused = nn.Parameter(torch.randn(48, 16, generator=generator))
    parts = [nn.Parameter(part.clone()) for part in fused.detach().split([16, 24, 8])]
    ours = Muon({fused: (0, (16, 24, 8))}, momentum=0.9, weight_decay=0.1, iterations=5)
    theirs = torch.optim.Muon(parts, lr=0.02, momentum=0.9, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    ours.state[fused]["momentum"] = torch.zeros_like(fused)
    for group in ours.param_groups:
        group["lr"] = 0.02
    for _ in range(5):
        gradient = torch.randn(48, 16, generator=generator)
        fused.grad = gradient.clone()
        for part, piece in zip(parts, gradient.split([16, 24, 8]), strict=True):
            part.grad = piece.clone()
        ours.step()
        theirs.step()
    torch.testing.assert_close(fused.detach(), torch.cat([part.detach() for part in parts]), atol=2e-4, rtol=0)


@given(rows=st.integers(2, 24), columns=st.integers(2, 24), seed=st.integers(0, 99))
def test_an_orthogonal_matrix_has_singular_values_near_one_and_the_same_directions(rows, columns, seed):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    kept = values / values.max() > 0.1  # the iteration lifts the others on its way
    turned = left.T @ orthogonal(matrix, 5).float() @ right.T
    diagonal = torch.diagonal(turned)
    assert ((diagonal[kept] > 0.5) & (diagonal[kept] < 1.35)).all()
    assert (turned - torch.diag(diagonal)).abs().max() < 0.1


def test_muon_moves_the_blocks_and_adamw_the_rest(tmp_path):
    asked = job()
    model = Transformer(asked.architecture, VOCABULARY)
    optimizers = Optimizers(model, DeclaredMuon(name="muon"))
    moments = optimizers.moments()
    assert {name.split("/")[1] for name in moments if name.startswith("momentum/")} == model.decayed()
    assert "exp_avg/embedding.weight" in moments
    assert "exp_avg/norm.weight" in moments
    assert not {"exp_avg/blocks.0.input.weight", "momentum/embedding.weight"} & moments.keys()
    parts = {name: model.fused_parts(name) for name in model.decayed()}
    assert parts["blocks.0.input.weight"] == (0, (32, 32, 32, 48, 48))
    assert parts["blocks.0.output.weight"] == (1, (32, 48))


def test_a_run_with_muon_learns_and_goes_on_from_anywhere_in_the_same_bytes(tmp_path):
    world = write_world(tmp_path / "world")
    muon = job(steps=30, curve=curve(30), optimizer=DeclaredMuon(name="muon"))
    whole = train(muon, world, tmp_path / "whole")
    assert whole.final_loss < train(job(steps=30, curve=curve(30)), world, tmp_path / "adamw").final_loss + 0.3
    calls = []

    def stop(*_):
        calls.append(1)
        if len(calls) == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(muon, world, tmp_path / "stopped", progress=stop)
    train(muon, world, tmp_path / "stopped")
    assert content(tmp_path / "stopped") == content(tmp_path / "whole")


def test_the_optimizer_of_a_study_is_adamw_unless_it_says_muon():
    assert job().optimizer == Optimizer()
    assert job(optimizer={"name": "muon", "momentum": 0.9}).optimizer == DeclaredMuon(name="muon", momentum=0.9)
    assert job(optimizer={"beta2": 0.99}).optimizer == Optimizer(beta2=0.99)
