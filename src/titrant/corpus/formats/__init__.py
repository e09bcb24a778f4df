"""What a piece holds: one reader a format, each yielding texts, what is left out, and what cannot be read."""
