"""Simulations: things that move, are used up, wait, grow and spread, step by step."""

from titrant.synthesize.generator.families.simulation import limiters, moves, services, stores, tracks

__all__ = ["limiters", "moves", "services", "stores", "tracks"]
