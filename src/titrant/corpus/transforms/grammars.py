"""Which tree-sitter grammar reads which language, named as in `corpus/languages.py`, and what it calls a comment.

The grammars are those packaged in one pinned wheel: another version may read a document otherwise, and nothing is ever
fetched at run time. Where several grammars are named, the one that leaves the fewest bytes unread is taken, the first
of equals: a `.h` file is C or C++, and a `.ts` file may hold JSX.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, cast

from titrant.errors import EngineError

if TYPE_CHECKING:
    from tree_sitter import Language
    from tree_sitter_language_pack import SupportedLanguage

PACKAGE = "tree-sitter-language-pack"
VERSION = "0.13.0"
"""The last release whose wheel holds the grammars; later ones fetch them when they are first used."""

PROSE = frozenset({"text", "english", "en", "markdown"})
"""Languages without comments, docstrings and identifiers: transforms of these leave such a document as it is."""


@dataclass(frozen=True)
class Grammar:
    """How one language is read."""

    names: tuple[str, ...]
    """Grammars, the first one preferred."""
    comments: frozenset[str]
    """Kinds of node that are comments."""
    blocks: tuple[tuple[str, str], ...] = ()
    """Signs around a block comment."""
    line: str = ""
    """Sign with which a line comment begins, repeated at will."""


_SLASHES = (("/*", "*/"),)
_ONE_KIND = frozenset({"comment"})
_TWO_KINDS = frozenset({"line_comment", "block_comment"})


def _slashes(*names: str, comments: frozenset[str] = _ONE_KIND) -> Grammar:
    return Grammar(names, comments, _SLASHES, "/")


def _hashes(*names: str, comments: frozenset[str] = _ONE_KIND, blocks: tuple[tuple[str, str], ...] = ()) -> Grammar:
    return Grammar(names, comments, blocks, "#")


_SCRIPT = frozenset({"comment", "html_comment"})
_LISP = Grammar(("commonlisp", "elisp", "scheme"), frozenset({"comment", "block_comment"}), (("#|", "|#"),), ";")
GRAMMARS: dict[str, Grammar] = {
    "python": _hashes("python"),
    "typescript": Grammar(("typescript", "tsx"), _SCRIPT, (*_SLASHES, ("<!--", "-->")), "/"),
    "javascript": Grammar(("javascript", "typescript", "tsx"), _SCRIPT, (*_SLASHES, ("<!--", "-->")), "/"),
    "c++": _slashes("cpp"),
    "c": _slashes("c", "cpp", "objc"),
    "cuda": _slashes("cuda"),
    "c#": _slashes("csharp"),
    "powershell": _hashes("powershell", blocks=(("<#", "#>"),)),
    "cmake": _hashes("cmake", comments=frozenset({"line_comment", "bracket_comment"}), blocks=(("#[[", "]]"),)),
    "make": _hashes("make"),
    "docker": _hashes("dockerfile"),
    "shell": _hashes("bash"),
    "go": _slashes("go"),
    "rust": _slashes("rust", comments=_TWO_KINDS),
    "java": _slashes("java", comments=_TWO_KINDS),
    "kotlin": _slashes("kotlin", comments=frozenset({"line_comment", "multiline_comment"})),
    "scala": _slashes("scala", comments=frozenset({"comment", "block_comment"})),
    "swift": _slashes("swift", comments=frozenset({"comment", "multiline_comment"})),
    "objective-c": _slashes("objc"),
    "ruby": _hashes("ruby", blocks=(("=begin", "=end"),)),
    "php": Grammar(("php",), _ONE_KIND, _SLASHES, "/#"),
    "lua": Grammar(("lua",), _ONE_KIND, (("--[[", "]]"),), "-"),
    "r": _hashes("r"),
    "julia": _hashes("julia", comments=_TWO_KINDS, blocks=(("#=", "=#"),)),
    "fortran": Grammar(("fortran",), _ONE_KIND, (), "!"),
    "haskell": Grammar(("haskell",), frozenset({"comment", "haddock"}), (("{-", "-}"),), "-"),
    "ocaml": Grammar(("ocaml", "ocaml_interface"), _ONE_KIND, (("(*", "*)"),)),
    "elixir": _hashes("elixir"),
    "erlang": Grammar(("erlang",), _ONE_KIND, (), "%"),
    "clojure": Grammar(("clojure",), _ONE_KIND, (), ";"),
    "lisp": _LISP,
    "zig": _slashes("zig", comments=frozenset({"line_comment", "doc_comment", "container_doc_comment"})),
    "nim": _hashes(
        "nim",
        comments=frozenset({"comment", "block_comment", "documentation_comment", "block_documentation_comment"}),
        blocks=(("##[", "]##"), ("#[", "]#")),
    ),
    "dart": _slashes("dart", comments=frozenset({"comment", "documentation_comment"})),
    "sql": Grammar(("sql",), frozenset({"comment", "marginalia"}), _SLASHES, "-"),
    "vim script": Grammar(("vim",), _ONE_KIND, (), '"'),
    "rst": Grammar(("rst",), _ONE_KIND, (), "."),
    "html": Grammar(("html",), _ONE_KIND, (("<!--", "-->"),)),
    "css": Grammar(("css", "scss"), frozenset({"comment", "js_comment"}), _SLASHES, "/"),
    "xml": Grammar(("xml",), frozenset({"Comment"}), (("<!--", "-->"),)),
    "tex": Grammar(("latex",), frozenset({"comment", "line_comment", "block_comment", "comment_environment"}), (), "%"),
    "yaml": _hashes("yaml"),
    "json": Grammar(("json",), _ONE_KIND, _SLASHES, "/"),
    "toml": _hashes("toml"),
    "ini": Grammar(("ini",), _ONE_KIND, (), "#;"),
}
"""By language. Languages of `corpus/languages.py` that are missing here and in PROSE have no packaged grammar, or one
that does not come to an end: Perl's reads on for ever where a document stops in the middle of a format."""


@cache
def load_grammar(name: str) -> Language:
    """A packaged grammar. Raises EngineError if the packages are missing or of another version."""
    check_packages()
    from tree_sitter_language_pack import get_language

    return get_language(cast("SupportedLanguage", name))


@cache
def kinds(name: str, wanted: frozenset[str]) -> frozenset[int]:
    """The numbers that a grammar gives to kinds of node; a kind may have several."""
    language = load_grammar(name)
    return frozenset(kind for kind in range(language.node_kind_count) if language.node_kind_for_id(kind) in wanted)


@cache
def check_packages() -> None:
    """Raises EngineError unless the pinned grammars are installed."""
    try:
        found = version(PACKAGE)
    except PackageNotFoundError:
        found = "none"
    if found != VERSION:
        raise EngineError(
            f"transforms of code read it with {PACKAGE} {VERSION}, and found is {found}; "
            f"`pip install {PACKAGE}=={VERSION}` (another version could read a document otherwise)"
        )
