"""The schedule: the runner's rules by hand on small cases, and bounds that no order of work can beat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.execute.cost.schedule import Piece, longest_chains, timetable, whole


def spans(pieces: list[Piece], workers: int, gpus: int = 0) -> dict[str, tuple[float, float]]:
    return {id_: (span.start, span.end) for id_, span in timetable(pieces, workers, gpus).items()}


def test_the_longest_chain_starts_first() -> None:
    # b and its reader take 5 s, a takes 4, c takes 3: two cores, b and a first, c when a is done
    pieces = [Piece("a", 4), Piece("b", 2), Piece("c", 3), Piece("b2", 3, ("b",))]
    assert spans(pieces, 2) == {"b": (0, 2), "a": (0, 4), "b2": (2, 5), "c": (4, 7)}
    assert longest_chains(pieces) == {"a": 4, "b": 5, "c": 3, "b2": 3}


def test_equal_chains_start_in_the_order_of_their_ids() -> None:
    assert spans([Piece("z", 1), Piece("a", 1)], 1) == {"a": (0, 1), "z": (1, 2)}


def test_jobs_that_are_not_scheduled_are_done_already() -> None:
    assert spans([Piece("a", 1, ("finished before",))], 1) == {"a": (0, 1)}


def test_gpu_jobs_wait_for_a_gpu_and_leave_the_cores_alone() -> None:
    pieces = [Piece("t1", 4, takes_gpu=True), Piece("t2", 4, takes_gpu=True), Piece("data", 1), Piece("more", 1)]
    assert spans(pieces, 2, gpus=1) == {"t1": (0, 4), "t2": (4, 8), "data": (0, 1), "more": (0, 1)}
    # where there is no GPU they are jobs like all others
    assert whole(timetable(pieces, 2)) == 5


def test_a_job_that_can_use_more_cores_takes_its_share_of_the_free_ones() -> None:
    assert spans([Piece("wide", 8, most_cores=4)], 4) == {"wide": (0, 2)}
    assert spans([Piece("wide", 8, most_cores=4), Piece("other", 2)], 4) == {"wide": (0, 4), "other": (0, 2)}


def test_a_job_of_several_places_waits_until_all_are_free_and_lets_others_go_first() -> None:
    pieces = [Piece("a", 2), Piece("both", 3, places=2), Piece("c", 1)]
    # the longest goes first and takes both cores
    assert spans(pieces, 2) == {"both": (0, 3), "a": (3, 5), "c": (3, 4)}
    pieces = [Piece("first", 4), Piece("pair", 3, places=2), Piece("last", 1)]
    assert spans(pieces, 2) == {"first": (0, 4), "last": (0, 1), "pair": (4, 7)}
    assert spans([Piece("t", 3, takes_gpu=True, places=2), Piece("u", 4, takes_gpu=True)], 4, gpus=2) == {
        "u": (0, 4),
        "t": (4, 7),
    }
    # more places than there are: all of them
    assert spans([Piece("wide", 3, places=9)], 2) == {"wide": (0, 3)}


def test_what_cannot_be_scheduled_is_refused() -> None:
    with pytest.raises(ValueError, match="never start: a, b"):
        timetable([Piece("a", 1, ("b",)), Piece("b", 1, ("a",))], 2)
    with pytest.raises(ValueError, match="no job can run on 0 cores"):
        timetable([Piece("a", 1)], 0)


@st.composite
def graphs(draw: st.DrawFn, most_places: int = 1) -> list[Piece]:
    pieces: list[Piece] = []
    for number in range(draw(st.integers(1, 12))):
        after = (
            draw(st.lists(st.sampled_from([piece.id for piece in pieces]), unique=True, max_size=3)) if pieces else []
        )
        seconds = draw(st.integers(0, 50)) / 4
        pieces.append(Piece(f"j{number}", seconds, tuple(after), places=draw(st.integers(1, most_places))))
    return pieces


@given(graphs(), st.integers(1, 5))
def test_no_schedule_is_shorter_than_its_longest_chain_or_its_work_shared_out(
    pieces: list[Piece], workers: int
) -> None:
    found = timetable(pieces, workers)
    total, longest = sum(piece.seconds for piece in pieces), max(longest_chains(pieces).values())
    assert whole(found) >= longest - 1e-9
    assert whole(found) >= total / workers - 1e-9
    # and never longer than Graham's bound for any list of jobs (1966)
    assert whole(found) <= total / workers + longest * (1 - 1 / workers) + 1e-9


@given(graphs(most_places=3), st.integers(1, 5))
def test_every_job_runs_once_after_what_it_needs_and_never_more_than_the_cores(
    pieces: list[Piece], workers: int
) -> None:
    found = timetable(pieces, workers)
    assert found.keys() == {piece.id for piece in pieces}
    for piece in pieces:
        assert found[piece.id].end == found[piece.id].start + piece.seconds
        assert all(found[piece.id].start >= found[needed].end for needed in piece.after)
    for moment in {span.start for span in found.values()}:
        assert sum(span.cores for span in found.values() if span.start <= moment < span.end) <= workers
