"""Texts that say nothing: empty ones, and ones that end in a loop. They are counted, and shown beside every score."""

from __future__ import annotations

from collections.abc import Sequence

REPEATS = 3
"""Times that a phrase stands at the end of a looping text ..."""
PHRASE_WORDS = 2
"""... if it has at least as many words, ..."""
LOOP_CHARACTERS = 90
"""... or if its repetitions fill so many characters: words are not what every script or language has."""
_SEEN = 6000
"""Characters at the end of a text that are looked at."""


def is_empty(text: str) -> bool:
    """Whether nothing can be seen: white space and control characters only.

    >>> is_empty(" \\n\\x00"), is_empty("."), is_empty("")
    (True, False, True)
    """
    return not any(character.isprintable() and not character.isspace() for character in text)


def is_looping(text: str) -> bool:
    """Whether a text ends in a phrase of two words or more that stands there three times or more without a break.

    Words are what white space separates; the last one may be cut off in the middle. Characters are looked at too: a
    phrase of any length that fills the last 90 characters, three times or more, is a loop without words. Only the last
    6,000 characters are looked at.

    **Source:** Holtzman et al. 2020 (1904.09751), on repetition (a phrase of at least two tokens that is repeated at
    least three times at the end of a generation); the rule for characters is ours.

    >>> is_looping("I do not know. I do not know. I do not know. I do"), is_looping("to be or not to be")
    (True, False)
    """
    tail = text[-_SEEN:]
    words = tail.split()
    for period in range(PHRASE_WORDS, len(words) // REPEATS + 1):
        # the last word may be cut off: then the one that the loop would have there begins with it
        cut_off = words[-1] != words[-1 - period] and words[-1 - period].startswith(words[-1])
        if _periodic(words[:-1] if cut_off else words, period) >= REPEATS * period:
            return True
    if is_empty(tail) or len(tail) < LOOP_CHARACTERS:
        return False
    longest = len(tail) // REPEATS
    periods = (period for period in range(1, longest + 1) if tail[-1] == tail[-1 - period])
    return any(_periodic(tail, period) >= max(REPEATS * period, LOOP_CHARACTERS) for period in periods)


def _periodic(units: Sequence[str], period: int) -> int:
    """Length of the longest end of `units` that repeats itself after `period`."""
    length = min(period, len(units))
    while length < len(units) and units[-1 - length] == units[period - 1 - length]:
        length += 1
    return length
