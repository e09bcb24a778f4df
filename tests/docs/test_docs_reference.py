"""The reference is what the code says: up to date, complete, and every field explained."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

import titrant
from docs.docs_blocks import ROOT
from titrant.artifacts import ARTIFACTS
from titrant.cli.commands import commands

REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """docs/make_reference.py as a module."""
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_reference_is_what_the_code_says(maker: ModuleType, tmp_path: Path) -> None:
    made = {path.name: path.read_text(encoding="utf-8") for path in maker.write_reference(tmp_path)}
    kept = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.iterdir()}
    stale = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    assert not stale, "run `make docs` and commit docs/reference"


def test_every_page_says_that_it_is_generated(maker: ModuleType) -> None:
    assert all(maker.GENERATED in path.read_text() for path in REFERENCE.iterdir())


@pytest.mark.parametrize("name", titrant.__all__)
def test_every_public_name_has_a_docstring_and_a_section(name: str) -> None:
    value = getattr(titrant, name)
    assert value.__doc__
    assert value.__doc__.strip()
    assert f"\n## {name}\n" in (REFERENCE / "python.md").read_text()


def test_every_field_of_every_declaration_is_explained(maker: ModuleType) -> None:
    bare = [
        f"{model.__name__}.{name}"
        for module in maker.SUBJECTS
        for model in maker.declared_in(module)
        for name, field in model.model_fields.items()
        if not field.description and not maker.only_value(inspect.get_annotations(model, eval_str=True).get(name))
    ]
    assert not bare, "write a string under each of these fields"


def test_every_public_declaration_is_on_the_page_of_the_study_file(maker: ModuleType) -> None:
    page = (REFERENCE / "study.md").read_text()
    public = [getattr(titrant, name) for name in titrant.__all__]
    models = [value for value in public if inspect.isclass(value) and issubclass(value, BaseModel)]
    assert all(f"### {model.__name__}\n" in page for model in models)


def test_every_command_and_every_artifact_has_its_section() -> None:
    commands_page, artifacts_page = (REFERENCE / name for name in ("cli.md", "artifacts.md"))
    assert all(f"## titrant {name}\n" in commands_page.read_text() for name in commands.commands)
    assert all(f"## {artifact.__name__}\n" in artifacts_page.read_text() for artifact in ARTIFACTS.values())
