"""What language a file is in, by the end of its name: a small table, and nothing guessed from the content."""

from __future__ import annotations

UNKNOWN = "unknown"
"""Language of a document whose file's name says nothing; declare the origin's `language` instead."""

_BY_ENDING = {
    "python": ".py .pyi .pyx .pxd",
    "typescript": ".ts .tsx .mts .cts",
    "javascript": ".js .jsx .mjs .cjs",
    "c++": ".cpp .cc .cxx .c++ .hpp .hh .hxx .h++ .ipp .tpp .inl",
    "c": ".c .h",
    "cuda": ".cu .cuh",
    "c#": ".cs",
    "powershell": ".ps1 .psm1 .psd1",
    "cmake": ".cmake",
    "make": ".mk .mak",
    "shell": ".sh .bash .zsh",
    "batch": ".bat .cmd",
    "go": ".go",
    "rust": ".rs",
    "java": ".java",
    "kotlin": ".kt .kts",
    "scala": ".scala .sc",
    "swift": ".swift",
    "objective-c": ".mm",
    "ruby": ".rb",
    "php": ".php",
    "perl": ".pl .pm",
    "lua": ".lua",
    "r": ".r",
    "julia": ".jl",
    "fortran": ".f .for .f90 .f95 .f03",
    "haskell": ".hs",
    "ocaml": ".ml .mli",
    "elixir": ".ex .exs",
    "erlang": ".erl .hrl",
    "clojure": ".clj .cljs",
    "lisp": ".lisp .el .scm",
    "zig": ".zig",
    "nim": ".nim",
    "dart": ".dart",
    "sql": ".sql",
    "assembly": ".s .asm",
    "vim script": ".vim",
    "markdown": ".md .markdown .mdx",
    "rst": ".rst",
    "html": ".html .htm .xhtml",
    "css": ".css .scss .sass .less",
    "xml": ".xml .xsl .xsd .svg",
    "tex": ".tex .sty .cls",
    "jinja": ".j2 .jinja .jinja2",
    "yaml": ".yaml .yml",
    "json": ".json",
    "toml": ".toml",
    "ini": ".ini .cfg",
    "text": ".txt .text",
}
_LANGUAGES = {ending: language for language, endings in _BY_ENDING.items() for ending in endings.split()}
_BY_NAME = {"cmakelists.txt": "cmake", "makefile": "make", "gnumakefile": "make", "dockerfile": "docker"}
_COMPRESSED = (".gz", ".bz2", ".zst")


def language_of(name: str) -> str:
    """The language of a file's name, in lower case, or UNKNOWN; endings of compression are passed over.

    `.txt` is `text`: a name cannot tell in which human language a text is written.

    >>> language_of("a/main.CPP"), language_of("CMakeLists.txt"), language_of("x.d.ts.gz"), language_of("x")
    ('c++', 'cmake', 'typescript', 'unknown')
    """
    last = name.rpartition("/")[2].lower()
    for ending in _COMPRESSED:
        last = last.removesuffix(ending)
    dot = last.rfind(".")
    return _BY_NAME.get(last) or (_LANGUAGES.get(last[dot:], UNKNOWN) if dot >= 0 else UNKNOWN)
