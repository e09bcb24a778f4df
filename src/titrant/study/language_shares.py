"""Shares of languages that others have used, by name, and the names that one language goes by.

**Source:** Aryabumi et al. 2024, appendices A.2 and A.3: per cent of *documents* after their filters. They report no
shares of tokens by language.
"""

from __future__ import annotations

LANGUAGE_SHARES: dict[str, dict[str, float]] = {
    "aryabumi-25": {
        "java": 15.54,
        "javascript": 15.29,
        "php": 12.46,
        "python": 9.60,
        "c#": 8.30,
        "typescript": 7.92,
        "c": 6.63,
        "c++": 4.91,
        "go": 3.49,
        "ruby": 2.69,
        "shell": 1.82,
        "kotlin": 1.76,
        "swift": 1.52,
        "vue": 1.48,
        "rust": 1.00,
        "scala": 0.94,
        "jsx": 0.83,
        "sql": 0.74,
        "dart": 0.72,
        "make": 0.53,
        "lua": 0.47,
        "haskell": 0.45,
        "smalltalk": 0.43,
        "tex": 0.37,
        "clojure": 0.10,
    },
    "aryabumi-markup": {
        "markdown": 54.23,
        "yaml": 10.77,
        "json": 9.97,
        "html": 8.57,
        "css": 6.86,
        "scss": 5.84,
        "rst": 2.26,
        "toml": 1.25,
        "sass": 0.22,
        "rmarkdown": 0.02,
    },
}
"""By name, per cent of documents by language; each sums to 99.99."""

_OTHER_NAMES = {
    "c-sharp": "c#",
    "csharp": "c#",
    "cpp": "c++",
    "makefile": "make",
    "restructuredtext": "rst",
    "dockerfile": "docker",
    "batchfile": "batch",
    "f-sharp": "f#",
    "viml": "vim script",
    "vimscript": "vim script",
    "common lisp": "lisp",
    "common-lisp": "lisp",
    "emacs lisp": "lisp",
    "emacs-lisp": "lisp",
    "objective-c++": "objective-c",
}


def canonical_language(name: str) -> str:
    """The name by which Titrant's own table of file endings calls a language that datasets call otherwise.

    >>> canonical_language("C-Sharp"), canonical_language("reStructuredText"), canonical_language("Go")
    ('c#', 'rst', 'go')
    """
    name = name.strip().lower()
    return _OTHER_NAMES.get(name, name)
