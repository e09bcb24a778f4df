"""Sources become documents: reading every kind of origin, and sharing documents out between training and evaluation."""

from titrant.corpus.documents import read_documents
from titrant.corpus.duplicates.signatures import sign_documents
from titrant.corpus.examples import choose_examples
from titrant.corpus.items.overlap import find_overlaps
from titrant.corpus.origins.packages import fetch_packages
from titrant.corpus.signals import find_all_signals
from titrant.corpus.split import split_documents
from titrant.corpus.transforms import transform_documents

__all__ = [
    "choose_examples",
    "fetch_packages",
    "find_all_signals",
    "find_overlaps",
    "read_documents",
    "sign_documents",
    "split_documents",
    "transform_documents",
]
