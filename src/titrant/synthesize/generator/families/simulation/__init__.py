"""Simulations: things that move, are used up, wait, grow and spread, step by step."""

from titrant.synthesize.generator.families.simulation import fields, limiters, moves, rows, services, stores, tracks

__all__ = ["fields", "limiters", "moves", "rows", "services", "stores", "tracks"]
