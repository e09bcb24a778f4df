"""The tree that is read: every token of every reading once, each seeing exactly what lies before it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.evaluate import reading as module
from titrant.evaluate.reading import plan_reading

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), max_size=10)


@settings(max_examples=100, deadline=None)
@given(SEQUENCES, st.booleans())
def test_the_way_of_a_sequence_spells_what_is_read_of_it(sequences, share):
    reading = plan_reading(sequences, share=share)
    for sequence, way in zip(sequences, reading.ways, strict=True):
        assert reading.tokens[way].tolist() == sequence[:-1]
        assert reading.positions[way].tolist() == list(range(len(sequence) - 1))
    distinct = {tuple(sequence[:-1]) for sequence in sequences}
    beginnings = {one[:end] for one in distinct for end in range(1, len(one) + 1)}
    assert len(reading.tokens) == (len(beginnings) if share else sum(map(len, distinct)))


@settings(max_examples=100, deadline=None)
@given(SEQUENCES, st.integers(1, 9), st.integers(1, 5))
def test_in_chunks_of_any_size_every_token_sees_its_own_beginning_in_order(sequences, size, queries):
    before, module.QUERIES = module.QUERIES, queries
    try:
        reading = plan_reading(sequences)
        seen: list[int] = []
        read: list[int] = []
        owner = {node: way for way in reading.ways for node in way.tolist()}
        for chunk in reading.chunks(size):
            nodes = list(range(chunk.begin, chunk.begin + len(chunk.tokens)))
            seen = [seen[place] for place in chunk.carried] + nodes
            assert chunk.tokens.tolist() == reading.tokens[nodes].tolist()
            answered = []
            for tiles in chunk.groups:
                for place in tiles.rows:
                    row, query = divmod(int(place), tiles.queries.shape[1])
                    node, position = chunk.begin + int(tiles.queries[row, query]), int(tiles.first[row]) + query
                    visible = [seen[key] for key in tiles.keys[row, : position + 1]]
                    way = owner[node]
                    assert visible == way[: int(np.searchsorted(way, node)) + 1].tolist()
                    answered.append(node)
            assert sorted(answered) == nodes
            read += nodes
        assert read == list(range(len(reading.tokens)))
    finally:
        module.QUERIES = before
