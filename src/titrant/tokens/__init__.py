"""Documents become batches: tokenizer, shards, order, mixture and ledger."""
