"""The first jobs of a plan: documents, what is found in them, what is kept, and the tokens that they become."""

from __future__ import annotations

from collections.abc import Mapping

from titrant.jobs import (
    DocumentsJob,
    ExamplesJob,
    ItemsJob,
    OverlapJob,
    SignalsJob,
    SignaturesJob,
    SplitJob,
    TokenizerJob,
    TokensJob,
    TransformJob,
)
from titrant.plan.asked import benchmarks_asked, choices_asked
from titrant.plan.draft import Draft
from titrant.plan.synthesis import add_synthesis
from titrant.study.architecture import ExistingTokenizer, TrainedTokenizer
from titrant.study.derived import made_of, root_of
from titrant.study.signals import SIGNALS
from titrant.study.source import Source
from titrant.study.synthesis import SyntheticItems


def add_data(draft: Draft) -> None:
    """Everything up to the tokens of every source."""
    study = draft.study
    own: dict[str, str] = {}
    signatures: dict[str, str] = {}
    if study.evaluation.needs_benchmarks:
        draft.benchmarks = draft.add("benchmarks", study.study, benchmarks_asked(study), {})
    _add_items(draft)
    for name, source in study.sources.items():
        other = made_of(source)
        if other in study.synthesis and other not in draft.documents:
            add_synthesis(draft, other, own, signatures)
            own[other] = draft.splits[other]
        if other is None:
            _add_source(draft, name, source, own, signatures)
            own[name] = draft.splits[name]
        else:
            draft.documents[name], draft.splits[name] = draft.documents[other], draft.splits[other]
            if other in draft.overlaps:
                draft.overlaps[name] = draft.overlaps[other]
        draft.texts[name] = draft.documents[name] if other is None else draft.texts[other]
        if source.transform or source.redact or source.paired_with or other in study.synthesis:
            # what has all its documents takes none away
            paired = {
                f"paired/{other}": draft.texts[other]
                for other in source.paired_with
                if draft.jobs[draft.texts[other]].kind == "transform"
            }
            _add_transform(draft, name, source, paired)
    shares = study.mixtures[study.tokenizer.mixture].shares if isinstance(study.tokenizer, TrainedTokenizer) else {}
    draft.tokenizer = draft.add(
        "tokenizer",
        f"bpe-{draft.vocabulary}",
        TokenizerJob(
            tokenizer=_without_names(study.tokenizer),
            byte_shares={source: f"{share.numerator}/{share.denominator}" for source, share in sorted(shares.items())},
        ),
        {f"documents/{source}": draft.texts[source] for source in shares}
        | {f"split/{source}": draft.splits[source] for source in shares},
    )
    for name, source in study.sources.items():
        draft.tokens[name] = draft.add(
            "tokens",
            name,
            TokensJob(max_document_characters=source.max_document_characters),
            {
                "documents": draft.texts[name],
                "split": draft.splits[name],
                "tokenizer": draft.tokenizer,
            },
        )
        inputs = {"documents": draft.documents[name], "split": draft.splits[name]}
        inputs |= {"transformed": draft.texts[name]} if draft.texts[name] != draft.documents[name] else {}
        draft.examples[name] = draft.add("examples", name, ExamplesJob(), inputs)


def _add_transform(draft: Draft, name: str, source: Source, paired: dict[str, str]) -> None:
    """Documents as they are trained on, searched anew for items: steps can free one of what hid it."""
    inputs = {"documents": draft.texts[name], "split": draft.splits[name]} | paired
    origin = source.origins[0]
    write = origin if isinstance(origin, SyntheticItems) else None
    if (root := root_of(name, draft.study.sources)) in draft.study.synthesis:
        # what is made by machine is never trained on where it holds an item
        search = drop = draft.item_rules.get(root) if source.transform or write is not None else None
        inputs |= {"items": draft.synthetic_items[root]} if drop is not None else {}
        inputs |= {"verification": draft.verified[root]} if write is not None else {}
    else:
        rule = draft.study.evaluation.searched_for if source.transform else None
        search = rule.model_copy(update={"action": "report"}) if rule is not None else None
        drop = search if rule is not None and rule.action == "drop" else None
        inputs |= {"items": draft.items} if drop is not None else {}
    job = TransformJob(redact=source.redact, steps=source.transform, write=write, without_items=drop)
    draft.texts[name] = draft.add("transform", name, job, inputs)
    if search is not None and drop is None:
        inputs = {"documents": draft.texts[name], "items": draft.items, "before": draft.overlaps[name]}
        draft.overlaps[name] = draft.add("overlap", name, OverlapJob(rule=search), inputs)


def _add_items(draft: Draft) -> None:
    """The items that sources are searched for."""
    if draft.study.evaluation.searched_for is not None:
        inputs = {"benchmarks": draft.benchmarks} if draft.benchmarks else {}
        job = ItemsJob(multiple_choice=choices_asked(draft.study))
        draft.items = draft.add("items", draft.study.study, job, inputs)


def _add_source(
    draft: Draft, name: str, source: Source, earlier: Mapping[str, str], signatures: dict[str, str]
) -> None:
    """Documents of a source of its own, and what decides which are kept. `signatures` are of sources before it."""
    near, rules = draft.study.near_duplicates, source.rules_written_out
    documents = {
        "documents": draft.add(
            "documents",
            name,
            DocumentsJob(kind=source.kind, origins=source.origins, plant=source.plant, on_error=source.on_error),
            {},
        )
    }
    inputs = documents | {f"earlier/{before}": id_ for before, id_ in earlier.items()}
    families = {SIGNALS[rule.signal].family for rule in rules}
    families |= {"language"} if source.shares_by_language else set()
    if families:
        models = source.models if families & {"perplexity", "classifier"} else None
        signals = SignalsJob(families=tuple(sorted(families)), models=models)
        inputs["signals"] = draft.add("signals", name, signals, documents)
    rule = draft.study.evaluation.searched_for
    if rule is not None:
        job = OverlapJob(rule=rule.model_copy(update={"action": "report"}))
        draft.overlaps[name] = draft.add("overlap", name, job, documents | {"items": draft.items})
        inputs |= {"overlap": draft.overlaps[name]} if rule.action == "drop" else {}
    if near is not None:
        inputs |= {f"earlier-signatures/{before}": id_ for before, id_ in signatures.items()}
        signatures[name] = inputs["signatures"] = draft.add("signatures", name, SignaturesJob(near=near), documents)
    draft.documents[name] = documents["documents"]
    draft.splits[name] = draft.add(
        "split",
        name,
        SplitJob(
            hold_out_fraction=draft.study.hold_out_fraction,
            reserve_fraction=source.reserve_fraction,
            rules=rules,
            near=near,
            language_shares=source.shares_by_language,
        ),
        inputs,
    )


def _without_names(tokenizer: TrainedTokenizer | ExistingTokenizer) -> TrainedTokenizer | ExistingTokenizer:
    """A trained tokenizer's mixture counts by its shares, not by its name."""
    if isinstance(tokenizer, TrainedTokenizer):
        return tokenizer.model_copy(update={"mixture": "shares"})
    return tokenizer
