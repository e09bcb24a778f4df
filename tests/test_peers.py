"""How other tools failed silently, each as a case that cannot happen here.

The first five are what one public replication of the reference study lost months to; more of the kind stand with the
rooms they belong to (mixtures that round away, order that follows key order, overlap after a shuffle, dropped rows).
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from demo_study import lay_out_study
from titrant.errors import StudyError
from titrant.plan import make_plan
from titrant.study.load import load_study, open_study
from titrant.study.world import pin_study
from titrant.tokens.mix import Interleaving, apportion


def test_a_rounding_remainder_never_goes_to_one_source_alone() -> None:
    """228 text shards and 4 code components, blocks of 2,048: 90/8/2 was trained as 80.9/17.2/2.0 (marin #8373)."""
    shards = {f"text-{i:03}": Fraction(90, 100) * Fraction(i + 1, 228 * 229 // 2) for i in range(228)}
    others = {"code-a": Fraction(5, 100), "code-b": Fraction(3, 100), "markup-a": Fraction(1, 100)}
    shares = shards | others | {"markup-b": Fraction(1, 100)}

    counts = apportion(shares, 2048)

    assert sum(counts.values()) == 2048
    assert all(abs(counts[source] - share * 2048) < 1 for source, share in shares.items())
    assert abs(sum(counts[source] for source in ("code-a", "code-b")) / 2048 - 0.08) < 0.001


def test_extreme_weights_neither_crash_nor_skew() -> None:
    """Blending indices at weights of a millionth crashed or skewed (Megatron-LM #705, #1007)."""
    counts = apportion({"all": Fraction(999_999, 1_000_000), "drop": Fraction(1, 1_000_000)}, 3_000_000)

    assert counts == {"all": 2_999_997, "drop": 3}
    turns, _ = Interleaving({"all": 1_999, "drop": 1}).turns(0, 2_000)
    assert sorted(turns.tolist()) == [0] * 1_999 + [1]


def test_weights_are_shares_of_tokens_however_many_files_hold_them(tmp_path) -> None:
    """Weights counted shard folders and not tokens: 56/44 instead of 19.8/80.2."""
    study = lay_out_study(tmp_path)
    (tmp_path / "prose" / "all.txt").write_text("\n".join(f"{p.read_text()}" for p in (tmp_path / "prose").iterdir()))
    for path in (tmp_path / "prose").glob("[0-9]*.txt"):
        path.unlink()  # ninety files became one

    plan = make_plan(pin_study(open_study(study)))

    (init, _) = (plan.jobs[id_] for id_ in plan.runs["balanced->text@tiny#1"][1])
    assert init.identity["phase"]["shares"] == {"code": "1/2", "text": "1/2"}  # type: ignore[index]


def test_steps_come_from_the_declared_tokens_and_not_from_an_estimate(tmp_path) -> None:
    """26,300 steps instead of 23,747, from an estimated number of tokens a row: nine hours thrown away."""
    plan = make_plan(pin_study(open_study(lay_out_study(tmp_path))))

    for _, chain in plan.runs.values():
        assert sum(plan.jobs[id_].declaration.phase.steps for id_ in chain) * 1024 == 40960  # type: ignore[union-attr]


def test_a_checkpoint_in_mid_cosine_is_not_compared_with_a_decayed_one(tmp_path, demo_text) -> None:
    """An arm whose rate was still high was compared with one whose rate had decayed: eleven hours run again."""
    text = demo_text.replace(
        "phases:\n", "phases:\n  cut: {parts: 10, schedule: {shape: cosine, horizon_parts: 20}}\n"
    ).replace("arms:\n", "arms:\n  cut: [{cut: mostly-text}]\n")
    text = text.replace("contrasts:\n", "contrasts:\n  - {arm: cut, control: text-only}\n")

    with pytest.raises(StudyError, match="differ in schedule, which the contrast does not declare"):
        load_study(lay_out_study(tmp_path, text))


def test_whether_the_second_phase_is_warmed_again_is_declared_and_compared(tmp_path, demo_text) -> None:
    """The optimizer's counters were kept and the schedule's were not: a wrong rate in phase 2 of a whole study."""
    text = (
        demo_text.replace("phases:\n", "phases:\n  going-on: {parts: 5, schedule: {shape: linear, start: current}}\n")
        .replace("arms:\n", "arms:\n  going-on: [{init: text}, {going-on: text}]\n")
        .replace("contrasts:\n", "contrasts:\n  - {arm: going-on, control: text->text, differs_in: [schedule]}\n")
    )
    plan = make_plan(pin_study(open_study(lay_out_study(tmp_path, text))))

    def rates(arm: str) -> tuple[float, float]:
        first, second = (plan.jobs[id_].declaration.phase for id_ in plan.runs[f"{arm}@tiny#1"][1])  # type: ignore[union-attr]
        return first.curve.rate_at(first.steps - 1), second.curve.rate_at(0)

    end, again = rates("text->text")
    assert again > 2 * end
    end, on = rates("going-on")
    assert on <= end
