"""Answers of two runs to the same prompts, compared by judges: every pair in both orders, every word kept."""
