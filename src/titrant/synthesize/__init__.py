"""Problems, solutions and verdicts: what a source of kind `synthetic` is made of.

It stands above the rooms that read documents and score models, because it uses both: problems are mined from
documents, and a local teacher writes as any model that is evaluated does.
"""

from titrant.synthesize.problems import make_problems
from titrant.synthesize.teacher.stage import solve_problems
from titrant.synthesize.verify.stage import verify_solutions

__all__ = ["make_problems", "solve_problems", "verify_solutions"]
