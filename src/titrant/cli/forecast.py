"""What the command line says of the time that a plan will take, and when this machine is measured for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from titrant.cli.opened import make_console
from titrant.errors import EngineError
from titrant.execute.cost.asked import ON_GPU
from titrant.execute.cost.calibrate import calibrate
from titrant.execute.cost.calibration import keep_calibrations
from titrant.execute.cost.predict import Known, Prediction, predict, wall_seconds, what_is_known
from titrant.execute.machine import default_workers, training_speed, visible_gpus
from titrant.execute.store import Store
from titrant.plan import Job, Plan
from titrant.study.units import show_seconds

WORTH_MEASURING_SECONDS = 120.0
"""A run that would train for longer than this by the crude estimate is measured for ten seconds first, once a machine.
The crude estimate is about twice too long on a processor with bfloat16 instructions, so that this is a minute there."""


@dataclass(frozen=True)
class Forecast:
    """The predictions of a plan's jobs and what they rest on."""

    known: Known
    predictions: Mapping[str, Prediction]
    """Of every job of the plan, finished ones too."""

    def wall_seconds(self, plan: Plan, missing: Collection[str]) -> float | None:
        """Seconds until the missing jobs are done; None if nothing is known of any that trains."""
        wanted = {id_: self.predictions[id_] for id_ in missing}
        trains = [one for id_, one in wanted.items() if plan.jobs[id_].kind in ON_GPU]
        if trains and all(one.seconds is None for one in trains):
            return None
        return wall_seconds(plan, wanted, self.known.workers, self.known.gpus, self.known.ranks)

    def unknown(self, missing: Collection[str]) -> list[str]:
        """Ids of missing jobs whose time cannot be known yet."""
        return [id_ for id_ in missing if self.predictions[id_].seconds is None]

    def sources(self, missing: Collection[str]) -> dict[str, list[str]]:
        """By kind, how the time of its missing jobs is known."""
        found: dict[str, list[str]] = {}
        for id_ in missing:
            words = found.setdefault(id_.partition("/")[0], [])
            if (source := self.predictions[id_].source) not in words:
                words.append(source)
        return found


def forecast_of(plan: Plan, store: Store, workers: int | None = None) -> Forecast:
    """The predictions of every job of a plan, by what the store and this machine's calibrations know."""
    known = what_is_known(plan, store, training_speed(store), workers)
    return Forecast(known, predict(plan, store, known, plan.jobs))


def calibrated(plan: Plan, store: Store, workers: int | None = None) -> None:
    """Measure this machine at the plan's scales and keep what was found. Raises EngineError if that fails."""
    console = make_console(stderr=True)
    console.print("measuring this machine, once, for about ten seconds")
    vocabulary = plan.study.tokenizer.vocabulary or 0
    found = calibrate(plan.study, vocabulary, workers or default_workers(), visible_gpus(), training_speed(store))
    if keep_calibrations(store, found) is None:
        console.print("what was measured could not be written down, and counts for nothing", soft_wrap=True)
    if not visible_gpus() and (busy := min(one.speed.train_cpu_fraction for one in found.values())) < 0.85:
        console.print(
            f"other work took {1 - busy:.0%} of the cores meanwhile, and is part of what was measured; "
            "`--calibrate` measures again",
            soft_wrap=True,
        )


def calibrate_if_worth_it(
    plan: Plan, store: Store, forecast: Forecast, missing: Collection[str], workers: int | None
) -> Forecast:
    """A better forecast, if nothing better than a crude one is known of some job and there is much to train.

    A machine that cannot be measured is told, and stops nothing.
    """
    crude = [
        id_
        for id_ in missing
        if id_.startswith("train/") and forecast.predictions[id_].source not in ("own jobs", "calibration")
    ]
    seconds = wall_seconds(
        plan, {id_: forecast.predictions[id_] for id_ in crude}, forecast.known.workers, forecast.known.gpus
    )
    if not crude or (seconds < WORTH_MEASURING_SECONDS and forecast.predictions[crude[0]].seconds is not None):
        return forecast
    try:
        calibrated(plan, store, workers)
    except EngineError as error:
        make_console(stderr=True).print(f"{error}; the time left is a rough guess", soft_wrap=True)
        return forecast
    return forecast_of(plan, store, workers)


def time_line(plan: Plan, forecast: Forecast, missing: Mapping[str, Job], hourly_price: float | None) -> str:
    """One line: how long, with how many at once, how that is known, and what is not counted."""
    if not missing:
        return "time: none, every job is finished"
    known = forecast.known
    at_once = (known.gpus and min(known.gpus, known.workers)) or known.workers
    seconds = forecast.wall_seconds(plan, missing)
    if seconds is None:
        return "time: not known; `titrant plan STUDY --calibrate` measures this machine in about ten seconds"
    parts = [f"time: about {show_seconds(seconds)} with {at_once} at once"]
    if hourly_price is not None:
        parts.append(f", {hourly_price * max(known.gpus, 1) * seconds / 3600:.2f} in money")
    sources = {source for kind in ON_GPU for source in forecast.sources(missing).get(kind, ())}
    words = [_WORDS.get(source, source) for source in sorted(sources)]
    parts.append(f" ({'; '.join(words)})" if words else "")
    if sources - {"own jobs", "calibration"}:
        parts.append("; `--calibrate` would tell more, in about ten seconds")
    if unknown := forecast.unknown(missing):
        parts.append(f"; not counted: {len(unknown)} jobs on sources whose size is not known before they are fetched")
    return "".join(parts)


_WORDS = {
    "own jobs": "from finished jobs of the same shape in this store",
    "calibration": "from a calibration of this machine",
}
