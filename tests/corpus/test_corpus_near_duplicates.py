"""Near-duplicates: planted ones are found, unlike ones are kept, and every dropped one is near to a kept one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus.duplicates.near_duplicates import _hash_bands, bands_and_rows, find_near_duplicates
from titrant.corpus.duplicates.signatures import sign
from titrant.study.cleaning import NearDuplicates

NEAR = NearDuplicates(similarity=0.8, words=5, permutations=256)
LICENCE = (
    "Licensed under the Example License, version 2.0 (the 'License'); you may not use this file except in compliance "
    "with the License. You may obtain a copy of the License at the address below. Unless required by applicable law "
    "or agreed to in writing, software distributed under the License is distributed on an 'as is' basis, without "
    "warranties or conditions of any kind, either express or implied. See the License for the specific language."
)


def signed(texts, near=NEAR):
    return sign(pa.array(texts, pa.large_string()), near)


def jaccard(one, other, size=5):
    sets = [{tuple(words[at : at + size]) for at in range(len(words) - size + 1)} for words in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def random_words(generator, count):
    return [f"w{number}" for number in generator.zipf(1.3, count) % 50_000]


def with_similarity(generator, words, wanted):
    """A copy of the words with as many of them replaced, one by one, as brings the similarity down to `wanted`."""
    other, places = list(words), generator.permutation(len(words))
    for count, place in enumerate(places):
        if jaccard(words, other) <= wanted:
            break
        other[place] = f"new{count}"
    return other


def pairs_of(similarity, count, length=200):
    generator = np.random.default_rng(int(similarity * 1000))
    originals = [random_words(generator, length) for _ in range(count)]
    return originals, [with_similarity(generator, words, similarity) for words in originals]


def test_planted_near_duplicates_are_found():
    """True Jaccard similarity 0.9, threshold 0.8: at least 99 of 100 are found, each beside its original."""
    originals, copies = pairs_of(0.905, 1000)
    true = [jaccard(one, other) for one, other in zip(originals, copies, strict=True)]
    assert min(true) > 0.85
    assert 0.895 < np.mean(true) < 0.905
    found = find_near_duplicates(signed([" ".join(words) for words in originals + copies]), NEAR, earlier=[])
    assert (found.source[:1000] == -1).all()
    right = (found.source[1000:] == 0) & (found.row[1000:] == np.arange(1000))
    assert right.mean() >= 0.99
    assert np.abs(found.similarity[1000:][right] - np.array(true)[right]).max() < 0.12


def test_pairs_at_one_half_are_kept_at_the_threshold_of_four_fifths():
    originals, copies = pairs_of(0.5, 1000)
    assert min(jaccard(one, other) for one, other in zip(originals, copies, strict=True)) > 0.4
    found = find_near_duplicates(signed([" ".join(words) for words in originals + copies]), NEAR, earlier=[])
    assert (found.source >= 0).mean() < 0.01


def test_unrelated_documents_are_all_kept():
    """10,000 documents of every length from no word to 400: none is dropped."""
    generator = np.random.default_rng(5)
    texts = [" ".join(random_words(generator, int(length))) for length in generator.integers(8, 400, 9_000)]
    texts += [f"{number}" for number in range(500)] + [f"x = {number}" for number in range(500)]
    found = find_near_duplicates(signed(texts), NEAR, earlier=[])
    assert (found.source == -1).all()


def test_code_under_one_licence_is_kept():
    """Equal headers of 70 words over code of 80 other words: up to 0.35 similar, and none is dropped."""
    generator = np.random.default_rng(6)
    texts = [f"# {LICENCE}\n" + "\n".join(random_words(generator, 80)) for _ in range(2_000)]
    found = find_near_duplicates(signed(texts), NEAR, earlier=[])
    assert (found.source == -1).all()


def test_a_chain_keeps_what_is_like_nothing_that_is_kept():
    """A ~ B ~ C, but A and C are unlike: B is dropped for A, and C stays; C's own likes name C."""
    words = [f"w{number}" for number in range(300)]
    steps = [" ".join(words[at : at + 200]) for at in (0, 15, 30, 45)]
    found = find_near_duplicates(signed(steps), NEAR, earlier=[])
    assert found.source.tolist() == [-1, 0, -1, 0]
    assert found.row.tolist() == [-1, 0, -1, 2]


def test_the_first_of_its_kind_is_kept_wherever_it_stands():
    text = " ".join(f"w{number}" for number in range(200))
    others = [" ".join(f"{letter}{number}" for number in range(200)) for letter in "abcdefg"]
    found = find_near_duplicates(signed([*others[:3], text, *others[3:], text, text.upper()]), NEAR, earlier=[])
    assert found.row.tolist() == [-1] * 8 + [3, 3]
    assert found.similarity.tolist()[8:] == [1.0, 1.0]
    assert np.isnan(found.similarity[:8]).all()


def test_earlier_sources_count_in_order_of_precedence():
    def text(letter):
        return " ".join(f"{letter}{number}" for number in range(100))

    first, second = signed([text("x"), text("a")]), signed([text("b"), text("a"), text("a")])
    found = find_near_duplicates(
        signed([text("a"), text("b"), text("c"), text("c")]), NEAR, earlier=[first, signed([]), second]
    )
    assert found.source.tolist() == [0, 2, -1, 3]
    assert found.row.tolist() == [1, 0, -1, 2]


def test_no_documents_at_all():
    found = find_near_duplicates(signed([]), NEAR, earlier=[])
    assert (len(found.source), len(found.row), len(found.similarity)) == (0, 0, 0)
    assert len(find_near_duplicates(signed([]), NEAR, earlier=[signed(["a", "a"])]).source) == 0


@given(st.floats(0.5, 0.999), st.integers(1, 16))
def test_a_pair_as_similar_as_asked_shares_a_bucket_99_times_in_100(similarity, blocks):
    near = NearDuplicates(similarity=similarity, permutations=64 * blocks)
    bands, rows = bands_and_rows(near)
    assert bands * rows <= near.permutations
    assert 1 - (1 - similarity**rows) ** bands >= 0.99 - 1e-9
    more = rows + 1
    assert more > near.permutations or 1 - (1 - similarity**more) ** (near.permutations // more) < 0.99


def plain(signatures, near, earlier):
    """The definition, document by document: an oracle."""
    bands, rows = bands_and_rows(near)
    everything = np.concatenate([*earlier, signatures])
    hashes = np.zeros((bands, len(everything)), np.uint32)
    _hash_bands(everything, rows, hashes)
    places = [(source, row) for source, part in enumerate([*earlier, signatures]) for row in range(len(part))]
    kept = list(range(len(everything) - len(signatures)))
    for document in range(len(kept), len(everything)):
        for other in kept:
            similarity = (everything[document] == everything[other]).mean()
            if (hashes[:, document] == hashes[:, other]).any() and similarity >= near.similarity:
                yield (*places[other], float(similarity))
                break
        else:
            kept.append(document)
            yield (-1, -1, None)


@pytest.mark.parametrize("block", [1, 7, 256])
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.5, 0.6, 0.75, 0.875, 0.97]))
def test_it_is_the_plain_definition(block, seed, similarity):
    generator = np.random.default_rng(seed)
    near = NearDuplicates(similarity=similarity, permutations=64)
    base = generator.integers(0, 2**32, (int(generator.integers(1, 12)), 64), dtype=np.uint32)

    def make(count):
        made = base[generator.integers(0, len(base), count)].copy()
        changed = generator.random(made.shape) < generator.choice([0, 0.02, 0.1, 0.2, 0.3], (count, 1))
        made[changed] = generator.integers(0, 50, int(changed.sum()))
        return made

    earlier = [make(int(generator.integers(0, 30))) for _ in range(int(generator.integers(0, 4)))]
    signatures = make(int(generator.integers(0, 150)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("titrant.corpus.duplicates.near_duplicates._BLOCK", block)
        patch.setattr("titrant.corpus.duplicates.near_duplicates._EXPANDED", 10 * block)
        patch.setattr("titrant.corpus.duplicates.near_duplicates._PAIRS", 5 * block)
        patch.setattr("titrant.corpus.duplicates.near_duplicates._HASH_BYTES", 4000 * block)
        found = find_near_duplicates(signatures, near, earlier=earlier)
    for document, (source, row, alike) in enumerate(plain(signatures, near, earlier)):
        assert (found.source[document], found.row[document]) == (source, row)
        assert np.isnan(found.similarity[document]) if alike is None else found.similarity[document] == alike
