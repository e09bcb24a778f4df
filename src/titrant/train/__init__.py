"""One phase of training: batches in, a checkpoint out, in one process or many, resumable at any moment."""

from titrant.train.loop import train_phase
from titrant.train.together.launch import train

__all__ = ["train", "train_phase"]
