"""Trackers that raise, hang, write rubbish or are not there: the run goes on, and is told once."""

import contextlib
import json
import subprocess
import sys
import threading
import types

import pytest
from tiny_run import content, job, write_world
from tiny_run import train as train_phase

from titrant.execute.tracked import TRACKERS as KNOWN
from titrant.train.watching import trackers as module
from titrant.train.watching.sinks import SINKS, Tracked
from titrant.train.watching.trackers import TRACKED, TRACKERS, Trackers, open_trackers

CONFIG = {"study": "demo", "arm": "text", "scale": "tiny", "seed": "1", "phase": "whole", "fingerprint": "ab" * 32}


@pytest.fixture
def tracked(tmp_path):
    return Tracked("text.whole@tiny#1", tmp_path / "tracked", CONFIG)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_DIR", "MLFLOW_TRACKING_URI", "TRACKIO_SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRACKIO_DIR", "elsewhere")  # the sink sets it where it is not: undone after the test


class Fake:
    """Stands for any object of any tracker: every call does `act` and returns another fake."""

    def __init__(self, act, calls, name=""):
        self._act, self._calls, self._name = act, calls, name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Fake(self._act, self._calls, f"{self._name}.{name}")

    def __call__(self, *args, **named):
        self._calls.append((self._name, args, named))
        return self._act(self, args, named)

    def __bool__(self):
        return False  # no earlier run is found


@pytest.fixture
def install(monkeypatch):
    """Put fakes in the place of all trackers' modules; returns the list of the calls made."""

    def put(act):
        calls = []
        for name in ("torch.utils.tensorboard", "wandb", "mlflow", "mlflow.entities", "trackio"):
            fake = types.ModuleType(name)
            monkeypatch.setattr(fake, "__getattr__", Fake(act, calls).__getattr__, raising=False)
            monkeypatch.setitem(sys.modules, name, fake)
        return calls

    return put


def train(names, tracked, steps=range(1, 6), patience=0.2):
    """What a training loop does; returns the notes."""
    notes = []
    trackers = Trackers(names, tracked, notes.append)
    for step in steps:
        trackers.log(step, tokens=64.0 * step, loss=3.0, tokens_per_second=None)
    trackers.close(patience)
    return notes


def test_the_names_that_a_person_may_give_are_those_that_there_are():
    assert tuple(SINKS) == KNOWN


@pytest.mark.parametrize("name", SINKS)
def test_a_tracker_is_told_every_step_and_closed(install, tracked, name):
    calls = install(lambda fake, args, named: fake)
    assert train([name], tracked, patience=20) == []
    said = repr([(args, named) for _, args, named in calls])
    assert "demo" in said or name == "tensorboard"
    assert "ab" * 32 in said
    ends = {"tensorboard": "close", "wandb": "finish", "mlflow": "set_terminated", "trackio": "finish"}
    assert calls[-1][0].endswith(ends[name])
    logs = [call for call in calls if call[0].endswith(("add_scalar", ".log", "log_batch"))]
    assert len(logs) == (10 if name == "tensorboard" else 5)
    if name in ("wandb", "trackio"):
        assert logs[1][1:] == (({"tokens": 128.0, "loss": 3.0},), {"step": 2})


@pytest.mark.parametrize("name", SINKS)
@pytest.mark.parametrize("error", [RuntimeError("no such\nthing"), SystemExit(3), KeyboardInterrupt()])
def test_one_that_raises_at_every_call_is_given_up_with_one_note(install, tracked, name, error):
    def act(fake, args, named):
        raise error

    install(act)
    (note,) = train([name], tracked, patience=20)
    assert note.startswith(f"tracker {name} was given up: {type(error).__name__}: ")
    assert "\n" not in note


@pytest.mark.parametrize("name", SINKS)
def test_one_that_raises_while_it_logs_is_given_up_and_the_other_goes_on(install, tracked, name):
    def act(fake, args, named):
        if fake._name.endswith((".log", "log_batch", "add_scalar")):
            raise OSError("disk full")
        return fake

    install(act)
    (note,) = train([name], tracked, patience=20)
    assert note == f"tracker {name} was given up: OSError: disk full; training goes on without it"


@pytest.mark.parametrize("name", SINKS)
def test_one_that_hangs_does_not_hold_the_run(install, tracked, name, monkeypatch):
    """No wall time is asserted: a hang that held the run would never end this test."""
    monkeypatch.setattr(module, "QUEUE_POINTS", 3)
    free = threading.Event()

    def act(fake, args, named):
        free.wait(60)
        return fake

    install(act)
    (note,) = train([name], tracked, patience=0.01)
    assert note == (
        f"tracker {name} was given up: it has not ended 0.01 s after the job, and 5 steps were not written "
        "(TITRANT_TRACKER_SECONDS may give it longer)"
    )
    free.set()


@pytest.mark.parametrize("name", SINKS)
def test_one_that_writes_rubbish_changes_nothing(install, tracked, name, capfd):
    def act(fake, args, named):
        print("\x00\x1b[31mrubbish" * 3)
        print("rubbish", file=sys.stderr)
        for value in (*args, *named.values()):
            if isinstance(value, dict):
                value.clear()
                value["loss"] = "rubbish"
        return fake if not fake._name.endswith((".log", "log_batch", "add_scalar")) else object()

    calls = install(act)
    values = {"loss": 3.0}
    notes = []
    trackers = Trackers([name, "wandb"], tracked, notes.append)
    for step in (1, 2, 3):
        trackers.log(step, **values)
    trackers.close(20)
    assert (values, notes) == ({"loss": 3.0}, [])
    assert len([call for call in calls if call[0].endswith((".log", "log_batch", "add_scalar"))]) >= 3
    assert "rubbish" in capfd.readouterr().out


def test_one_that_is_not_installed_says_what_to_install(tracked, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    (note,) = train(["wandb"], tracked, patience=20)
    assert note == (
        "tracker wandb was given up: wandb is not installed (pip install wandb, or 'titrant[trackers]'); training goes "
        "on without it"
    )


def test_one_that_is_too_slow_loses_its_oldest_steps_and_that_is_told(install, tracked, monkeypatch):
    monkeypatch.setattr(module, "QUEUE_POINTS", 2)
    opened, free = threading.Event(), threading.Event()

    def act(fake, args, named):
        opened.set()
        free.wait(60)
        return fake

    calls = install(act)
    notes = []
    trackers = Trackers(["trackio"], tracked, notes.append)
    trackers.log(1, loss=1.0)
    assert opened.wait(20)
    for step in range(2, 7):
        trackers.log(step, loss=1.0)
    free.set()
    trackers.close(20)
    assert notes == ["tracker trackio was too slow for this run: 4 steps were left out"]
    assert [named["step"] for name, _, named in calls if name.endswith(".log")] == [5, 6]


def test_a_run_that_goes_on_tells_no_step_twice(install, tracked):
    calls = install(lambda fake, args, named: fake)
    train(["wandb"], tracked, range(1, 8), patience=20)
    train(["wandb"], tracked, range(5, 11), patience=20)
    assert [named["step"] for name, _, named in calls if name.endswith(".log")] == list(range(1, 11))
    first, second = (named for name, _, named in calls if name == ".init")
    assert first["id"] == second["id"] == "text-whole-tiny-1-abababababab"
    assert (first["resume"], first["mode"], first["project"]) == ("allow", "offline", "demo")


def test_a_job_that_is_stopped_waits_no_longer_than_it_may_however_long_trackers_are_given(
    install, tracked, monkeypatch
):
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.01)
    monkeypatch.setenv(module.PATIENCE, "1000000")
    free, notes = threading.Event(), []
    install(lambda fake, args, named: free.wait(60))

    def stopped():
        with contextlib.closing(Trackers(["wandb"], tracked, notes.append)) as trackers:
            trackers.log(1, loss=1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert notes[0].startswith("tracker wandb was given up: it has not ended 0.01 s after the job")
    free.set()


def test_training_tells_every_step_once_and_a_tracker_that_raises_changes_no_byte(install, monkeypatch, tmp_path):
    world = write_world(tmp_path / "world")
    train_phase(job(), world, tmp_path / "alone")
    monkeypatch.setenv(TRACKERS, "wandb,mlflow")
    monkeypatch.setenv(TRACKED, json.dumps({"name": "a.b@c#1", "folder": str(tmp_path / "told"), "config": CONFIG}))

    def act(fake, args, named):
        if fake._name.endswith("MlflowClient"):
            raise RuntimeError("no server")
        return fake

    def stop(done, total, unit, note=""):
        if done == 4 * 64:
            raise KeyboardInterrupt

    calls = install(act)
    with pytest.raises(KeyboardInterrupt):
        train_phase(job(), world, tmp_path / "tracked", progress=stop)
    train_phase(job(), world, tmp_path / "tracked")
    logs = [(args[0], named["step"]) for name, args, named in calls if name.endswith(".log")]
    assert [step for _, step in logs] == [1, 2, 3, 4, 5, 6]
    assert [values["tokens"] for values, _ in logs] == [64 * step for step in range(1, 7)]
    assert {"loss", "learning_rate", "gradient_norm"} <= set(logs[-1][0])
    assert content(tmp_path / "tracked") == content(tmp_path / "alone")


def test_how_long_trackers_get_at_the_end_can_be_said_and_nonsense_is_passed_over(monkeypatch):
    assert module._patience() == 5
    for said, seconds in {"60": 60, "0": 0, "soon": 5, "-1": 5, "nan": 5, "1e300": 5}.items():
        monkeypatch.setenv(module.PATIENCE, said)
        assert module._patience() == seconds


def test_nothing_is_imported_that_is_not_asked_for_or_never_told_a_step(monkeypatch, tmp_path):
    code = (
        "import sys, titrant.train.watching.trackers as t\n"
        "known = {'wandb', 'mlflow', 'trackio', 'tensorboard'}\n"
        "trackers = t.open_trackers(print)\n"
        "trackers.log(1, loss=1.0); trackers.close()\n"
        "import os; os.environ[t.TRACKERS] = 'tensorboard,wandb'\n"
        "t.open_trackers(print).close()\n"
        "assert not known & set(sys.modules), known & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_environment_names_trackers_and_job_and_an_unknown_name_ends_nothing(install, monkeypatch, tmp_path):
    calls = install(lambda fake, args, named: fake)
    monkeypatch.setenv(TRACKERS, "wandb, nosuch")
    monkeypatch.setenv(TRACKED, json.dumps({"name": "a.b@c#1", "folder": str(tmp_path), "config": CONFIG}))
    notes = []
    trackers = open_trackers(notes.append)
    trackers.log(1, loss=2.0)
    trackers.close(20)
    assert notes == ["tracker nosuch is not known; TITRANT_TRACKERS may name tensorboard, wandb, mlflow, trackio"]
    assert next(named for name, _, named in calls if name == ".init")["name"] == "a.b@c#1"
    monkeypatch.setenv(TRACKED, "")
    calls.clear()
    trackers = open_trackers(notes.append)
    trackers.log(1, loss=2.0)
    trackers.close(20)
    assert (len(notes), calls) == (1, [])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_itself_shows_each_step_once_after_an_interruption(tracked):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert train(["tensorboard"], tracked, range(1, 8), patience=60) == []
    assert train(["tensorboard"], tracked, range(5, 11), patience=60) == []
    read = accumulator.EventAccumulator(str(tracked.folder / "tensorboard" / tracked.name))
    read.Reload()
    assert [(event.step, event.value) for event in read.Scalars("tokens")] == [(n, 64.0 * n) for n in range(1, 11)]
    assert set(read.Tags()["scalars"]) == {"tokens", "loss"}
