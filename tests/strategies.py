"""Hypothesis strategies for declarations, in one place."""

from __future__ import annotations

from hypothesis import strategies as st

from titrant.study.curve import Curve
from titrant.study.mixture import Mixture

names = st.sampled_from(["text", "code", "markup", "notebooks", "threads"])

weights = st.one_of(st.integers(0, 100), st.floats(0, 100, allow_nan=False).map(lambda w: round(w, 4)), st.just(1e-6))

mixtures = (
    st.dictionaries(names, weights, min_size=1, max_size=5)
    .filter(lambda given: any(given.values()))
    .map(lambda given: Mixture(weights=given))
)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """A resolved curve of any shape, with its warmup and decay inside its horizon."""
    shape = draw(st.sampled_from(["cosine", "linear", "1-sqrt", "constant", "warmup-stable-decay"]))
    horizon = draw(st.integers(1, 400))
    warmup = draw(st.integers(0, horizon))
    peak = draw(st.floats(1e-5, 1e-1))
    decay = 0 if shape == "constant" else draw(st.integers(0, horizon - warmup))
    return Curve(
        shape=shape,
        start_rate=0.0 if warmup else peak,
        peak_rate=peak,
        final_rate=peak if shape == "constant" else peak * draw(st.floats(0, 1)),
        warmup_steps=warmup,
        decay_steps=decay,
        decay_shape=shape if shape in ("cosine", "linear", "1-sqrt") else "1-sqrt",
        horizon_steps=horizon,
    )
