"""What the families share of a batch, found once and only if asked for: characters, lines, tokens, identities."""

from __future__ import annotations

from functools import cached_property

import pyarrow as pa

from titrant.corpus.signals.characters import Characters, Floats, Hashes, Spans, lines, stripped
from titrant.corpus.signals.file_language import language_by_content
from titrant.corpus.signals.repeats import Identities
from titrant.corpus.signals.words import Tokens, find_tokens


class Texts:
    """Some documents, as columns of documents.parquet."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self.characters = Characters([text or "" for text in batch.column("text").to_pylist()])

    def __len__(self) -> int:
        return len(self.characters)

    @cached_property
    def lines(self) -> Spans:
        """As `str.splitlines`."""
        return lines(self.characters)

    @cached_property
    def bare_lines(self) -> Spans:
        """The same lines without the white space around them."""
        return stripped(self.characters, self.lines)

    @cached_property
    def tokens(self) -> Tokens:
        """Words and signs."""
        return find_tokens(self.characters)

    @cached_property
    def identities(self) -> Identities:
        """Identities of any spans."""
        return Identities(self.characters)

    @cached_property
    def token_identities(self) -> Hashes:
        """Identity of every token."""
        return self.identities.of(self.tokens.spans)

    @cached_property
    def words(self) -> Floats:
        """For each document, its words and signs."""
        return self.characters.count(self.tokens.spans.document)

    @cached_property
    def languages(self) -> list[str]:
        """Of each document, the programming or markup language by name and content."""
        columns = (self.batch.column(name).to_pylist() for name in ("id", "language"))
        rows = zip(*columns, self.characters.texts, strict=True)
        return [language_by_content(id_, text, declared) for id_, declared, text in rows]
