"""The documents of a synthesis: one a problem, so that whatever is made of a problem shares its fate.

Each is the statement with the accepted solution, or else the first one, or none. Duplicates, items of evaluations and
the hold-out line are decided by it; what sources train on is written later, form by form (see `write`).
"""

from __future__ import annotations

from pathlib import Path

from titrant.corpus.synthetic.items import all_items, number_of_items
from titrant.corpus.writer import Tally, Writer
from titrant.errors import StudyError
from titrant.jobs import Progress


def synthetic_documents(verification: Path, writer: Writer, out: Path, progress: Progress) -> Tally:
    """Write every problem of a verification, in its order. Raises StoreError if that is damaged, StudyError if it holds
    no problem."""
    total, done = number_of_items(verification), 0
    for items in all_items(verification):
        progress(done, total, "problems")
        for item in items:
            writer.add(item.id, item.whole, "python", item.licence or "unknown", item.source)
        done += len(items)
    progress(total, total, "problems")
    if not writer.tally.documents:
        raise StudyError("the synthesis has no problem; look at where its problems come from")
    return writer.finish(out)
