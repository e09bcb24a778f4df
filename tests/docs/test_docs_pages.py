"""What the documentation shows is there: studies load and plan, commands exist, links resolve."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import click
import pytest
import yaml

from docs.docs_blocks import ROOT, Block, blocks, pages, write_study
from titrant import make_plan
from titrant.cli.commands import commands
from titrant.study.load import open_study
from titrant.study.study import Study
from titrant.study.world import pin_study

BLOCKS = list(blocks())
STUDIES = [block for block in BLOCKS if block.mark]
FRAGMENTS = [block for block in BLOCKS if block.language == "yaml" and not block.mark]
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BUILTINS = {"cd", "export", "source"}


def test_the_documentation_shows_full_studies() -> None:
    assert {block.page for block in STUDIES} >= {"README.md", "docs/how-to/python.md"}


@pytest.mark.parametrize("block", STUDIES, ids=lambda block: block.name)
def test_every_full_study_loads_and_plans(block: Block, tmp_path: Path) -> None:
    plan = make_plan(pin_study(open_study(write_study(block, tmp_path))))
    assert plan.runs
    assert any(job.kind == "train" for job in plan.jobs.values())


@pytest.mark.parametrize("block", FRAGMENTS, ids=lambda block: block.name)
def test_every_fragment_of_a_study_has_keys_of_a_study(block: Block) -> None:
    assert set(yaml.safe_load(block.text)) <= set(Study.model_fields)


def shell_lines() -> list[tuple[str, str]]:
    """(page, command) of every line of every block of shell."""
    lines = []
    for block in BLOCKS:
        if block.language == "sh":
            for line in block.text.splitlines():
                lines += [(block.page, part.strip()) for part in line.split("&&") if line.split("#", 1)[0].strip()]
    return lines


@pytest.mark.parametrize(("page", "line"), shell_lines())
def test_every_shell_command_exists(page: str, line: str) -> None:
    program, *arguments = line.split()
    if Path(program).name == "titrant":
        assert arguments[0] in commands.commands, line
        flags = {flag for p in commands.commands[arguments[0]].params for flag in p.opts}
        assert {word for word in arguments if word.startswith("--")} <= flags, line
    elif program == "make":
        assert arguments[0] in TARGETS, line
    elif program not in BUILTINS:
        program = program.removeprefix(".venv/bin/")
        assert shutil.which(program) or (Path(sys.executable).parent / program).exists(), line


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_has_help_and_is_explained_outside_the_reference(name: str) -> None:
    command = commands.commands[name]
    assert command.help
    assert all(p.help for p in command.params if isinstance(p, click.Option)), name
    told = [page for page in pages() if "reference" not in page.parts and f"titrant {name}" in page.read_text()]
    assert told, f"no page says what `titrant {name}` is for"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_resolves(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    broken = []
    for target in LINK.findall(text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.is_file() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def anchors(page: Path) -> set[str]:
    """Names of headings as a page of Markdown spells them, and anchors that are written out."""
    text = page.read_text(encoding="utf-8")
    headings = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in re.findall(r"^#+ (.+)$", text, re.M)]
    return {heading.strip().replace(" ", "-") for heading in headings} | set(re.findall(r"<a id='([^']+)'>", text))


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, pending = set(), [ROOT / "README.md"]
    while pending:
        page = pending.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = (target.partition("#")[0] for target in LINK.findall(page.read_text()) if "://" not in target)
        pending += [(page.parent / target).resolve() for target in targets if target]
    assert set(pages()) - reached <= {ROOT / "AGENTS.md"}


def test_the_readme_and_the_notes_for_agents_stay_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120
    assert len((ROOT / "AGENTS.md").read_text().splitlines()) <= 40
