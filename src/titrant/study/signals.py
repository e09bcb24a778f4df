"""Every signal that a rule may look at: what it counts, in which unit, and where its definition comes from.

A signal is found in the whole document by a pure function, once, and stored; rules are thresholds on what is stored.
Where a signal says nothing of a document (visible text of what is no HTML), it is null, and null passes.

**Sources:** [gopher] Rae et al. 2021, appendix A1.1; [c4] Raffel et al. 2020, section 2.2; [fineweb] Penedo et al.
2024, section 3.6; [stack] Li et al. 2023 (StarCoder), section 3; [aryabumi] Aryabumi et al. 2024, appendix A.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "size", "prose", "repetition", "web", "code", "language", "licence", "private", "syntax", "perplexity", "classifier"
]
"""Signals that one pass over a document finds together."""


@dataclass(frozen=True)
class Signal:
    """What one signal is."""

    family: Family
    unit: str
    """Its unit; `word` for one that is a word and not a number."""
    meaning: str

    @property
    def least(self) -> float:
        """The least value that it can have; minus infinity where anything can be."""
        return {"score": -math.inf, "per token": 1.0}.get(self.unit, 0.0)

    @property
    def most(self) -> float:
        """The largest value that it can have; infinity where there is none."""
        return 1.0 if self.unit in ("0 to 1", "0 or 1") else math.inf


def _family(family: Family, **signals: tuple[str, str]) -> dict[str, Signal]:
    return {name: Signal(family, unit, meaning) for name, (unit, meaning) in signals.items()}


SIGNALS: dict[str, Signal] = {
    **_family(
        "size",
        characters=("characters", "length of the text"),
        lines=("lines", "lines, the last one without a line end counted"),
        max_line_length=("characters", "length of the longest line [stack]"),
        mean_line_length=("characters", "mean length of its lines [stack]"),
        alphabetic_share=("0 to 1", "share of characters that are letters [stack]"),
        alphanumeric_share=("0 to 1", "share of characters that are letters or digits [stack]"),
    ),
    **_family(
        "prose",
        words=("words", "words, without the punctuation around and between them [gopher]"),
        mean_word_length=("characters", "mean length of its words [gopher]"),
        symbols_per_word=("per word", "number signs or ellipses, whichever are more, for each word or sign [gopher]"),
        bullet_line_share=("0 to 1", "share of lines that begin with a bullet [gopher]"),
        ellipsis_line_share=("0 to 1", "share of lines that end with an ellipsis [gopher]"),
        alphabetic_word_share=("0 to 1", "share of words and signs with a letter in them [gopher]"),
        stop_words=("words", "how many of: the, be, to, of, and, that, have, with [gopher]"),
    ),
    **_family(
        "repetition",
        duplicate_paragraph_share=("0 to 1", "share of paragraphs that repeat an earlier one [gopher]"),
        duplicate_paragraph_character_share=("0 to 1", "share of characters in such paragraphs [gopher]"),
        duplicate_line_share=("0 to 1", "share of lines that repeat an earlier one [gopher]"),
        duplicate_line_character_share=("0 to 1", "share of characters in such lines [gopher]"),
        **{
            f"top_{n}_gram_character_share": (
                "share",
                f"share of characters in the commonest {n}-gram of words; above 1 where it overlaps itself [gopher]",
            )
            for n in (2, 3, 4)
        },
        **{
            f"duplicate_{n}_gram_character_share": (
                "0 to 1",
                f"share of characters in {n}-grams of words that repeat an earlier one [gopher]",
            )
            for n in (5, 6, 7, 8, 9, 10)
        },
    ),
    **_family(
        "web",
        sentences=("sentences", "sentences in the lines that C4 keeps [c4]"),
        lorem_ipsum_lines=("lines", "lines that C4 looks at with `lorem ipsum` in any case [c4]"),
        curly_bracket_lines=("lines", "lines that C4 looks at with `{` [c4]"),
        punctuated_line_share=("0 to 1", "share of lines that end with a sentence's sign [fineweb]"),
        short_line_share=("0 to 1", "share of lines with at most 30 characters [fineweb]"),
        duplicate_filled_line_character_share=(
            "0 to 1",
            "share of characters, line ends left out, in lines that repeat an earlier one; lines of white space left "
            "out [fineweb]",
        ),
        lines_per_word=("per word", "line ends for each word or sign [fineweb]"),
    ),
    **_family(
        "code",
        xml_header=("0 or 1", "whether `<?xml version=` stands in the first 100 characters [stack]"),
        html_visible_characters=("characters", "visible text of an HTML page; null for anything else [stack]"),
        html_visible_share=("0 to 1", "visible text by all text of an HTML page; null for anything else [stack]"),
        data_characters=("characters", "length of a JSON or YAML file; null for anything else [stack]"),
        floating_point_numbers=("numbers", "numbers with a decimal point or an exponent [aryabumi]"),
        hexadecimal_prefixes=("times", "occurrences of `0x` [aryabumi]"),
        domain_list=("0 or 1", "whether most of its lines are top-level domains [aryabumi]"),
        generated_mark=("0 or 1", "whether `generated by` stands in the first 400 characters, in any case [aryabumi]"),
    ),
    **_family(
        "language",
        prose_language=("word", "the likeliest natural language, by content (ISO 639-1, as in `en`)"),
        prose_language_probability=("0 to 1", "how likely that language is"),
        file_language=("word", "the programming or markup language, by file name and content together"),
    ),
    **_family(
        "licence",
        licence=("word", "the licence, by what the text itself says (SPDX), else as the origin declares"),
    ),
    **_family(
        "private",
        secrets=("times", "keys, tokens and passwords found"),
        emails=("times", "e-mail addresses found"),
    ),
    **_family(
        "syntax",
        tree_depth=("nodes", "longest way from the root of a program's tree to a leaf; null where no grammar reads it"),
        cyclomatic_complexity=("decisions", "branches, loops, cases and their like, and one; null as above"),
        comment_share=("0 to 1", "share of visible characters that stand in comments; null as above"),
    ),
    **_family(
        "perplexity",
        perplexity=("per token", "perplexity of the declared language model, over the document's beginning"),
        model_bits_per_byte=("bits per byte", "the same in bits for each byte, whatever the model's tokenizer"),
    ),
    **_family(
        "classifier",
        classifier_score=("score", "what the declared classifier says: a probability, or its one output"),
    ),
}
"""By name; the order is the order of the reference."""
