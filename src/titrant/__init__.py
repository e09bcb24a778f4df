"""Titrant: a measuring instrument for pre-training data.

A study declares sources, mixtures, phases and arms; its plan is a pure function of it; a run does what is missing and
reports what each arm gained or lost against its control. Nothing here imports torch.
"""

from titrant.errors import EngineError, JobError, StoreError, StudyError, TitrantError
from titrant.plan import Job, Plan, make_plan
from titrant.study.architecture import Architecture, ExistingTokenizer, OutsideArchitecture, TrainedTokenizer
from titrant.study.contrast import Contrast, Sweep
from titrant.study.evaluation import Evaluation
from titrant.study.ladder import Scale
from titrant.study.load import load_study
from titrant.study.mixture import Mixture
from titrant.study.optimizer import Optimizer
from titrant.study.phase import Arm, Phase
from titrant.study.source import Source
from titrant.study.study import Study

__all__ = [
    "Architecture",
    "Arm",
    "Contrast",
    "EngineError",
    "Evaluation",
    "ExistingTokenizer",
    "Job",
    "JobError",
    "Mixture",
    "Optimizer",
    "OutsideArchitecture",
    "Phase",
    "Plan",
    "Scale",
    "Source",
    "StoreError",
    "Study",
    "StudyError",
    "Sweep",
    "TitrantError",
    "TrainedTokenizer",
    "load_study",
    "make_plan",
]
