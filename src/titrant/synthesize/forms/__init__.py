"""Other forms of a solved problem: told in words, or in another language."""
