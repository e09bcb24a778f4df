"""One phase of training: batches in, a checkpoint out, resumable at any moment and bit-reproducible."""

from titrant.train.loop import train_phase

__all__ = ["train_phase"]
