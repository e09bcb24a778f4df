"""Slow and plain: every signal of prose, repetition and lines by one loop over one text, for the tests to agree with."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise

from titrant.corpus.signals.characters import SENTENCE_ENDS

QUOTES = "'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧"
SIGNS = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
AFTER_DIGIT = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿%+"
PREFIXES = QUOTES + SIGNS + AFTER_DIGIT + "§=—–"
SUFFIXES = QUOTES + SIGNS + "—–"


def is_icon(c: str) -> bool:
    return unicodedata.category(c) == "So" and 0xA6 <= ord(c) < 0x20000


def is_edge(c: str) -> bool:
    return unicodedata.category(c)[0] in "PS"


def is_lower(c: str) -> bool:
    return c.isalpha() and not c.isupper()


def is_upper(c: str) -> bool:
    return c.isalpha() and not c.islower()


def is_digit(c: str) -> bool:
    return c != "" and c in "0123456789"


def tokens(text: str) -> list[tuple[int, int]]:
    found = []
    for run in re.finditer(r"\S+", text):
        if run.group().isspace():  # `\s` of the module `re` is `str.isspace` for all but nothing
            continue
        found += [(run.start() + a, run.start() + b) for a, b in pieces(run.group())]
    return found


def pieces(run: str) -> list[tuple[int, int]]:
    def at(i: int) -> str:
        return run[i] if 0 <= i < len(run) else ""

    def ellipsis(i: int) -> bool:
        return at(i) == "." and "." in (at(i - 1), at(i + 1))

    def closes(i: int) -> bool:
        c, before = run[i], at(i - 1)
        if c in SUFFIXES or is_icon(c) or ellipsis(i) or (c in AFTER_DIGIT and is_digit(before)):
            return True
        if c != "." or not before:
            return False
        if is_upper(before) and at(i - 2) and is_upper(at(i - 2)):
            return True
        fine = is_lower(before) and not is_upper(before)
        return fine or is_digit(before) or before in "%²-+" or before in QUOTES or before in SIGNS

    cuts = {0, len(run)}
    i = 0
    while i < len(run) and is_edge(run[i]):
        c = run[i]
        if not (c in PREFIXES or is_icon(c) or ellipsis(i)) or (c == "+" and is_digit(at(i + 1))):
            break
        cuts |= {i, i + 1}
        i += 1
    i = len(run) - 1
    while i >= 0 and is_edge(run[i]) and closes(i):
        cuts |= {i, i + 1}
        i -= 1
    before_clitics = set(cuts)
    for i in range(1, len(run) - 1):
        if run[i] in "'’" and run[i - 1].isalpha() and run[i + 1].isalpha():
            rest = fold(run[i + 1 : i + 3])
            if rest[:1] == "t" and i + 2 in before_clitics and fold(run[i - 1]) == "n":
                cuts.add(i - 1)
            if (rest[:1] in ("s", "d", "m") and i + 2 in cuts) or (rest in ("re", "ve", "ll") and i + 3 in cuts):
                cuts.add(i)
    if "://" not in run:
        for a, b in inner(run):
            cuts |= {a, b}
    cuts -= {i for i in range(1, len(run)) if run[i] == run[i - 1] == "."}
    ordered = sorted(cuts)
    return list(pairwise(ordered))


def fold(text: str) -> str:
    return "".join(c.lower() if c.isascii() or c == "\u212a" else "\xff" for c in text)


def inner(run: str) -> list[tuple[int, int]]:
    found = []
    for i, c in enumerate(run):
        before, after = run[i - 1 : i] if i else "", run[i + 1 : i + 2]
        word_before = before.isalpha() or is_digit(before)
        if (
            c == "…"
            or is_icon(c)
            or (c == "." and "." in (before, after))
            or (c in ":<>=/-–—~" and word_before and after.isalpha())
            or (c == "," and before.isalpha() and after.isalpha())
            or (
                c == "."
                and before
                and after
                and (is_lower(before) or before in QUOTES)
                and (is_upper(after) or after in QUOTES)
            )
            or (c in "+-*^" and is_digit(before) and (is_digit(after) or after == "-"))
        ):
            found.append((i, i + 1))
        for dash, longest in (("-", 3), ("—", 2)):
            for length in range(2, longest + 1):
                behind = run[i + length : i + length + 1]
                if run[i : i + length] == dash * length and word_before and behind.isalpha():
                    found.append((i, i + length))
    return found


def is_word(token: str) -> bool:
    def counts(c: str) -> bool:
        category = unicodedata.category(c)
        sign = category[0] == "P" or category == "Cc" or (category[0] == "S" and c.isascii())
        return not sign or c in "’‘•"

    return any(counts(c) for c in token)


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def size(text: str) -> dict[str, float | None]:
    lengths = [len(line) for line in text.splitlines()]
    return {
        "characters": len(text),
        "lines": len(lengths),
        "max_line_length": max(lengths, default=0),
        "mean_line_length": ratio(sum(lengths), len(lengths)),
        "alphabetic_share": ratio(sum(map(str.isalpha, text)), len(text)),
        "alphanumeric_share": ratio(sum(map(str.isalnum, text)), len(text)),
    }


def prose(text: str) -> dict[str, float | None]:
    all_tokens = [text[a:b] for a, b in tokens(text)]
    words = [token for token in all_tokens if is_word(token)]
    lines = text.splitlines()
    symbols = max(text.count("#"), text.count("...") + text.count("…"))
    stop_words = {"the", "be", "to", "of", "and", "that", "have", "with"}
    return {
        "words": len(words),
        "mean_word_length": ratio(sum(map(len, words)), len(words)),
        "symbols_per_word": ratio(symbols, len(all_tokens)),
        "bullet_line_share": ratio(sum(line.lstrip().startswith(("•", "-")) for line in lines), len(lines)),
        "ellipsis_line_share": ratio(sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)),
        "alphabetic_word_share": ratio(sum(any(map(str.isalpha, token)) for token in all_tokens), len(all_tokens)),
        "stop_words": len(stop_words & set(all_tokens)),
    }


def repeated(items: list[str]) -> list[str]:
    seen: set[str] = set()
    again = []
    for item in items:
        if item in seen:
            again.append(item)
        seen.add(item)
    return again


def repetition(text: str) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, items in (("paragraph", re.split(r"\n{2,}", text.strip())), ("line", re.split(r"\n+", text))):
        again = repeated(items)
        found[f"duplicate_{name}_share"] = len(again) / len(items)
        found[f"duplicate_{name}_character_share"] = ratio(sum(map(len, again)), len(text))
    words = [text[a:b] for a, b in tokens(text)]
    for n in (2, 3, 4):
        grams = Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
        gram, times = max(grams.items(), key=lambda item: item[1], default=((), 0))
        found[f"top_{n}_gram_character_share"] = ratio(len(" ".join(gram)) * times, len(text))
    for n in range(5, 11):
        seen, at, count = set(), 0, 0
        while at + n <= len(words):
            gram = tuple(words[at : at + n])
            if gram in seen:
                count += len("".join(gram))
                at += n
            else:
                seen.add(gram)
                at += 1
        found[f"duplicate_{n}_gram_character_share"] = ratio(count, len(text))
    return found


CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def sentences(line: str) -> int:
    number, ended = 1, False
    for a, b in tokens(line):
        token = line[a:b]
        if len(token) == 1 and token in SENTENCE_ENDS:
            ended = True
        elif not (unicodedata.category(token[0])[0] == "P" and (len(token) == 1 or not is_word(token))):
            number, ended = number + ended, False
    return number


def web(text: str) -> dict[str, float | None]:
    lorem = brackets = total = 0
    for whole in text.splitlines():
        words = whole.split()
        line = CITATION.sub("", whole.strip())
        if any(len(word) > 1000 for word in words) or len(words) < 3:
            continue
        if not line.endswith((".", "?", "!", '"', "'")) or line.endswith("..."):
            continue
        lorem += "lorem ipsum" in line.lower()
        if "javascript" in line.lower():
            continue
        brackets += "{" in line
        if not any(phrase in line.lower() for phrase in POLICY):
            total += sentences(line)
    filled = [line for line in text.split("\n") if line.strip()]
    return {
        "sentences": total,
        "lorem_ipsum_lines": lorem,
        "curly_bracket_lines": brackets,
        "punctuated_line_share": ratio(sum(line.endswith(tuple(SENTENCE_ENDS)) for line in filled), len(filled)),
        "short_line_share": ratio(sum(len(line) <= 30 for line in filled), len(filled)),
        "duplicate_filled_line_character_share": ratio(sum(map(len, repeated(filled))), len(text) - text.count("\n")),
        "lines_per_word": ratio(text.count("\n"), len(tokens(text))),
    }
