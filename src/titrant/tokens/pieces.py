"""Where a long document is cut before it is encoded. All that is decided of a document is decided of the whole."""

from __future__ import annotations


def pieces_of(text: str, max_characters: int | None) -> list[str]:
    """A text cut into pieces of at most `max_characters`, which joined are the text again.

    A cut lies after the last line end that fits; in a line that is too long, after its last space; in a word
    that is too long, anywhere.
    """
    if max_characters is None or len(text) <= max_characters:
        return [text]
    pieces, start = [], 0
    while len(text) - start > max_characters:
        limit = start + max_characters
        end = next((at for sign in "\n " if (at := text.rfind(sign, start, limit) + 1) > start), limit)
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]
