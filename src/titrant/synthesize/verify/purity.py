"""What a program reaches for beyond its arguments, found by a look at its text.

A solution is accepted only if it can do nothing but compute: one that asks for the time, for chance or for files may be
right today and wrong tomorrow, and one that looks into the interpreter may be right only where it is watched. It is
also what lets a program run in one process with the symbolic execution of its contracts.
"""

from __future__ import annotations

import ast
import re
import sys

from titrant.synthesize.parsing import nodes_of
from titrant.synthesize.verify.lasting import differing_of, lasting_of


def _words(text: str) -> list[str]:
    return text.split()


PURE_MODULES = frozenset(
    _words(
        "abc array bisect calendar cmath collections copy dataclasses datetime decimal difflib enum fractions "
        "functools heapq itertools json math numbers operator re statistics string struct textwrap types "
        "typing unicodedata collections.abc __future__ zlib binascii hashlib base64 html ipaddress colorsys "
        "keyword graphlib"
    )
)
"""Modules of the standard library that compute, and nothing else."""
_OF_SYS = frozenset(("maxsize", "setrecursionlimit", "float_info", "intern"))
_CLOCKS = frozenset(("now", "today", "utcnow"))
_NAMES = frozenset(
    _words(
        "open exec eval compile __import__ globals locals vars input breakpoint getattr setattr delattr id "
        "hash dir exit quit help memoryview"
    )
)
_DUNDERS = frozenset(
    _words(
        "__init__ __repr__ __str__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__ __len__ __iter__ "
        "__next__ __getitem__ __setitem__ __delitem__ __contains__ __call__ __add__ __sub__ __mul__ __radd__ "
        "__rsub__ __rmul__ __iadd__ __neg__ __abs__ __bool__ __int__ __float__ __enter__ __exit__ __name__ "
        "__main__ __slots__ __post_init__ __all__ __doc__ __reversed__ __truediv__ __floordiv__ __mod__ "
        "__pow__ __and__ __or__ __xor__ __invert__ __missing__ __new__"
    )
)
_INNER = frozenset(
    _words(
        "gi_frame gi_code cr_frame cr_code ag_frame f_globals f_locals f_builtins f_back f_code tb_frame "
        "tb_next func_globals modules _getframe builtins attrgetter methodcaller getsource"
    )
)
"""Attributes that lead from an object into the interpreter."""
_MODULES_OF_MODULES = frozenset(
    _words(
        "sys _sys inspect bltns codecs contextlib warnings _thread stdlib_re copyreg random _locale _hashlib "
        "_collections_abc os"
    )
)
"""Modules that those which compute have imported: `enum.sys` is all of `sys`."""
_TELLING = frozenset(_words("__hash__ __call__ __repr__ __str__ __iter__ __next__ cache_info"))
"""Methods that tell what differs between processes or calls, or hide what is called."""
_FIELD = re.compile(r"\{\w*(\[[^\]{}]*\])*\.[A-Za-z_]")
"""A place of a format that asks for an attribute."""


def reach_of(tree: ast.Module) -> str:
    """What a program reaches for, in words; empty if for nothing.

    >>> reach_of(ast.parse("import random, math"))
    'it imports `random`'
    """
    nodes = nodes_of(tree)
    for node in nodes:
        if isinstance(node, _REACHING) and (found := _reach(node)):
            return found
    used = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    if any(isinstance(node, ast.Name) and node.id == "sys" and id(node) not in used for node in nodes):
        return "it hands on `sys`"
    return lasting_of(tree, nodes) or differing_of(nodes)


_REACHING = (ast.Import, ast.ImportFrom, ast.Name, ast.Attribute, ast.Constant)
"""The types of nodes that `_reach` knows."""


def _reach(node: ast.AST) -> str:
    match node:
        case ast.Import(names=names):
            if any(alias.name == "sys" and alias.asname for alias in names):
                return "it gives `sys` another name"
            return _imports([alias.name for alias in names])
        case ast.ImportFrom(module=module, names=names, level=level):
            if level or module is None:
                return "it imports a module beside it"
            taken = [alias.name for alias in names]
            if module == "sys" and _OF_SYS.issuperset(taken):
                return ""
            return _imports([module]) or next(
                (f"it takes `{name}`" for name in taken if _leads(name) or name in _MODULES_OF_MODULES), ""
            )
        case ast.Name(id=name) if name in _NAMES or _leads(name):
            return f"it uses `{name}`"
        case ast.Attribute(value=ast.Name(id="sys"), attr=name) if name not in _OF_SYS:
            return f"it uses `sys.{name}`"
        case ast.Attribute(attr=name) if name in _CLOCKS or name in _MODULES_OF_MODULES or _leads(name):
            return f"it uses `{name}`"
        case ast.Attribute(attr=name) if name in _TELLING:
            return f"it uses `{name}`"
        case ast.Constant(value=str(text)) if _FIELD.search(text):
            return "it spells an attribute in a format"
        case ast.Constant(value=str(text)) if any(f"__{name}__" in text for name in ("class", "globals", "builtins")):
            return "it spells a name of the interpreter"
    return ""


def _imports(names: list[str]) -> str:
    for name in names:
        if name not in PURE_MODULES and name != "sys":
            known = name.partition(".")[0] in sys.stdlib_module_names
            return f"it imports `{name}`" + ("" if known else ", which is no part of Python")
    return ""


def _leads(name: str) -> bool:
    return name in _INNER or (name.startswith("__") and name.endswith("__") and name not in _DUNDERS)
