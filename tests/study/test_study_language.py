"""The language itself: two doors with one result, exact shares, readable units, curves that keep their promises."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import curves, mixtures
from titrant.errors import StudyError
from titrant.study.load import find_study, load_study
from titrant.study.patterns import matches
from titrant.study.study import Study
from titrant.study.units import parse_tokens, show_count

PYTHON = """
from pathlib import Path
from titrant import Study
import yaml
study = Study.model_validate(yaml.safe_load(Path(r"{path}").read_text()))
"""


def test_yaml_and_python_give_the_same_canonical_study(write_study, tmp_path) -> None:
    path = write_study()
    door = tmp_path / "study.py"
    door.write_text(PYTHON.format(path=path))

    assert load_study(door).canonical() == load_study(path).canonical()


def test_a_python_file_without_a_study_says_so(tmp_path) -> None:
    (tmp_path / "study.py").write_text("x = 1\n")

    with pytest.raises(StudyError, match=r"this Python file defines no Study; end it with `study = Study\(...\)`"):
        load_study(tmp_path / "study.py")


@pytest.mark.parametrize("name", ["quickstart", "synthetic-dose", "to-code-or-not-to-code", "which-part-of-code"])
def test_shipped_studies_load_and_survive_a_round_trip(name) -> None:
    study = load_study(name)

    assert Study.model_validate(study.canonical()).canonical() == study.canonical()
    assert find_study(name).suffix == ".yaml"


def test_a_study_is_frozen(write_study) -> None:
    study = load_study(write_study())

    with pytest.raises(ValueError, match="frozen"):
        study.question = "another"  # type: ignore[misc]


@given(mixtures)
def test_shares_are_exact_positive_and_sum_to_one(mixture) -> None:
    assert sum(mixture.shares.values()) == 1
    assert all(share > 0 for share in mixture.shares.values())
    assert set(mixture.shares) == {source for source, weight in mixture.weights.items() if weight}


@given(mixtures, mixtures, st.integers(0, 100))
def test_a_blend_gives_each_side_its_part(one, other, percent) -> None:
    part = Fraction(percent, 100)
    blend = one.blended(other, part)

    for source in {*one.shares, *other.shares}:
        expected = (1 - part) * one.shares.get(source, 0) + part * other.shares.get(source, 0)
        assert abs(blend.shares.get(source, Fraction(0)) - expected) < Fraction(1, 10**12)


@given(curves())
def test_a_curve_rises_to_its_peak_and_falls_to_its_final_rate(curve) -> None:
    rates = [curve.rate_at(step) for step in range(curve.horizon_steps)]
    rising, falling = rates[: curve.warmup_steps], rates[max(curve.warmup_steps - 1, 0) :]
    low = min(curve.start_rate, curve.final_rate)

    assert rising == sorted(rising)
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in itertools.pairwise(falling))
    assert all(low * (1 - 1e-9) - 1e-18 <= rate <= curve.peak_rate * (1 + 1e-12) for rate in rates)
    if curve.decay_steps:
        assert rates[-1] == pytest.approx(curve.final_rate, abs=1e-15)
    if curve.warmup_steps:
        assert rates[curve.warmup_steps - 1] == pytest.approx(curve.peak_rate)


@given(curves(), st.integers(0, 200))
def test_a_continued_curve_is_the_uncut_one(curve, cut) -> None:
    rest = curve.model_copy(update={"offset_steps": cut})

    assert [rest.rate_at(step) for step in range(50)] == [curve.rate_at(cut + step) for step in range(50)]


@given(st.integers(1, 10**15))
def test_whole_numbers_of_tokens_are_read_as_they_stand(tokens) -> None:
    assert parse_tokens(tokens) == parse_tokens(str(tokens)) == tokens


@pytest.mark.parametrize(("text", "tokens"), [("1.1M", 1_100_000), ("400B", 4 * 10**11), ("2e6", 2_000_000)])
def test_suffixes_are_decimal(text, tokens) -> None:
    assert parse_tokens(text) == tokens
    assert parse_tokens(show_count(tokens)) == tokens


def test_one_star_stops_at_a_folder_and_two_do_not() -> None:
    assert matches("src/a/b.py", ["src/**/*.py"])
    assert matches("src/b.py", ["src/**/*.py"])
    assert not matches("src/a/b.py", ["src/*.py"])
    assert not matches("src/a.pyc", ["**/*.py"])
