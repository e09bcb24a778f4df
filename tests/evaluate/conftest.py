"""Gives the tests of evaluation their fixtures, which live in a file whose name no other room uses."""

from tiny_evaluate import (  # noqa: F401
    encoder,
    held_out_folder,
    model,
    one_thread,
    texts,
    tokenizer_folder,
    train_folder,
)
from tiny_tasks import letters_encoder  # noqa: F401
