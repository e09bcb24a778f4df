"""What a study will cost, and what it took: measured speeds, a table of GPUs, the runner's schedule, predictions."""
