"""The reference model, its loss, and the door to and from Hugging Face checkpoints."""
