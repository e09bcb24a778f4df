"""The experiment trackers that a run can be shown in, each behind the same two calls.

A library is imported when its sink is opened, and not before. What a library keeps on disk lies in the folder that the
run names, unless the library's own environment variables say otherwise; Weights & Biases is offline unless WANDB_MODE
says otherwise, MLflow and Trackio write local files unless MLFLOW_TRACKING_URI or TRACKIO_SPACE_ID does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Tracked:
    """What a tracker is told of a train job."""

    name: str
    """The job's name, e.g. `balanced-only.init@nano#1`."""
    folder: Path
    """Where local files go."""
    config: Mapping[str, str] = field(default_factory=dict)
    """study, arm, scale, seed, phase, fingerprint."""

    @property
    def study(self) -> str:
        """The project or experiment that the run is shown in."""
        return self.config.get("study", "titrant")

    @property
    def mark(self) -> str:
        """What stays the same when the job goes on after an interruption: letters, digits and dashes."""
        return re.sub(r"[^A-Za-z0-9-]+", "-", f"{self.name}-{self.config.get('fingerprint', '')[:12]}").strip("-")


class Sink(Protocol):
    """An open tracker. Its calls come from one thread, in order, and may raise whatever they like."""

    def log(self, step: int, values: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


class _TensorBoard:
    def __init__(self, tracked: Tracked, last_step: int) -> None:
        writer: Any = import_module("torch.utils.tensorboard").SummaryWriter
        folder = tracked.folder / "tensorboard" / tracked.name
        # what was written beyond the last step that counts is hidden
        self._writer = writer(log_dir=str(folder), purge_step=last_step + 1 if last_step else None, flush_secs=10)
        if not last_step:
            table = "\n".join(f"| {name} | {value} |" for name, value in tracked.config.items())
            self._writer.add_text("config", f"| | |\n|---|---|\n{table}", 0)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _WeightsAndBiases:
    def __init__(self, tracked: Tracked, last_step: int) -> None:
        wandb: Any = import_module("wandb")
        tracked.folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", tracked.study),
            id=tracked.mark,
            name=tracked.name,
            config=dict(tracked.config),
            dir=os.environ.get("WANDB_DIR", str(tracked.folder)),
            mode=os.environ.get("WANDB_MODE", "offline"),
            resume="allow",
            settings=wandb.Settings(console="off", silent=True),
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


class _MLflow:
    def __init__(self, tracked: Tracked, last_step: int) -> None:
        tracked.folder.mkdir(parents=True, exist_ok=True)
        here = f"sqlite:///{(tracked.folder / 'mlflow.db').absolute()}"
        uri = os.environ.get("MLFLOW_TRACKING_URI", here)
        mlflow: Any = import_module("mlflow")
        self._metric = import_module("mlflow.entities").Metric
        with _alone(tracked.folder / "mlflow.lock"):  # several jobs begin at once, and the first one makes the database
            self._client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
            known = self._client.get_experiment_by_name(tracked.study)
            experiment = self._client.create_experiment(tracked.study) if known is None else known.experiment_id
        earlier = self._client.search_runs([experiment], f"tags.titrant = '{tracked.mark}'", max_results=1)
        if earlier:
            self._run = earlier[0].info.run_id
            return
        tags = {"titrant": tracked.mark, "mlflow.runName": tracked.name}
        self._run = self._client.create_run(experiment, tags=tags).info.run_id
        for name, value in tracked.config.items():
            self._client.log_param(self._run, name, value)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(self._run, [self._metric(name, value, now, step) for name, value in values.items()])

    def close(self) -> None:
        self._client.set_terminated(self._run)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class _Trackio:
    def __init__(self, tracked: Tracked, last_step: int) -> None:
        os.environ.setdefault("TRACKIO_DIR", str(tracked.folder / "trackio"))  # read when the library is imported
        trackio: Any = import_module("trackio")
        self._run = trackio.init(
            project=tracked.study,
            name=tracked.mark,
            config=dict(tracked.config),
            space_id=os.environ.get("TRACKIO_SPACE_ID"),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


SINKS: Mapping[str, Callable[[Tracked, int], Sink]] = {
    "tensorboard": _TensorBoard,
    "wandb": _WeightsAndBiases,
    "mlflow": _MLflow,
    "trackio": _Trackio,
}
"""By its name in TITRANT_TRACKERS, what opens a sink, given the last step that it was told earlier (0: none)."""
