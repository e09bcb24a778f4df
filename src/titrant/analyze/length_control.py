"""The win rate that answers of equal length would have: a logistic regression on the difference of lengths.

Judges favour long answers. The chance that the arm wins is modelled, in each seed, as

    logit P(win) = theta + phi tanh((arm's length - control's length) / s)

with s the standard deviation of the differences; a tie counts as half a win. The length-controlled rate is what is left
at a difference of zero, 1 / (1 + exp(-theta)). The term for the difficulty of a prompt, which the source learns from
many models, is left out: with two models it cannot be told from theta. Firth's penalty keeps theta and phi finite where
one side wins everything.

The interval comes from the variance components of the pseudo-values theta + influence, so that items and seeds count
just as they do for the win rate itself.

**Source:** Dubois, Galambosi, Liang and Hashimoto, "Length-Controlled AlpacaEval" (2024, arXiv 2404.04475), section 3;
Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80 (1993), for the penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from titrant.analyze.components import Floats, variance_components
from titrant.analyze.reference import half_width

STEPS = 100
FEWEST_ITEMS = 10
"""With fewer items no length effect can be told."""


@dataclass(frozen=True)
class LengthControlled:
    """The win rate at equal lengths, with its interval."""

    rate: float
    low: float
    high: float
    length_effect: float
    """phi, mean over seeds: log-odds of winning that a much longer answer gains. 0: length does not matter."""


def length_controlled(score_SI: Floats, longer_SI: Floats, alpha: float) -> LengthControlled | None:
    """The rate of the scores (1 a win, 1/2 a tie, 0 a loss) at equal lengths; `longer_SI` is the arm's length minus the
    control's, in characters. None where it cannot be told: fewer than 10 items, or differences that are all equal.
    """
    num_seeds, num_items = score_SI.shape
    spread = float(longer_SI.std())
    if num_items < FEWEST_ITEMS or spread == 0:
        return None
    fits = [_fit(score_SI[seed], np.tanh(longer_SI[seed] / spread)) for seed in range(num_seeds)]
    if any(fit is None for fit in fits):
        return None
    found = [fit for fit in fits if fit is not None]
    pseudo = np.array([theta + influence for theta, _, influence in found])
    components = variance_components(pseudo, np.ones(num_items))
    theta, width = float(components.difference), float(half_width(components, alpha))
    return LengthControlled(
        rate=float(expit(theta)),
        low=float(expit(theta - width)),
        high=float(expit(theta + width)),
        length_effect=float(np.mean([phi for _, phi, _ in found])),
    )


def _fit(score_I: Floats, longer_I: Floats) -> tuple[float, float, Floats] | None:
    """theta, phi, and the influence [I] of each item on theta; None where lengths do not vary in this seed."""
    if np.ptp(longer_I) < 1e-9:
        return None
    design_IP = np.stack([np.ones_like(longer_I), longer_I], axis=1)
    beta_P = np.zeros(2)
    for _ in range(STEPS):
        score_IP, information_PP = _penalised_score(design_IP, score_I, beta_P)
        step_P = np.linalg.solve(information_PP, score_IP.sum(axis=0))
        beta_P = beta_P + step_P * min(1.0, 2.0 / max(float(np.abs(step_P).max()), 1e-300))
        if np.abs(step_P).max() < 1e-10:
            break
    score_IP, information_PP = _penalised_score(design_IP, score_I, beta_P)
    influence_IP = len(score_I) * np.linalg.solve(information_PP, score_IP.T).T
    return float(beta_P[0]), float(beta_P[1]), np.asarray(influence_IP[:, 0], np.float64)


def _penalised_score(design_IP: Floats, score_I: Floats, beta_P: Floats) -> tuple[Floats, Floats]:
    """Each item's part of the penalised score, and the information matrix."""
    chance_I = expit(design_IP @ beta_P)
    weight_I = np.maximum(chance_I * (1 - chance_I), 1e-12)
    information_PP = design_IP.T @ (design_IP * weight_I[:, None])
    leverage_I = weight_I * np.einsum("ip,pq,iq->i", design_IP, np.linalg.inv(information_PP), design_IP)
    return design_IP * (score_I - chance_I + leverage_I * (0.5 - chance_I))[:, None], information_PP
