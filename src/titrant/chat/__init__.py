"""One client for OpenAI-compatible endpoints: judges and teachers speak through it.

A conversation goes in; text, tokens, cost and the reason why it ended come out. Nothing is paid twice: every reply is
kept on disk under all that decided it.
"""
