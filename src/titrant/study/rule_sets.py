"""Rule sets by name: published thresholds, each with its source. A study may name them beside rules of its own.

**Sources:** as those of the signals; where a paper leaves a threshold open, the value of its released code stands here.
"""

from __future__ import annotations

from titrant.study.cleaning import Rule


def _rules(source: str, **bounds: tuple[float | None, float | None]) -> tuple[Rule, ...]:
    return tuple(
        Rule(name=f"{source}: {signal}", signal=signal, at_least=low, at_most=high)
        for signal, (low, high) in bounds.items()
    )


_PERMISSIVE = (
    *("0BSD", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", "BSL-1.0", "CC0-1.0"),
    *("ISC", "MIT", "MIT-0", "PSF-2.0", "PostgreSQL", "Python-2.0", "Unlicense", "WTFPL", "Zlib"),
    *("Apache-2.0 OR MIT", "MIT OR Apache-2.0", "Apache-2.0 AND MIT", "Apache-2.0 WITH LLVM-exception"),
    *("Apache-2.0 AND BSD-3-Clause", "BSD-3-Clause AND MIT", "BSD-2-Clause AND MIT", "MIT AND PSF-2.0"),
)

RULE_SETS: dict[str, tuple[Rule, ...]] = {
    "gopher-quality": _rules(
        "gopher-quality",
        words=(50, 100_000),
        mean_word_length=(3, 10),
        symbols_per_word=(None, 0.1),
        bullet_line_share=(None, 0.9),
        ellipsis_line_share=(None, 0.3),
        alphabetic_word_share=(0.8, None),
        stop_words=(2, None),
    ),
    "gopher-repetition": _rules(
        "gopher-repetition",
        duplicate_line_share=(None, 0.3),
        duplicate_paragraph_share=(None, 0.3),
        duplicate_line_character_share=(None, 0.2),
        duplicate_paragraph_character_share=(None, 0.2),
        top_2_gram_character_share=(None, 0.2),
        top_3_gram_character_share=(None, 0.18),
        top_4_gram_character_share=(None, 0.16),
        duplicate_5_gram_character_share=(None, 0.15),
        duplicate_6_gram_character_share=(None, 0.14),
        duplicate_7_gram_character_share=(None, 0.13),
        duplicate_8_gram_character_share=(None, 0.12),
        duplicate_9_gram_character_share=(None, 0.11),
        duplicate_10_gram_character_share=(None, 0.10),
    ),
    "c4": _rules("c4", sentences=(5, None), lorem_ipsum_lines=(None, 0), curly_bracket_lines=(None, 0)),
    "fineweb": _rules(
        "fineweb",
        punctuated_line_share=(0.12, None),
        short_line_share=(None, 0.67),
        duplicate_filled_line_character_share=(None, 0.01),
        lines_per_word=(None, 0.3),
    ),
    "starcoder": _rules(
        "starcoder",
        max_line_length=(None, 1000),
        mean_line_length=(None, 100),
        alphanumeric_share=(0.25, None),
        xml_header=(None, 0),
        html_visible_characters=(100, None),
        html_visible_share=(0.2, None),
        data_characters=(50, 5000),
    ),
    "aryabumi": _rules(
        "aryabumi",
        floating_point_numbers=(None, 1000),
        hexadecimal_prefixes=(None, 0),
        domain_list=(None, 0),
        generated_mark=(None, 0),
    ),
    "english": (
        Rule(name="english: prose_language", signal="prose_language", one_of=("en",)),
        Rule(name="english: prose_language_probability", signal="prose_language_probability", at_least=0.65),
    ),
    "permissive": (Rule(name="permissive: licence", signal="licence", one_of=_PERMISSIVE),),
    "no-secrets": (Rule(name="no-secrets: secrets", signal="secrets", at_most=0),),
}
"""By name. `english` is FineWeb's threshold of a language; `permissive` allows licences that ask for little more than
a notice, as the code of [stack] has them, and not a document whose licence is unknown."""
