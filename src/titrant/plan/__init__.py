"""What will be done: a pure function from a study to its graph of jobs."""

from titrant.plan.make import make_plan
from titrant.plan.plan import Job, Plan

__all__ = ["Job", "Plan", "make_plan"]
