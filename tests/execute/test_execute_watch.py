"""What a person sees of a run: one line a job that fits the terminal, one for all, and remarks that stay."""

import json

import pytest
from execute_stages import six_jobs
from hypothesis import given
from hypothesis import strategies as st

from titrant.execute import watch
from titrant.execute.watch import Doing, Overall, PlainDisplay, Scene, TerminalDisplay
from titrant.execute.worker import StopSwitch, _Reporter
from titrant.plan.plan import Job

NOTE = "loss 5.123, 11.5k tok/s, 54 % of peak"


def train_job(name="balanced-to-text.continue@nano#1"):
    first = next(iter(six_jobs().jobs.values()))
    return Job(
        kind="train", name=name, fingerprint="f" * 64, declaration=first.declaration, identity={}, version=1,
        inputs={}, after=(), tokens=1000, flops=1.0, runs=(),
    )  # fmt: skip


def some_scene(note="loss 3.2", job=None):
    """A job that has done 400 of 1000 tokens at 100 a second, and five that wait."""
    job = job or next(iter(six_jobs().jobs.values()))
    doing = Doing(job, 0.0)
    for second in range(5):
        doing.update({"done": 100 * second, "total": 1000, "unit": "tokens", "note": note}, float(second))
    costs = dict.fromkeys([*six_jobs().jobs, job.id], 1.0)
    return Scene(Overall(jobs=6, tokens=0, cost=6.0, started=0.0), costs, {job.id: doing}), doing


def test_rate_and_time_left_follow_from_the_points_seen():
    scene, doing = some_scene()
    assert doing.rate() == pytest.approx(100)
    title = f"{doing.job.kind} {doing.job.name}"
    # 0.4 of 6 jobs in 10 s: 5.6 / 0.4 * 10 s are left
    assert scene.lines(10.0) == [
        f"{title}  400 of 1k tokens  loss 3.2, 100 tokens/s  6 s left", "0 of 6 jobs, 2 min left",
    ]  # fmt: skip


def test_a_train_job_tells_tokens_loss_speed_share_of_peak_and_time_left():
    scene, _ = some_scene(NOTE, train_job())
    assert scene.lines(10.0)[0] == f"train balanced-to-text.continue@nano#1  400 of 1k tokens  {NOTE}  6 s left"


def test_what_does_not_fit_is_left_out_from_the_least_needed_on():
    doing = some_scene(NOTE, train_job())[1]
    assert [doing.line(width) for width in (110, 104, 90, 82, 70, 60, 40, 24)] == [
        "train balanced-to-text.continue@nano#1  400 of 1k tokens  loss 5.123, 11.5k tok/s, 54 % of peak  6 s left",
        "train balanced-to-text.continue@nano#1  400/1k  loss 5.123, 11.5k tok/s, 54 % of peak  6 s left",
        "balanced-to-text.continue@nano#1  400/1k  loss 5.123, 11.5k tok/s, 54 % of peak  6 s left",
        "balanced-to-text.continue@nano#1  400/1k  loss 5.123, 11.5k tok/s  6 s left",
        "balanced-to-text.continue@nano#1  400/1k  loss 5.123  6 s left",
        "balanced-to-text.continue@nano#1  400/1k  6 s left",
        "balanced-to…tinue@nano#1  40 %  6 s left",
        "bal…no#1  40 %  6 s left",
    ]


@given(
    width=st.integers(20, 200), name=st.text("ab.@#->1", min_size=1, max_size=100), done=st.integers(0, 10**13),
    total=st.integers(0, 10**13), note=st.text("abc, /s%1", max_size=80),
)  # fmt: skip
def test_no_line_is_longer_than_the_terminal_is_wide(width, name, done, total, note):
    doing = Doing(train_job(name), 0.0)
    doing.update({"done": done // 2, "total": total, "unit": "tokens", "note": note}, 0.0)
    doing.update({"done": done, "total": total, "unit": "tokens", "note": note}, 1.0)
    scene = Scene(Overall(6, 10**12, 6.0, 0.0), {doing.job.id: 1.0}, {doing.job.id: doing})
    lines = scene.lines(100.0, width)
    assert len(lines) == 2
    assert all(len(line) <= width for line in lines)
    assert not any("\n" in line for line in lines)


def test_names_of_jobs_are_aligned():
    jobs = [train_job("a"), train_job("longer")]
    doings = {}
    for job in jobs:
        doings[job.id] = Doing(job, 0.0)
        doings[job.id].update({"done": 1, "total": 2, "unit": "tokens", "note": ""}, 0.0)
    scene = Scene(Overall(2, 0, 2.0, 0.0), dict.fromkeys(doings, 1.0), doings)
    assert scene.lines(0.0, 80)[:2] == ["train a       1 of 2 tokens", "train longer  1 of 2 tokens"]


def test_a_remark_of_a_train_job_is_said_once_and_disturbs_no_speed():
    lines = []
    display = PlainDisplay(lines.append)
    scene, doing = some_scene(NOTE, train_job())
    doing.update({"done": 0, "total": 1000, "unit": "tokens", "note": "loss spikes at step 7"}, 5.0)
    assert (doing.done, doing.rate()) == (400, pytest.approx(100))
    display.tick(scene)
    display.tick(scene)
    assert lines == ["train balanced-to-text.continue@nano#1: loss spikes at step 7"]


def test_a_remark_is_told_however_soon_after_other_progress_and_is_not_how_far_the_job_is(tmp_path):
    told = []
    progress = _Reporter(tmp_path / "progress.json", told.append, StopSwitch())
    for done, note in ((64, "loss 3"), (128, "loss 2"), (0, "loss spikes"), (192, "loss 2")):
        progress(done, 1000, "tokens", note)
    progress.write()
    assert {"event": "progress", "done": 0, "total": 1000, "unit": "tokens", "note": "loss spikes"} in told
    assert json.loads((tmp_path / "progress.json").read_bytes())["done"] == 192


def test_a_display_without_terminal_speaks_every_minute_at_most(monkeypatch):
    scene, _ = some_scene(NOTE, train_job())
    clock = [100.0]
    monkeypatch.setattr("titrant.execute.watch.time.monotonic", lambda: clock[0])
    lines = []
    display = PlainDisplay(lines.append)
    for clock[0] in (101.0, 105.0, 159.9, 160.0, 161.0, 219.0, 220.5):
        display.tick(scene)
    assert watch.PLAIN_EVERY_SECONDS == 60
    assert len(lines) == 4
    assert lines[0].startswith("0 of 6 jobs")
    assert lines[1] == f"  train balanced-to-text.continue@nano#1  400 of 1k tokens  {NOTE}  6 s left"


@pytest.mark.parametrize("columns", ["30", "200"])
def test_the_live_display_draws_and_ends(capfd, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    scene, doing = some_scene("[x]")
    display = TerminalDisplay()
    display.started(scene, doing.job)
    display.tick(scene)
    display.say("a line with [brackets]")
    display.finished(scene, doing.job, 1.0)
    display.close()
    assert "a line with [brackets]" in capfd.readouterr().err
