"""The third ring of checks: what the study points at exists, and is pinned by the hash of its content.

Pinning turns every path into an absolute one and fills in its content hash, so that a plan made from the pinned study
is a pure function of it: change a byte of a file, and every job that depends on it has another identity.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from blake3 import blake3
from pydantic import BaseModel

from titrant.errors import Problem, StudyError
from titrant.study.architecture import ExistingTokenizer, OutsideArchitecture
from titrant.study.histories import history_problems
from titrant.study.judging import Judging
from titrant.study.ladder import Scale
from titrant.study.load import LoadedStudy
from titrant.study.model_filters import FilterModel, ModelFilters
from titrant.study.origins import Archive, Files, HubDataset, Installed, Package, Repository, TokenCache
from titrant.study.outside import end_of_text_of, token_ids_of
from titrant.study.patterns import matches
from titrant.study.phase import Phase
from titrant.study.repository import commit_of
from titrant.study.starting_points import model_files, read_architecture, starting_problems
from titrant.study.study import Study
from titrant.study.synthesis import ProblemDataset, ProblemFiles
from titrant.study.tasks import TaskData

Declared = TypeVar("Declared", bound=BaseModel)

COMPANIONS = {".bin": (".bin", ".idx"), ".ds": ("", ".index"), ".npy": (".npy", ".csv.gz")}
"""By the ending of a file of tokens: the ending that is replaced to name the file that tells its documents."""


PROBLEM_ENDINGS = ("", ".jsonl", ".ndjson", ".json", ".parquet")
"""Endings of files of problems, those of packed ones taken away; a file without any holds JSON lines."""
_PACKED = (".gz", ".bz2", ".xz", ".zst")
NO_SOURCE = {"__pycache__", ".git"}
"""Folders that hold nothing that a person wrote: a repository's own files are read by a `git` origin."""


def pin_study(loaded: LoadedStudy) -> Study:
    """The study with sweeps written out, absolute paths and content hashes. Raises StudyError with all problems."""
    study, folder = loaded.study.expanded(), loaded.folder
    problems: list[Problem] = []

    def pinned(pin: Callable[[Declared, Path], Declared], declared: Declared, *place: str | int) -> Declared:
        try:
            return pin(declared, folder)
        except StudyError as error:
            problems.extend(Problem(problem.message, loaded.where(*place)) for problem in error.problems)
            return declared

    sources = {
        name: source.model_copy(
            update={
                "origins": tuple(
                    pinned(_pin_origin, origin, "sources", name, "from", index)
                    for index, origin in enumerate(source.origins)
                ),
                "models": source.models and pinned(_pin_models, source.models, "sources", name, "models"),
            }
        )
        for name, source in study.sources.items()
    }
    phases = {name: pinned(_pin_phase, phase, "phases", name) for name, phase in study.phases.items()}
    choices = tuple(
        pinned(_pin_file, task, "evaluation", "multiple_choice", index)
        for index, task in enumerate(study.evaluation.multiple_choice)
    )
    asked: dict[str, Any] = {
        key: tuple(
            pinned(_pin_data, task, "evaluation", key, index)
            for index, task in enumerate(getattr(study.evaluation, key))
        )
        for key in ("tasks", "code", "judging")
    }
    synthesis = {
        name: declared.model_copy(
            update={
                "problems": tuple(
                    pinned(_pin_problems, problems, "synthesis", name, "from", index)
                    for index, problems in enumerate(declared.problems)
                ),
                "teacher": declared.teacher
                and pinned(_pin_model_folder, declared.teacher, "synthesis", name, "teacher"),
            }
        )
        for name, declared in study.synthesis.items()
    }
    scales = {name: pinned(_pin_scale, scale, "scales", name, "architecture") for name, scale in study.scales.items()}
    tokenizer, token_ids = study.tokenizer, dict[str, int]()
    if isinstance(tokenizer, ExistingTokenizer):
        tokenizer = pinned(_pin_tokenizer, tokenizer, "tokenizer")
    if problems:
        raise StudyError(problems)
    evaluation = study.evaluation.model_copy(update={"multiple_choice": choices, **asked})
    pinned_study = study.model_copy(
        update={
            "sources": sources,
            "phases": phases,
            "synthesis": synthesis,
            "evaluation": evaluation,
            "tokenizer": tokenizer,
            "scales": scales,
        }
    )
    if isinstance(tokenizer, ExistingTokenizer):
        token_ids = token_ids_of(Path(tokenizer.file))
    # two clones, now known by their commit; models and tokenizer, now known by what they hold
    found = [*history_problems(pinned_study), *starting_problems(pinned_study, token_ids)]
    if found:
        raise StudyError([Problem(message, loaded.where(*path)) for path, message in found])
    return pinned_study


def files_of(origin: Files | Installed) -> list[tuple[str, Path]]:
    """(name, path) of every file of an origin, sorted by name; names are relative and use `/`.

    Raises StudyError if a path does not exist, a pattern matches nothing or two files would have one name.
    """
    found = dict(_installed_files(origin)) if isinstance(origin, Installed) else _named_once(origin.files)
    kept = sorted((name, path) for name, path in found.items() if not matches(name, origin.exclude))
    if not kept:
        what = f"installed '{origin.installed}'" if isinstance(origin, Installed) else f"files {list(origin.files)}"
        raise StudyError(f"{what} holds no file that its patterns keep; check members and exclude")
    return kept


def token_files_of(origin: TokenCache) -> list[tuple[str, Path]]:
    """(name, path) of every file of a token cache and of what stands beside it, sorted by name.

    Raises StudyError if a path does not exist, a pattern matches nothing, two files would have one name or there is no
    such file.
    """
    found = _named_once(origin.tokens)
    kept = {
        name: path for name, path in found.items() if path.suffix in COMPANIONS and not matches(name, origin.exclude)
    }
    if not kept:
        raise StudyError(
            f"tokens {list(origin.tokens)} holds no file that ends in {', '.join(COMPANIONS)}; check path and exclude"
        )
    for name, path in list(kept.items()):
        old, new = COMPANIONS[path.suffix]
        beside = path.with_name(path.name.removesuffix(old) + new)
        if not beside.is_file():
            raise StudyError(f"'{beside}' is not there: '{path.name}' cannot be read without it; lay it beside")
        kept[name.removesuffix(old) + new] = beside
    return sorted(kept.items())


def problem_files_of(problems: ProblemFiles) -> list[tuple[str, Path]]:
    """(name, path) of every file of problems, in the order given. Raises StudyError as `files_of` does, and for a file
    that is neither JSON lines nor Parquet by its ending."""
    for file in map(Path, problems.files):
        if file.is_dir():
            raise StudyError(f"'{file}' is a folder, and problems are read from files; name them (a pattern will do)")
    found = list(_named_once(problems.files).items())
    for name, path in found:
        given = Path(name.lower())
        ending = Path(given.stem).suffix if given.suffix in _PACKED else given.suffix
        if ending not in PROBLEM_ENDINGS:
            raise StudyError(
                f"'{path}' is no file of problems by its ending '{ending}'; they are JSON lines (.jsonl, "
                ".ndjson or .json, also packed as .gz, .bz2, .xz or .zst) or Parquet (.parquet)"
            )
    return found


def content_of(files: Iterable[tuple[str, Path]]) -> str:
    """BLAKE3 over names and bytes of files, in the order given (64 hexadecimal digits)."""
    whole = blake3()
    for name, path in files:
        whole.update(name.encode() + b"\0" + bytes.fromhex(content_of_file(path)))
    return whole.hexdigest()


def content_of_file(path: Path) -> str:
    """BLAKE3 of a file's bytes (64 hexadecimal digits)."""
    try:
        whole = blake3()
        with path.open("rb", buffering=0) as stream:  # not mapped: a map of 10 GB counts as memory of this process
            while piece := stream.read(1 << 20):
                whole.update(piece)
        return whole.hexdigest()
    except OSError as error:
        raise StudyError(f"'{path}' cannot be read ({error.strerror})") from None


def content_of_folder(folder: Path) -> str:
    """BLAKE3 over every file below a folder: how an outside checkpoint is pinned. What a download notes down for itself
    in `.cache`, with the time of day, does not count."""
    found = sorted(_below(folder, ("**",)))
    return content_of((name, path) for name, path in found if ".cache" not in name.split("/"))


def _named_once(listed: tuple[str, ...]) -> dict[str, Path]:
    """By name, every file that paths and patterns list; two of one name would silently be one."""
    found: dict[str, Path] = {}
    for name, path in (each for one in listed for each in _listed_files(Path(one))):
        if found.setdefault(name, path) != path:
            raise StudyError(
                f"'{found[name]}' and '{path}' would both be called '{name}'; give their folders as two origins"
            )
    return found


def _listed_files(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
    elif path.is_dir():
        yield from _below(path, ("**",))
    elif any(sign in str(path) for sign in "*?"):
        fixed = next(parent for parent in path.parents if not any(sign in str(parent) for sign in "*?"))
        pattern = path.relative_to(fixed).as_posix()
        found = list(_below(fixed, (pattern,))) if fixed.is_dir() else []
        if not found:
            raise StudyError(f"the pattern '{path}' matches no file; check the path, or prepare the data first")
        yield from found
    else:
        raise StudyError(f"'{path}' does not exist; paths are read from the study's folder")


def _installed_files(origin: Installed) -> Iterator[tuple[str, Path]]:
    if origin.installed == "python":
        for name, path in _below(Path(sysconfig.get_path("stdlib")), origin.members):
            if not name.startswith(("site-packages/", "dist-packages/")):
                yield name, path
        return
    try:
        files = metadata.distribution(origin.installed).files or []
    except metadata.PackageNotFoundError:
        raise StudyError(f"'{origin.installed}' is not installed here; use a pinned `package`, or install it") from None
    for file in files:
        if matches(file.as_posix(), origin.members) and Path(str(file.locate())).is_file():
            yield file.as_posix(), Path(str(file.locate()))


def _below(folder: Path, patterns: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if NO_SOURCE.isdisjoint(path.relative_to(folder).parts) and matches(name, patterns) and path.is_file():
            yield name, path


def _pin_origin(origin: Any, folder: Path) -> Any:
    if isinstance(origin, Package):
        stem = origin.wheel.lower().replace("_", "-")
        if not stem.startswith(f"{origin.package.lower().replace('_', '-')}-{origin.version}-"):
            raise StudyError(
                f"wheel '{origin.wheel}' is not one of '{origin.package}' {origin.version}; give the file's own name"
            )
        return origin
    if isinstance(origin, Files):
        origin = origin.model_copy(update={"files": tuple(str(folder.resolve() / path) for path in origin.files)})
    if isinstance(origin, HubDataset) and (folder / origin.dataset).is_dir():
        return origin.model_copy(update={"dataset": str(folder.resolve() / origin.dataset)})
    if isinstance(origin, Archive):
        return _pin_archive(origin, folder)
    if isinstance(origin, Repository):
        return _pin_repository(origin, folder)
    if isinstance(origin, TokenCache):
        paths = tuple(str(folder.resolve() / path) for path in origin.tokens)
        tokenizer = _pin_tokenizer(origin.tokenizer, folder)
        origin = origin.model_copy(update={"tokens": paths, "tokenizer": tokenizer})
        return _with_content(origin, content_of(token_files_of(origin)), "its files")
    if isinstance(origin, (Files, Installed)):
        return _with_content(origin, content_of(files_of(origin)), "its files")
    return origin


def _pin_archive(origin: Archive, folder: Path) -> Archive:
    path = folder.resolve() / origin.archive
    if not path.is_file():
        what = "is a folder: name it with `files`" if path.is_dir() else "does not exist"
        raise StudyError(f"archive '{path}' {what}; paths are read from the study's folder")
    return _with_content(origin.model_copy(update={"archive": str(path)}), content_of_file(path), f"archive '{path}'")


def _pin_repository(origin: Repository, folder: Path) -> Repository:
    path = folder.resolve() / origin.git
    commit = commit_of(Path(origin.git) if "://" in origin.git else path, origin.revision)
    pinned = origin.model_copy(update={"git": str(path)})
    return _with_content(pinned, commit, f"what revision '{origin.revision}' of '{path}' points to")


def _pin_file(declared: Any, folder: Path) -> Any:
    path = folder.resolve() / declared.file
    if not path.is_file():
        raise StudyError(f"'{path}' does not exist; paths are read from the study's folder")
    declared = declared.model_copy(update={"file": str(path)})
    return _with_content(declared, content_of_file(path), f"'{path}'")


def _pin_data(declared: Any, folder: Path) -> Any:
    """A task, a set of problems or of prompts, with the files and folders that it names pinned."""
    place = "prompts" if isinstance(declared, Judging) else "data"
    data: TaskData | None = getattr(declared, place)
    update: dict[str, Any] = {}
    if data is not None and data.files is not None:
        paths = {split: folder.resolve() / file for split, file in sorted(data.files.items())}
        for path in paths.values():
            if not path.is_file():
                raise StudyError(f"'{path}' does not exist; paths are read from the study's folder")
        files = {split: str(path) for split, path in paths.items()}
        content: dict[str, str] = {split: content_of_file(path) for split, path in paths.items()}
        update[place] = _known_by(data, content).model_copy(update={"files": files})
    elif data is not None and data.dataset is not None and (path := folder.resolve() / data.dataset).is_dir():
        known = _known_by(data, {"dataset": content_of_folder(path)})
        update[place] = known.model_copy(update={"dataset": str(path)})
    elif data is not None and data.dataset is not None and Path(data.dataset).is_absolute():
        raise StudyError(f"the folder '{data.dataset}' does not exist; name one, or a dataset of the hub")
    if isinstance(declared, Judging):
        update["judges"] = tuple(_pin_model_folder(judge, folder) for judge in declared.judges)
    return declared.model_copy(update=update)


def _known_by(data: TaskData, content: Mapping[str, str]) -> TaskData:
    for part, found in content.items():
        if data.content is not None and data.content.get(part) != found:
            raise StudyError(f"the data of '{part}' have changed: their content is {found}; correct the study")
    return data.model_copy(update={"content": dict(content)})


def _pin_model_folder(declared: Any, folder: Path) -> Any:
    """A judge or a teacher."""
    if declared.hugging_face is None:
        return declared
    path = folder.resolve() / declared.hugging_face
    if not path.is_dir():
        what = type(declared).__name__.lower()
        raise StudyError(
            f"'{path}', of {what} '{declared.model}', does not exist; paths are read from the study's folder"
        )
    if not (path / "config.json").is_file():
        raise StudyError(f"'{path}' holds no config.json: name a folder as `save_pretrained` writes it")
    pinned = declared.model_copy(update={"hugging_face": str(path)})
    return _with_content(pinned, content_of_folder(path), f"'{path}'")


def _pin_problems(declared: Any, folder: Path) -> Any:
    if isinstance(declared, ProblemFiles):
        declared = declared.model_copy(update={"files": tuple(str(folder.resolve() / file) for file in declared.files)})
        return _with_content(declared, content_of(problem_files_of(declared)), "its files")
    if isinstance(declared, ProblemDataset) and (folder / declared.dataset).is_dir():
        return declared.model_copy(update={"dataset": str(folder.resolve() / declared.dataset)})
    return declared


def _pin_models(models: ModelFilters, folder: Path) -> ModelFilters:
    named = {"perplexity": models.perplexity, "classifier": models.classifier}
    return models.model_copy(update={name: _pin_model(each, folder) for name, each in named.items() if each})


def _pin_model(declared: FilterModel, folder: Path) -> FilterModel:
    path = folder.resolve() / declared.model
    if path.is_dir():
        pinned = declared.model_copy(update={"model": str(path)})
        return _with_content(pinned, content_of_folder(path), f"'{path}'")
    if declared.revision is None:
        raise StudyError(
            f"model folder '{path}' does not exist; paths are read from the study's folder (a model on the hub needs "
            "the commit to take, as `revision`)"
        )
    return declared


def _pin_phase(phase: Phase, folder: Path) -> Phase:
    declared = phase.initialisation
    if isinstance(declared, str):
        return phase
    path = folder.resolve() / declared.checkpoint
    if not path.is_dir():
        raise StudyError(f"checkpoint folder '{path}' does not exist; paths are read from the study's folder")
    declared = declared.model_copy(update={"checkpoint": str(path)})
    declared = _with_content(declared, content_of_folder(path), f"'{path}'")
    return phase.model_copy(update={"initialisation": declared})


def _pin_scale(scale: Scale, folder: Path) -> Scale:
    if not isinstance(scale.architecture, OutsideArchitecture):
        return scale
    architecture = read_architecture(scale.architecture, folder)
    path = Path(architecture.hugging_face)
    architecture = _with_content(architecture, content_of(model_files(path)), f"the configuration of '{path}'")
    return scale.model_copy(update={"architecture": architecture})


def _pin_tokenizer(declared: ExistingTokenizer, folder: Path) -> ExistingTokenizer:
    model = folder.resolve() / declared.file
    if model.is_dir():
        if not (model / "tokenizer.json").is_file():
            raise StudyError(
                f"'{model}' holds no tokenizer.json; save its tokenizer with `AutoTokenizer.from_pretrained('{model}')"
                f".save_pretrained('{model}')`"
            )
        declared = declared.model_copy(update={"file": f"{declared.file}/tokenizer.json"})
    declared = _pin_file(declared, folder)
    ids = token_ids_of(Path(declared.file))
    if declared.end_of_text is None:
        end = end_of_text_of(model, ids) if model.is_dir() else declared.ending
        declared = declared.model_copy(update={"end_of_text": end})
    if declared.end_of_text not in ids:
        raise StudyError(
            f"token '{declared.end_of_text}' is not in the vocabulary of '{declared.file}'; name its end_of_text"
        )
    size = max(ids.values()) + 1
    if declared.vocabulary not in (None, size):
        raise StudyError(
            f"'{declared.file}' has {size} entries, the study says {declared.vocabulary}; correct the study"
        )
    return declared.model_copy(update={"vocabulary": size})


def _with_content(declared: Declared, content: str, what: str) -> Declared:
    given = getattr(declared, "content", None)
    if given is not None and given != content:
        raise StudyError(
            f"{what} changed: the study pins content {given[:12]}…, found {content[:12]}…; restore the data, or "
            "update the pin"
        )
    return declared.model_copy(update={"content": content})
