"""Shares of documents by language: how much of each language is kept so that the declared shares hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from titrant.errors import StudyError
from titrant.study.declaration import listing

_KEY = "titrant 2026 quota: which documents of a language are kept for its share"


def beyond_share(
    languages: Sequence[str], digests: Sequence[bytes], shares: Mapping[str, float], *, read: Sequence[str]
) -> NDArray[np.bool_]:
    """Which documents lie beyond their language's share: shape (documents,). All are of a language that has one.

    The most documents are kept that the scarcest language allows: with n_l documents of language l and shares s_l that
    sum to 1, N = min over l of n_l / s_l, and floor(s_l N + 1/2) documents of each, chosen by a hash of their content
    hash. Raises StudyError if a language that has a share has no documents; `read` are the languages of all documents,
    so that it can say whether there were any before rules and duplicates went.
    """
    names = np.array(languages, dtype=object)
    counts = {language: int((names == language).sum()) for language in shares}
    if missing := [language for language, count in counts.items() if not count]:
        before = ", ".join(f"'{language}' {sum(map(language.__eq__, read)):,}" for language in sorted(missing))
        raise StudyError(
            f"language_shares gives a share to {listing(missing)}, of which the source keeps no document (it has "
            f"{listing(sorted(set(languages))[:40]) or 'none'}). Rules, duplicates and items of the evaluation "
            f"go first; documents read: {before}. Leave them out of language_shares, relax what drops them, "
            "or add documents"
        )
    total = sum(shares.values())
    most = min(count * total / shares[language] for language, count in counts.items())
    beyond = np.zeros(len(names), bool)
    for language, count in counts.items():
        keep = min(count, int(shares[language] / total * most + 0.5))
        places = np.flatnonzero(names == language)
        ranked = sorted(places, key=lambda place: blake3(digests[int(place)], derive_key_context=_KEY).digest(16))
        beyond[ranked[keep:]] = True
    return beyond
