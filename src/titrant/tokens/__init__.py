"""Documents become batches: tokenizer, shards, order, mixture and ledger."""

from titrant.tokens.encode import encode_documents
from titrant.tokens.ledger import check_ledger
from titrant.tokens.tokenizer import make_tokenizer

__all__ = ["check_ledger", "encode_documents", "make_tokenizer"]
