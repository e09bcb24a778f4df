"""Judges on pairs of which the better answer is known: a real endpoint, a local model, and one that misbehaves.

    python bench/judge.py --hugging-face FOLDER                                    # a local model, no server
    python bench/judge.py --endpoint http://localhost:8000/v1 --model NAME         # any OpenAI-compatible server
    python bench/judge.py --misbehaving                                            # a scripted server, every fault

Half of the poor answers are the words of the good one in another order, half belong to another prompt. The arm gives
the good answers, so a judge that can judge has a win rate near 1 and one that cannot has about 1/2. Each endpoint is
asked twice: the second time nothing may be sent.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from titrant.analyze.judged import DEFINITION, Judged, Judgement, judge_pairs_of_arms
from titrant.chat.kept_replies import KeptReplies
from titrant.errors import TitrantError
from titrant.evaluate.judging.protocol import Pair
from titrant.evaluate.judging.stage import Said, compare
from titrant.study.judging import Judge

KNOWN = {
    "What is the capital of France?": "The capital of France is Paris.",
    "Name three primary colours of light.": "They are red, green and blue.",
    "Why do we see lightning before we hear thunder?": "Because light travels much faster than sound.",
    "How many minutes are in two hours?": "Two hours have 120 minutes.",
    "What do bees make from nectar?": "Bees make honey from nectar.",
    "Give one reason to wear a helmet on a bicycle.": "A helmet protects your head if you fall.",
    "What is frozen water called?": "Frozen water is called ice.",
    "Which planet do we live on?": "We live on the planet Earth.",
    "What does a thermometer measure?": "A thermometer measures temperature.",
    "How do plants get their energy?": "Plants get energy from sunlight by photosynthesis.",
    "What is the opposite of 'early'?": "The opposite of 'early' is 'late'.",
    "Who wrote the play Hamlet?": "William Shakespeare wrote Hamlet.",
    "What is seven times eight?": "Seven times eight is 56.",
    "Name an animal that can fly.": "A sparrow is an animal that can fly.",
    "What is the largest ocean?": "The Pacific is the largest ocean on Earth.",
    "What do you need to bake bread?": "You need flour, water, salt and yeast.",
    "Why should you drink water on a hot day?": "Because you sweat and your body must replace the water.",
    "What is a library for?": "A library lends books and gives people a place to read.",
    "How many legs does a spider have?": "A spider has eight legs.",
    "What season follows winter?": "Spring follows winter.",
    "What is the past tense of 'go'?": "The past tense of 'go' is 'went'.",
    "Which metal is liquid at room temperature?": "Mercury is liquid at room temperature.",
    "What is the square root of 81?": "The square root of 81 is 9.",
    "Say in one sentence what a firefighter does.": "A firefighter puts out fires and rescues people.",
}


def main() -> None:
    """Judge the known pairs, and print what came of it."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--hugging-face", type=Path, help="folder of a local model")
    given.add_argument("--endpoint", help="URL of a server")
    given.add_argument("--model", default="model", help="the model's name at the server")
    given.add_argument("--max-tokens", type=int, default=120)
    given.add_argument("--misbehaving", action="store_true", help="a scripted server with every fault")
    asked = given.parse_args()
    if asked.misbehaving:
        _misbehave()
        return
    judges = []
    if asked.hugging_face:
        judges.append(Judge(model="local", hugging_face=str(asked.hugging_face)))
    if asked.endpoint:
        judges.append(
            Judge(model=asked.model, endpoint=asked.endpoint, max_tokens=asked.max_tokens, requests_at_once=1)
        )
    if not judges:
        given.error("give --hugging-face, --endpoint or both")
    print(DEFINITION)
    with tempfile.TemporaryDirectory() as folder:
        _judge(judges, Path(folder))


def _judge(judges: list[Judge], folder: Path) -> None:
    print(
        f"{'judge':>16} {'win rate':>9} {'W/T/L':>10} {'unusable':>9} {'by place':>9} {'first':>6} {'seconds':>8} again"
    )
    everything: list[Judgement] = []
    for number, judge in enumerate(judges):
        scratch = folder / str(number)
        scratch.mkdir()
        began = time.perf_counter()
        said = compare(_pairs(), [judge], scratch, _silent, kept=KeptReplies(folder / "kept"))
        middle = time.perf_counter()
        again = compare(_pairs(), [judge], scratch, _silent, kept=KeptReplies(folder / "kept"))
        end = time.perf_counter()
        assert again == said
        rows = _judgements(said)
        everything += rows
        found = judge_pairs_of_arms({0: rows})
        one = sum(row.choice == "unusable" for row in rows) / len(rows)
        place = found.position[judge.model] if found else None
        print(
            f"{judge.model:>16} {_shown(found):>9} {_counts(found):>10} {one:>9.0%} "
            f"{place.rate if place and place.rate is not None else float('nan'):>9.0%} "
            f"{place.first if place else 0:>6} {middle - began:>8.1f} {end - middle:.1f}"
        )
    both = judge_pairs_of_arms({0: everything})
    if len(judges) > 1 and both is not None:
        agreement = "cannot be told" if both.agreement is None else f"{both.agreement:.2f}"
        print(f"all judges: win rate {both.win_rate:.2f} [{both.low:.2f}, {both.high:.2f}], agreement {agreement}")


def _shown(found: Judged | None) -> str:
    return "none" if found is None else f"{found.win_rate:.2f}"


def _counts(found: Judged | None) -> str:
    return "-" if found is None else f"{found.tally.wins}/{found.tally.ties}/{found.tally.losses}"


def _pairs() -> list[Pair]:
    draws, answers = random.Random(0), list(KNOWN.values())
    pairs = []
    for number, (asked, good) in enumerate(KNOWN.items()):
        words = good.split()
        draws.shuffle(words)
        poor = " ".join(words) if number % 2 else answers[(number + 7) % len(answers)]
        pairs.append(Pair(f"{number:02d}", asked, "", good, poor))
    return pairs


def _judgements(said: dict[str, list[Said]]) -> list[Judgement]:
    return [
        Judgement(s.asked.pair.item, judge, s.asked.order, s.choice, len(s.asked.pair.arm), len(s.asked.pair.control))
        for judge, found in said.items()
        for s in found
    ]


def _silent(done: int, total: int, unit: str, note: str = "") -> None:
    pass


def _misbehave() -> None:
    """Each fault once before every reply: all is judged. Each fault for ever: one sentence says what is wrong."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from scripted_endpoint import Answer, completion, scripted_endpoint

    fine = Answer(completion("Verdict: A"))
    faults = {
        "rubbish": Answer(b"<html>"),
        "wrong JSON": Answer(b'{"choices": 7}'),
        "429": Answer(b"slow down", status=429, headers={"Retry-After": "0.01"}),
        "500": Answer(b"oops", status=500),
        "cut stream": Answer(completion()[:30], says_bytes=900),
        "no end": Answer(endless=True),
        "hangs": Answer(hangs=True),
        "drips": Answer(drips=True),
        "reset": Answer(resets=True),
    }
    for name, fault in faults.items():
        told = []
        for every in (2, 1):
            with scripted_endpoint(lambda n, body, e=every, f=fault: f if n % e == 0 else fine) as endpoint:
                judge = Judge(model="m", endpoint=endpoint.url, timeout_seconds=0.2, requests_at_once=1)
                with tempfile.TemporaryDirectory() as folder:
                    try:
                        kept = KeptReplies(Path(folder))
                        said = compare(_pairs()[: 3 if every == 2 else 1], [judge], Path(folder), _silent, kept=kept)
                        told.append(f"{sum(one.choice != 'unusable' for one in said['m'])} verdicts")
                    except TitrantError as error:
                        told.append(str(error))
        print(f"{name:>12}, now and then: {told[0]}\n{'for ever':>26}: {told[1]}")


if __name__ == "__main__":
    main()
