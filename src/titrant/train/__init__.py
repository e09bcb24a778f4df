"""One phase of training: batches in, a checkpoint out, in one process or many, resumable at any moment."""

from titrant.train.launch import train
from titrant.train.loop import train_phase

__all__ = ["train", "train_phase"]
