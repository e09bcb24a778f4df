"""Write docs/reference/ from the code: declarations, commands, artifacts, the report's schema, errors, Python names.

Usage: `make docs`, or `python docs/make_reference.py [FOLDER]`. The pages depend on the code alone, so a test can
compare what is committed with what the code says.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import click
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import titrant
from titrant import artifacts, errors, jobs
from titrant.cli import commands as command_line
from titrant.study import (
    architecture,
    cleaning,
    contrast,
    declaration,
    evaluation,
    faults,
    judging,
    ladder,
    language_shares,
    limits,
    mixture,
    model_filters,
    optimizer,
    origins,
    parsers,
    phase,
    presets,
    rate_probe,
    rule_sets,
    signals,
    source,
    study,
    suites,
    synthesis,
    tasks,
    units,
)

SUBJECTS = (
    study,
    source,
    cleaning,
    model_filters,
    origins,
    parsers,
    synthesis,
    mixture,
    phase,
    contrast,
    ladder,
    rate_probe,
    optimizer,
    faults,
    architecture,
    evaluation,
    tasks,
    judging,
    limits,
)
"""Modules of declarations, in the order of the page."""
TITLES = {
    "study": "The whole",
    "source": "Sources",
    "cleaning": "Cleaning",
    "model_filters": "Models as filters",
    "origins": "Origins",
    "parsers": "Parsers",
    "synthesis": "Synthesis",
    "mixture": "Mixtures",
    "phase": "Phases and arms",
    "contrast": "Contrasts and sweeps",
    "rate_probe": "The learning-rate probe",
    "optimizer": "The optimizer",
    "faults": "When training goes astray",
    "ladder": "Scales",
    "architecture": "Architecture and tokenizer",
    "evaluation": "Evaluation and statistics",
    "tasks": "Tasks and problems",
    "judging": "Judged answers",
    "limits": "Limits of generated programs",
}
NAMED_TYPES = {units.Tokens: "tokens", units.Bytes: "bytes", declaration.Name: "name"}
"""Types that have a section of their own under Units and names."""
PLAIN_TYPES = {int: "integer", float: "number", str: "string", bool: "true or false", type(None): "null"}
SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
GENERATED = "*This page is generated from the code by `make docs`; change the code, not the page.*"


def write_reference(folder: Path) -> tuple[Path, ...]:
    """Write every page into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, lines in (
        ("README.md", index_page()),
        ("study.md", study_page()),
        ("cli.md", cli_page()),
        ("artifacts.md", artifacts_page()),
        ("report.md", report_page()),
        ("environment.md", environment_page()),
        ("errors.md", errors_page()),
        ("python.md", python_page()),
    ):
        path = folder / name
        path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
        written.append(path)
    return tuple(written)


def index_page() -> Iterator[str]:
    """What each page holds."""
    yield from ("# Reference", "", GENERATED, "")
    yield "- [The study file](study.md): every key, its type, its default, its unit."
    yield "- [The command line](cli.md): every command and flag."
    yield "- [Artifacts](artifacts.md): what each job reads and what it leaves on disk."
    yield "- [report.json](report.md): the findings in a form for machines."
    yield "- [Environment variables](environment.md): where and how work runs; no result depends on them."
    yield "- [Errors and exit statuses](errors.md)"
    yield "- [Python](python.md): the public names of `import titrant`."


def study_page() -> Iterator[str]:
    """Every declaration with its fields."""
    yield from ("# The study file", "", GENERATED, "")
    yield (
        "A study is a YAML mapping; its top-level keys are those of [Study](#study). Unknown keys are refused. "
        "The same declarations are Python classes with the same fields. **required** marks a key without a default."
    )
    yield from ("", "## Units and names", "")
    yield f"- <a id='tokens'></a>**tokens**: {first_line(units.parse_tokens.__doc__)} {suffixes()}"
    yield f"- <a id='bytes'></a>**bytes**: {first_line(units.parse_bytes.__doc__)}"
    yield (
        "- <a id='name'></a>**name**: 1 to 60 letters, digits, spaces and `. _ + > = % -`, beginning with a letter "
        "or digit."
    )
    yield "- Paths are read from the folder of the study file. Shares and fractions lie between 0 and 1."
    for module in SUBJECTS:
        models = list(declared_in(module))
        yield from ("", f"## {title(module)}", "", first_paragraph(module.__doc__), "")
        for model in models:
            yield from model_section(model)
    yield from signals_section()
    yield from rule_sets_section()
    yield from presets_section()
    yield from suites_section()


def suites_section() -> Iterator[str]:
    """Every suite with its tasks and what it cannot ask."""
    yield from ("", "## Suites", "", *paragraphs(suites.__doc__), "")
    found = {name: suites.suite(name) for name in get_args(suites.SuiteName)}
    rows = (
        (f"`{name}`", ", ".join(task.name for task in (*one.tasks, *one.code)) or "judged answers", ", ".join(one.gaps))
        for name, one in found.items()
    )
    yield from table(("suite", "asks", "names and cannot ask"), rows)


def signals_section() -> Iterator[str]:
    """Every signal with its family, unit and meaning."""
    yield from ("", "## Signals", "", *paragraphs(signals.__doc__), "")
    rows = ((f"`{name}`", found.family, found.unit, found.meaning) for name, found in signals.SIGNALS.items())
    yield from table(("signal", "family", "unit", "meaning"), rows)


def rule_sets_section() -> Iterator[str]:
    """Every set of rules with its thresholds."""
    yield from ("", "## Rule sets", "", *paragraphs(rule_sets.__doc__), "")
    rows = ((f"`{name}`", ", ".join(map(threshold, rules))) for name, rules in rule_sets.RULE_SETS.items())
    yield from table(("set", "a document is kept if"), rows)


def threshold(rule: cleaning.Rule) -> str:
    """What one rule asks, as in `50 ≤ words ≤ 100000`."""
    if rule.one_of is not None:
        return f"{rule.signal} is one of {', '.join(rule.one_of)}"
    low = "" if rule.at_least is None else f"{rule.at_least:g} ≤ "
    high = "" if rule.at_most is None else f" ≤ {rule.at_most:g}"
    return f"{low}{rule.signal}{high}"


def presets_section() -> Iterator[str]:
    """Every preset of a dataset, and every table of language shares."""
    yield from ("", "## Presets", "", *paragraphs(presets.__doc__), "")
    rows = (
        (f"`{name}`", ", ".join(f"{key}: {value}" for key, value in given.items()))
        for name, given in presets.PRESETS.items()
    )
    yield from table(("preset", "stands for"), rows)
    yield from ("", "Shares of languages by name, in percent of documents:", "")
    tables = language_shares.LANGUAGE_SHARES.items()
    rows = (
        (f"`{name}`", ", ".join(f"{language} {share:g}" for language, share in given.items())) for name, given in tables
    )
    yield from table(("name", "shares"), rows)


def paragraphs(text: str | None) -> Iterator[str]:
    """The paragraphs of a docstring, parted by empty lines."""
    for number, part in enumerate((text or "").strip().split("\n\n")):
        yield from ("", one_line(part)) if number else (one_line(part),)


def suffixes() -> str:
    """The sentence on suffixes that opens `titrant.study.units`."""
    found = re.search(r"Suffixes are decimal: [^.]*\.", units.__doc__ or "")
    return found[0] if found else ""


def title(module: Any) -> str:
    """The heading of a module of declarations."""
    return TITLES[str(module.__name__).rpartition(".")[2]]


def declared_in(module: Any) -> Iterator[type[BaseModel]]:
    """Public declarations that a module defines, in its order."""
    for name, value in vars(module).items():
        ours = inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
        if ours and issubclass(value, BaseModel):
            yield value


def model_section(model: type[BaseModel], level: str = "###", opening: str = "") -> Iterator[str]:
    """Heading, docstring and table of fields."""
    yield from (f"{level} {model.__name__}", "")
    yield from (opening, "") if opening else ()
    yield from (prose(model.__doc__), "")
    if not model.model_fields:
        return
    rows = field_rows(model)
    if issubclass(model, declaration.Declaration):
        yield from table(("key", "type", "default", "meaning"), rows)
    else:
        yield from table(("key", "type", "meaning"), ((name, kind, meaning) for name, kind, _, meaning in rows))
    yield ""


def field_rows(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """One row a field."""
    hints = get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        yield (
            f"`{field.alias or name}`",
            show_type(hints[name], field),
            show_default(field),
            one_line(field.description or only_value(hints[name])),
        )


def only_value(hint: Any) -> str:
    """What a field says that can hold one value alone: which member of a union this is."""
    return "Says which of its kind this is." if get_origin(hint) is Literal and len(get_args(hint)) == 1 else ""


def show_type(hint: Any, field: FieldInfo | None = None) -> str:
    """A type in words, with links to declarations and with bounds."""
    for known, name in NAMED_TYPES.items():
        if hint == known:
            return f"[{name}](study.md#{name})"
    bounds = show_bounds(field.metadata) if field is not None else ""
    if get_origin(hint) is Annotated:
        inner, *metadata = get_args(hint)
        own = [bound for extra in metadata if isinstance(extra, FieldInfo) for bound in extra.metadata]
        return show_type(inner) + (show_bounds(own) or bounds)
    return _show_plain(hint) + bounds


def _show_plain(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        inner = arguments[0] if arguments[-1] is ... else Union[arguments]  # noqa: UP007
        many = "list of" if arguments[-1] is ... else f"{len(arguments)} of"
        return f"{many} {show_type(inner)}"
    if origin in (dict, Mapping):
        return f"mapping of {show_type(arguments[0])} to {show_type(arguments[1])}"
    if origin is not None and arguments:
        return " or ".join(dict.fromkeys(show_type(argument) for argument in arguments))
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        page = "study.md" if hint.__module__.startswith("titrant.study") else "artifacts.md"
        return f"[{hint.__name__}]({page}#{hint.__name__.lower()})"
    return PLAIN_TYPES.get(hint, "any" if hint in (Any, object) else getattr(hint, "__name__", str(hint)))


def show_bounds(metadata: Iterable[Any]) -> str:
    """` > 0, < 1`, or how many there must be."""
    found = []
    for bound in metadata:
        found += [f"{sign} {getattr(bound, name):,}" for name, sign in SIGNS.items() if hasattr(bound, name)]
        if getattr(bound, "min_length", None):
            found.append(f"at least {bound.min_length}")
    return f", {', '.join(found)}" if found else ""


def show_default(field: FieldInfo) -> str:
    """The default as YAML, or **required**."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return ""
    if isinstance(value, BaseModel):
        unset = [name for name, inner in type(value).model_fields.items() if len(inner.metadata) or inner.is_required()]
        if len(type(value).model_fields) > 1 or unset:
            return f"defaults of {show_type(type(value))}"
        value = value.model_dump(mode="json")
    plain = list(value) if isinstance(value, tuple) else value
    shown = yaml.safe_dump(plain, default_flow_style=True).removesuffix("...\n")
    return f"`{shown.strip()}`"


def cli_page() -> Iterator[str]:
    """`--help` of every command."""
    yield from ("# The command line", "", GENERATED, "")
    group = command_line.commands
    root = click.Context(group, info_name="titrant", terminal_width=100, **group.context_settings)
    yield from ("```text", "$ titrant --help", help_of(group, root), "```", "")
    for name, command in group.commands.items():
        context = click.Context(command, info_name=name, parent=root, terminal_width=100)
        yield from (f"## titrant {name}", "", "```text", f"$ titrant {name} --help", help_of(command, context))
        yield from ("```", "")


def help_of(command: click.Command, context: click.Context) -> str:
    """The text of `--help`, lines without trailing spaces."""
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def artifacts_page() -> Iterator[str]:
    """Each class of artifact, then the records."""
    yield from ("# Artifacts", "", GENERATED, "", prose(artifacts.__doc__), "")
    yield from ("## Jobs and their inputs", "", prose(jobs.__doc__), "")
    for kind, model in artifacts.ARTIFACTS.items():
        yield from model_section(model, "##", f"Kind `{kind}`, version {model.version}.")
    yield from ("## Parts of artifacts", "")
    for module in (artifacts.record, artifacts.data, artifacts.synthetic, artifacts.results):
        for part in declared_in(module):
            if not issubclass(part, artifacts.Artifact):
                yield from model_section(part)


def report_page() -> Iterator[str]:
    """The schema of report.json as tables."""
    schema = json.loads((resources.files("titrant") / "report" / "schema.json").read_text(encoding="utf-8"))
    yield from ("# report.json", "", GENERATED, "")
    yield (
        "The report in a form for machines, beside `report.html` and `report.md`. The JSON schema is "
        "`titrant/report/schema.json` in the package."
    )
    yield from ("", "## The whole", "")
    yield from schema_section(schema)
    for name, part in schema["$defs"].items():
        yield from (f"## {name}", "", part.get("description", ""), "")
        yield from schema_section(part)


def schema_section(schema: Mapping[str, Any]) -> Iterator[str]:
    """One table of the properties of an object."""
    rows = ((f"`{name}`", schema_type(p), one_line(p.get("description", ""))) for name, p in properties_of(schema))
    yield from (*table(("key", "type", "meaning"), rows), "")


def properties_of(schema: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Names and schemas of an object's properties."""
    found: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    return found.items()


def schema_type(part: Mapping[str, Any]) -> str:
    """The type of one property in words."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if "anyOf" in part:
        return " or ".join(schema_type(choice) for choice in part["anyOf"])
    if "prefixItems" in part:
        return f"list of {len(part['prefixItems'])} {schema_type(part['prefixItems'][0])}s"
    if part.get("type") == "array":
        return f"list of {schema_type(part.get('items', {}))}"
    if part.get("type") == "object" and isinstance(part.get("additionalProperties"), dict):
        return f"mapping to {schema_type(part['additionalProperties'])}"
    plain = str(part.get("type", "any"))
    return {"boolean": "true or false", "object": "mapping"}.get(plain, plain)


def environment_page() -> Iterator[str]:
    """Every environment variable that a module declares, with what stands under its name."""
    yield from ("# Environment variables", "", GENERATED, "")
    yield (
        "They say where and how work runs. None is part of a study, and none changes a result but in last bits; what "
        "flags also say is listed with [the command line](cli.md)."
    )
    yield ""
    rows = [(f"`{name}`", words) for name, words in sorted(dict(declared_variables()).items())]
    yield from table(("variable", "meaning"), rows)


def declared_variables() -> Iterator[tuple[str, str]]:
    """(name, meaning) of each string constant whose own docstring begins with `Environment variable:`."""
    for path in sorted(Path(titrant.__file__).parent.rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for declared, said in itertools.pairwise(body):
            value = declared.value if isinstance(declared, (ast.Assign, ast.AnnAssign)) else None
            words = said.value if isinstance(said, ast.Expr) else None
            if not (isinstance(value, ast.Constant) and isinstance(words, ast.Constant)):
                continue
            if str(value.value).startswith("TITRANT_") and str(words.value).startswith("Environment variable:"):
                meaning = one_line(str(words.value)).partition(": ")[2]
                yield str(value.value), meaning[:1].upper() + meaning[1:]


def errors_page() -> Iterator[str]:
    """The tree of errors and what the command's exit status says."""
    yield from ("# Errors and exit statuses", "", GENERATED, "", prose(errors.__doc__), "")
    yield from ("## Exit statuses", "")
    found = re.search(r"Exit status: (.*?)\.\s", (inspect.getmodule(command_line.main) or errors).__doc__ or "", re.S)
    statuses = [part.strip().partition(" ") for part in one_line(found[1] if found else "").split("; ")]
    yield from table(("status", "meaning"), ((f"`{number}`", meaning) for number, _, meaning in statuses))
    yield from ("", "## Exceptions", "")
    for error in declared_errors():
        yield from (f"### {error.__name__}", "", prose(error.__doc__), "")


def declared_errors() -> Iterator[type]:
    """Public classes of `titrant.errors`, in its order."""
    for name, value in vars(errors).items():
        if inspect.isclass(value) and value.__module__ == errors.__name__ and not name.startswith("_"):
            yield value


def python_page() -> Iterator[str]:
    """Every public name of `titrant`."""
    yield from ("# Python", "", GENERATED, "", prose(titrant.__doc__), "")
    for name in titrant.__all__:
        value = getattr(titrant, name)
        yield from (f"## {name}", "")
        if inspect.isfunction(value):
            signature = str(inspect.signature(value)).replace("'", "")
            yield from ("```python", f"titrant.{name}{signature}", "```", "")
        yield from (prose(value.__doc__), "")
        if inspect.isclass(value):
            yield from class_members(value)


def class_members(of: type) -> Iterator[str]:
    """Fields that no other page lists, then public methods and properties."""
    if issubclass(of, BaseModel):
        yield from (f"Fields: [{of.__name__}](study.md#{of.__name__.lower()}).", "")
    elif not issubclass(of, Exception):
        docs = attribute_docs(of)
        rows = ((f"`{name}`", one_line(docs.get(name, ""))) for name in getattr(of, "__annotations__", {}))
        yield from (*table(("field", "meaning"), rows), "")
    rows = ((f"`{name}`", text) for name, text in methods_of(of))
    found = list(rows)
    if found:
        yield from (*table(("method or property", "what it returns"), found), "")


def methods_of(of: type) -> Iterator[tuple[str, str]]:
    """Public methods and properties that a class itself defines, with the first line of their docstrings."""
    for name, value in vars(of).items():
        function = value.fget if isinstance(value, property) else value
        if not inspect.isfunction(function) or function.__module__ != of.__module__:
            continue
        if function.__doc__ and not name.startswith("_"):
            parameters = list(inspect.signature(function).parameters)[1:]
            shown = name if isinstance(value, property) else f"{name}({', '.join(parameters)})"
            yield shown, first_paragraph(function.__doc__)


def attribute_docs(of: type) -> dict[str, str]:
    """The strings under the fields of a dataclass, read from its source."""
    body = ast.parse(textwrap.dedent(inspect.getsource(of))).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        said = after.value if isinstance(after, ast.Expr) else None
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and isinstance(said, ast.Constant):
            docs[before.target.id] = str(said.value)
    return docs


def prose(docstring: str | None) -> str:
    """A docstring as Markdown: indented drawings and examples become blocks."""
    out: list[str] = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(docstring or "")):
        lines = block.split("\n")
        if block.startswith(">>>"):
            out.append("```python\n" + block + "\n```")
        elif all(line.startswith("    ") for line in lines if line):
            out.append("```text\n" + textwrap.dedent(block) + "\n```")
        else:
            out.append("\n".join(lines))
    # a drawing that was cut at its empty lines is one drawing
    return "\n\n".join(out).replace("\n```\n\n```text\n", "\n\n")


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def first_paragraph(docstring: str | None) -> str:
    """The text before the first empty line, as one line."""
    return one_line(inspect.cleandoc(docstring or "").split("\n\n")[0])


def first_line(docstring: str | None) -> str:
    """The first line of a docstring."""
    return inspect.cleandoc(docstring or "").split("\n")[0]


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "reference"
    for path in write_reference(target):
        print(path)
