"""The words that a signal which is a language may say: of prose, and of files."""

from __future__ import annotations

from titrant.study.declaration import listing, suggestion
from titrant.study.language_shares import canonical_language

_PROSE = (
    "af als "  # codespell:ignore
    "am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy "
    "da de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb "
    "ht hu hy ia id ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc "
    "lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne new nl nn no oc or os pa pam "
    "pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg "
    "th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo wa war wuu xal xmf yi yo yue zh "
)
PROSE_LANGUAGES = tuple(_PROSE.split())
"""The codes of `prose_language`: ISO 639-1, and ISO 639-3 where that has none, as lid.176 gives them."""

FILE_LANGUAGES = (
    *("apex", "assembly", "awk", "batch", "c", "c#", "c++", "clojure", "cmake", "coq", "css", "cuda", "dart"),
    *("docker", "elixir", "erlang", "f#", "forth", "fortran", "gcc machine description", "glsl", "go", "groovy"),
    *("haskell", "html", "idl", "ini", "java", "javascript", "jinja", "json", "julia", "kotlin", "lisp", "lua"),
    *("make", "markdown", "mathematica", "matlab", "mercury", "nim", "objective-c", "objectscript", "ocaml"),
    *("opencl", "pascal", "perl", "php", "postscript", "powershell", "proguard", "prolog", "puppet", "python"),
    *("qmake", "r", "rebol", "rst", "ruby", "rust", "scala", "shell", "sql", "swift", "tcl", "tex", "text"),
    *("toml", "typescript", "unknown", "v", "verilog", "vim script", "visual basic", "xml", "yaml", "zig"),
)
"""The words of `file_language`, beside those that an origin itself declares."""

_BY_NAME = {
    "arabic": "ar",
    "chinese": "zh",
    "english": "en",
    "french": "fr",
    "german": "de",
    "italian": "it",
    "japanese": "ja",
    "portuguese": "pt",
    "russian": "ru",
    "spanish": "es",
}


def wrong_prose_language(word: str) -> str | None:
    """What is wrong with a word that `prose_language` never says; None for one that it may say.

    >>> wrong_prose_language("english")
    "unknown natural language 'english', did you mean 'en'?; it is one of 176 codes (ISO 639-1), such as 'de' and 'en'"
    """
    if word in PROSE_LANGUAGES:
        return None
    lower = word.strip().lower().replace("_", "-").partition("-")[0]
    near = _BY_NAME.get(lower, lower)
    hint = f", did you mean '{near}'?" if near in PROSE_LANGUAGES else ""
    codes = f"it is one of {len(PROSE_LANGUAGES)} codes (ISO 639-1), such as 'de' and 'en'"
    return f"unknown natural language '{word}'{hint}; {codes}"


def wrong_file_language(word: str, declared: frozenset[str], *, others: bool) -> str | None:
    """What is wrong with a word that `file_language` never says; None for one that it may say.

    `declared` are the languages that origins give all their documents; with `others` they may give any besides.
    """
    known = {*FILE_LANGUAGES, *declared}
    usual = canonical_language(word)
    if word in known or (others and word == usual):
        return None
    hint = f", did you mean '{usual}'?" if usual in known else suggestion(usual, known)
    return f"unknown programming or markup language '{word}'{hint}; known here are {listing(known)}"
