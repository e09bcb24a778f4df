"""Caches and stores: what is kept, what goes first, what held at a time."""

from __future__ import annotations

from random import Random
from typing import Any

from titrant.synthesize.generator.domains import Choices, Integers, Lists, Made, Texts, Tuples
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family

PAGES = Lists(Choices(("a", "b", "c", "d", "e")), 0, 12)
SIZE = Integers(1, 4)
COUNTS = Lists(Tuples((Choices(("add", "add", "remove", "clear")), Choices(("ant", "bee", "cat", "dog")))), 0, 10)


def _writes(random: Random) -> list[tuple[int, str, int]]:
    at, found = 0, []
    for _ in range(random.randint(0, 8)):
        at += random.randint(1, 4)
        found.append((at, random.choice("abc"), random.randint(0, 9)))
    return found


def _asked(random: Random) -> list[tuple[str, int]]:
    return [(random.choice("abcd"), random.randint(0, 25)) for _ in range(random.randint(0, 7))]


WRITES = Made(
    "0 to 8 writes (time, one of abc, 0 to 9), times ascending by 1 to 4", "list[tuple[int, str, int]]", _writes
)
ASKED = Made("0 to 7 of (one of abcd, 0 to 25)", "list[tuple[str, int]]", _asked)
KEYS = Lists(Texts("abc", 1, 2), 0, 10)


def _solid(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if line.strip())


def _cache_words(draw: Draw, v: dict[str, Any], kind: str) -> None:
    """What of a cache is asked for, in `begin`, `hit`, `miss`, `result`, `end`."""
    v["begin"] = {"hits": "hits = 0", "misses": "missed = []", "keys": ""}[kind]
    v["hit"] = {"hits": "hits += 1", "misses": "", "keys": ""}[kind]
    v["miss"] = fill("missed.append($key)", **v) if kind == "misses" else ""
    v["end"] = {
        "hits": "Return how many requests are for a page that is in the cache at that moment.",
        "misses": "Return the list of the requests for pages that are not in the cache at that moment.",
        "keys": "Return the pages in the cache at the end, sorted.",
    }[kind]


@family("data-structures", 2, 3)
def first_in_first_out_cache(draw: Draw) -> Drawn:
    """A cache that forgets what came first, asked for or not."""
    v: dict[str, Any] = {
        "pages": draw.name("pages", "requests", "keys"),
        "size": draw.name("size", "room", "capacity"),
        "key": draw.name("page", "request", "key"),
        "cache": draw.name("cache", "kept", "memory"),
    }
    kind = draw.choice(("hits", "misses", "keys"))
    _cache_words(draw, v, kind)
    v["result"] = {"hits": "hits", "misses": "missed", "keys": fill("sorted($cache)", **v)}[kind]
    v["found"] = (
        fill("if $key in $cache:\n    $hit\n    continue", **v)
        if v["hit"]
        else fill("if $key in $cache:\n    continue", **v)
    )
    body = draw.source(
        """
        $cache = deque()
        $begin
        for $key in $pages:
            $found
            $miss
            if len($cache) == $size:
                $cache.popleft()
            $cache.append($key)
        return $result
        """,
        """
        $cache = {}
        $begin
        for $key in $pages:
            $found
            $miss
            $cache[$key] = True
            if len($cache) > $size:
                del $cache[next(iter($cache))]
        return $result
        """,
        **v,
    )

    def oracle(pages: list[str], size: int) -> Any:
        loaded: list[str] = []
        for page in pages:
            loaded = loaded if page in loaded[-size:] else [*loaded, page]
        return {"hits": len(pages) - len(loaded), "misses": loaded, "keys": sorted(loaded[-size:])}[kind]

    return Drawn(
        call=draw.choice(("fifo_cache", "run_cache", "serve_pages", "cache_log")),
        parameters=(Parameter(v["pages"], PAGES), Parameter(v["size"], SIZE)),
        returns={"hits": "int", "misses": "list[str]", "keys": "list[str]"}[kind],
        say=draw.say(
            "A cache holds at most `$size` pages and is empty at first. The pages in `$pages` are requested in order; "
            "one that is not in it is loaded, for which, if it is full, the page that was loaded longest ago is "
            "dropped. $end",
            "Pages are asked for in the order of `$pages`. Each that is not there is brought into a memory of `$size` "
            "places, where it takes the place of the one that came in first if no place is free; requests for pages "
            "that are there change nothing. $end",
            "Simulate a cache of `$size` pages that drops in the order of loading, however often a page is used "
            "meanwhile. The requests are `$pages`, and a page that is missing is loaded. $end",
            **v,
        ),
        body=_solid(body),
        oracle=oracle,
        idea="Keep the pages in the order in which they were loaded, and drop from the front.",
        prelude="from collections import deque" if "deque" in body else "",
        contracts=(fill("len(result) <= len($pages)", **v),)
        if kind != "hits"
        else (fill("0 <= result <= len($pages)", **v),),
        difficulty=2 if kind == "keys" else 3,
    )


@family("data-structures", 3)
def least_recently_used(draw: Draw) -> Drawn:
    """A cache that forgets what was not asked for for longest."""
    v: dict[str, Any] = {
        "pages": draw.name("pages", "requests", "keys"),
        "size": draw.name("size", "room", "capacity"),
        "key": draw.name("page", "request", "key"),
        "cache": draw.name("cache", "recent", "memory"),
    }
    kind, newest = draw.choice(("hits", "misses", "keys")), draw.chance()
    _cache_words(draw, v, kind)
    if kind == "keys":
        v["end"] = f"Return the pages in it at the end, the one used {'last' if newest else 'longest ago'} first."
    keys = fill("list($cache)[::-1]" if newest else "list($cache)", **v)
    v["result"] = {"hits": "hits", "misses": "missed", "keys": keys}[kind]
    v["else"] = fill("else:\n    $miss", **v) if v["miss"] else ""
    body = draw.source(
        """
        $cache = OrderedDict()
        $begin
        for $key in $pages:
            if $key in $cache:
                $cache.move_to_end($key)
                $hit
                continue
            $miss
            if len($cache) == $size:
                $cache.popitem(last=False)
            $cache[$key] = True
        return $result
        """,
        """
        $cache = []
        $begin
        for $key in $pages:
            if $key in $cache:
                $cache.remove($key)
                $hit
            $else
            $cache.append($key)
            if len($cache) > $size:
                $cache.pop(0)
        return $result
        """,
        **v,
    )

    def oracle(pages: list[str], size: int) -> Any:
        def recent(end: int) -> list[str]:
            return list(dict.fromkeys(reversed(pages[:end])))[:size]

        found = [page in recent(place) for place, page in enumerate(pages)]
        held = recent(len(pages))
        missed = [page for page, was in zip(pages, found, strict=True) if not was]
        return {"hits": sum(found), "misses": missed, "keys": held if newest else held[::-1]}[kind]

    return Drawn(
        call=draw.choice(("lru_cache_run", "recent_pages", "serve_recent", "cache_run")),
        parameters=(Parameter(v["pages"], PAGES), Parameter(v["size"], SIZE)),
        returns={"hits": "int", "misses": "list[str]", "keys": "list[str]"}[kind],
        say=draw.say(
            "A cache has `$size` places, all free at first. For each page of `$pages` in turn: if it is there, it is "
            "used; if not, it is loaded, which counts as use, and when no place is free the page whose last use is "
            "longest ago goes. $end",
            "Requests for the pages in `$pages` go to a cache that keeps the `$size` pages which were requested most "
            "recently, and no others. $end",
            "Simulate `$pages`, requests to a memory of at most `$size` pages. A missing page is loaded; whenever "
            "there "
            "would be too many, the one that was not requested for the longest time is dropped. $end",
            **v,
        ),
        body=_solid(body),
        oracle=oracle,
        idea="Keep the pages ordered by their last use: a page that is used moves to the end, and the front one goes.",
        prelude="from collections import OrderedDict" if "OrderedDict" in body else "",
        contracts=(fill("len(result) <= len($pages)", **v),)
        if kind != "hits"
        else (fill("0 <= result <= len($pages)", **v),),
        difficulty=3,
    )


@family("data-structures", 4)
def least_often_used(draw: Draw) -> Drawn:
    """A cache that forgets what was asked for least often."""
    v: dict[str, Any] = {
        "pages": draw.name("pages", "requests", "keys"),
        "size": draw.name("size", "room", "capacity"),
        "key": draw.name("page", "request", "key"),
        "uses": draw.name("uses", "counts", "hits_of"),
    }
    kind, tie = draw.choice(("hits", "misses", "keys")), draw.choice(("first", "last", "oldest"))
    _cache_words(draw, v, kind)
    v["result"] = {"hits": "hits", "misses": "missed", "keys": fill("sorted($uses)", **v)}[kind]
    v["choose"] = fill(
        {
            "first": "min($uses, key=lambda each: ($uses[each], each))",
            "last": "max($uses, key=lambda each: (-$uses[each], each))",
            "oldest": "min($uses, key=$uses.get)",
        }[tie],
        **v,
    )
    body = draw.source(
        """
        $uses = {}
        $begin
        for $key in $pages:
            if $key in $uses:
                $uses[$key] += 1
                $hit
                continue
            $miss
            if len($uses) == $size:
                del $uses[$choose]
            $uses[$key] = 1
        return $result
        """,
        """
        $uses = {}
        $begin
        for $key in $pages:
            if $key not in $uses:
                $miss
                if len($uses) >= $size:
                    dropped = $choose
                    $uses.pop(dropped)
                $uses[$key] = 0
            $else
            $uses[$key] += 1
        return $result
        """,
        **v,
        **{"else": fill("else:\n    $hit", **v) if v["hit"] else ""},
    )

    def oracle(pages: list[str], size: int) -> Any:
        held: list[tuple[str, int]] = []  # page and uses, in the order of loading
        missed = []
        for page in pages:
            if any(page == other for other, _ in held):
                held = [(other, count + (other == page)) for other, count in held]
                continue
            missed.append(page)
            if len(held) == size:
                fewest = [other for other, count in held if count == sorted(count for _, count in held)[0]]
                gone = fewest[0] if tie == "oldest" else sorted(fewest)[0 if tie == "first" else -1]
                held = [(other, count) for other, count in held if other != gone]
            held.append((page, 1))
        keys = sorted(page for page, _ in held)
        return {"hits": len(pages) - len(missed), "misses": missed, "keys": keys}[kind]

    v["tie"] = {
        "first": "the alphabetically first of them",
        "last": "the alphabetically last of them",
        "oldest": "the one of them that was loaded longest ago",
    }[tie]
    return Drawn(
        call=draw.choice(("lfu_run", "frequent_pages", "count_cache", "keep_frequent")),
        parameters=(Parameter(v["pages"], PAGES), Parameter(v["size"], SIZE)),
        returns={"hits": "int", "misses": "list[str]", "keys": "list[str]"}[kind],
        say=draw.say(
            "A cache of `$size` pages counts how often each page in it was requested since it was loaded, the loading "
            "included. The requests are `$pages`; a page that is not there is loaded, and if there is no room the page "
            "with the smallest count is dropped before, of several $tie. $end",
            "Pages are requested in the order of `$pages`, and what is not in a memory of `$size` places is loaded. If "
            "it is full, the page goes that was requested least often since its loading, and if there are several, "
            "$tie. $end",
            "Simulate requests for `$pages` to a cache with `$size` places that drops what is used least: on a missing "
            "page, a full cache first drops the page with the fewest requests since it came in (on a tie, $tie). $end",
            **v,
        ),
        body=_solid(body),
        oracle=oracle,
        idea="Count the requests of every page in the cache; on a miss, look for the smallest count before loading.",
        contracts=(fill("len(result) <= len($pages)", **v),)
        if kind != "hits"
        else (fill("0 <= result <= len($pages)", **v),),
        difficulty=4,
    )


@family("data-structures", 3)
def value_at_a_time(draw: Draw) -> Drawn:
    """A store that remembers when each value was written."""
    v: dict[str, Any] = {
        "writes": draw.name("writes", "log", "history"),
        "asked": draw.name("asked", "queries", "questions"),
        "key": draw.name("key", "name", "field"),
        "time": draw.name("time", "moment", "at"),
        "value": draw.name("value", "content", "number"),
        "none": draw.choice(("-1", "None")),
    }
    strict, age = draw.chance(0.4), draw.choice((None, None, 6, 9))
    v["side"] = "bisect_left" if strict else "bisect_right"
    v["compare"] = "<" if strict else "<="
    v["stale"] = "" if age is None else fill(f"or $time - times[$key][place - 1] > {age}", **v)
    v["fresh"] = "" if age is None else fill(f" and $time - stamp <= {age}", **v)
    body = draw.source(
        """
        times, values = {}, {}
        for stamp, $key, $value in $writes:
            times.setdefault($key, []).append(stamp)
            values.setdefault($key, []).append($value)
        answers = []
        for $key, $time in $asked:
            place = $side(times.get($key, []), $time)
            if place == 0 $stale:
                answers.append($none)
            else:
                answers.append(values[$key][place - 1])
        return answers
        """,
        """
        answers = []
        for $key, $time in $asked:
            answer = $none
            for stamp, other, $value in reversed($writes):
                if other == $key and stamp $compare $time:
                    $last
                    break
            answers.append(answer)
        return answers
        """,
        **v,
        last=fill("answer = $value", **v)
        if age is None
        else fill(f"if $time - stamp <= {age}:\n    answer = $value", **v),
    ).replace("0 :", "0:")

    def oracle(writes: list[tuple[int, str, int]], asked: list[tuple[str, int]]) -> list[Any]:
        def answer(key: str, time: int) -> Any:
            state = {stamp: value for stamp, name, value in writes if name == key}
            before = [stamp for stamp in range(time + (not strict)) if stamp in state]
            if not before or (age is not None and before[-1] < time - age):
                return None if v["none"] == "None" else -1
            return state[before[-1]]

        return [answer(*each) for each in asked]

    v["until"] = "before that time" if strict else "at that time or before"
    v["old"] = "" if age is None else f" A value that was written more than {age} before that time does not count."
    none = "`None`" if v["none"] == "None" else "-1"
    return Drawn(
        call=draw.choice(("look_up", "values_at", "answer_queries", "read_history")),
        parameters=(Parameter(v["writes"], WRITES), Parameter(v["asked"], ASKED)),
        returns="list[int | None]" if v["none"] == "None" else "list[int]",
        say=draw.say(
            "Each tuple (time, key, value) in `$writes` says that a value was written under a key; times ascend. For "
            "each (key, time) in `$asked`, find the value of that key that was written last $until.$old Return the "
            "list of these values, with $no where there is none.",
            "A store is written to as `$writes` says, in triples of a time, a key and a value, with times that grow. "
            "Answer every pair of a key and a time in `$asked` by the latest value written under the key $until, or by "
            "$no if there is none.$old Return the answers in order.",
            "Given `$writes`, a list of (time, key, value) in the order of time, and `$asked`, a list of (key, time), "
            "return a list with what each of the latter gives: the newest value of the key, written $until, "
            "else $no.$old",
            **v,
            no=none,
        ),
        body=body,
        oracle=oracle,
        idea="Of all entries for a key, the last one that is early enough counts.",
        prelude=f"from bisect import {v['side']}" if "bisect" in body else "",
        contracts=(fill("len(result) == len($asked)", **v),),
        difficulty=3,
    )


@family("data-structures", 2, 3)
def counted_bag(draw: Draw) -> Drawn:
    """A bag that counts; what is removed, cleared, and asked for."""
    v: dict[str, Any] = {
        "changes": draw.name("changes", "events", "commands"),
        "what": draw.name("what", "kind", "action"),
        "name": draw.name("name", "thing", "item"),
        "bag": draw.name("bag", "counts", "stock"),
        "most": draw.integer(1, 3),
    }
    limit, kind = draw.chance(), draw.choice(("counts", "top", "distinct"))
    v["add"] = fill(
        "$bag[$name] = min($most, $bag.get($name, 0) + 1)" if limit else "$bag[$name] = $bag.get($name, 0) + 1", **v
    )
    v["result"] = fill(
        {
            "counts": "sorted($bag.items())",
            "top": "min($bag, key=lambda each: (-$bag[each], each)) if $bag else None",
            "distinct": "len($bag)",
        }[kind],
        **v,
    )
    body = draw.source(
        """
        $bag = {}
        for $what, $name in $changes:
            if $what == "add":
                $add
            elif $what == "clear":
                $bag.pop($name, None)
            elif $name in $bag:
                $bag[$name] -= 1
                if $bag[$name] == 0:
                    del $bag[$name]
        return $result
        """,
        """
        $bag = Counter()
        for $what, $name in $changes:
            if $what == "add":
                $plus
            elif $what == "clear":
                $bag[$name] = 0
            else:
                $bag[$name] = max(0, $bag[$name] - 1)
        $bag = +$bag
        return $result
        """,
        **v,
        plus=fill("if $bag[$name] < $most:\n    $bag[$name] += 1" if limit else "$bag[$name] += 1", **v),
    )

    def oracle(changes: list[tuple[str, str]]) -> Any:
        def count(name: str) -> int:
            held = 0
            for what in [what for what, other in changes if other == name]:
                held = {"add": held + 1, "clear": 0, "remove": held - 1}[what]
                held = sorted((0, held, v["most"] if limit else 99))[1]
            return held

        found = [(name, count(name)) for name in sorted({name for _, name in changes}) if count(name)]
        best = sorted(found, key=lambda pair: pair[1], reverse=True)
        return {"counts": found, "top": best[0][0] if best else None, "distinct": len(found)}[kind]

    v["limit"] = f", of which it never holds more than {v['most']} of a kind" if limit else ""
    v["end"] = {
        "counts": "Return a sorted list of the pairs (name, count) of what is in it at the end.",
        "top": "Return the name of which it holds most at the end, the alphabetically first if there are several, or "
        "`None` if it is empty.",
        "distinct": "Return how many different names are in it at the end.",
    }[kind]
    return Drawn(
        call=draw.choice(("run_bag", "bag_after", "track_counts", "tally")),
        parameters=(Parameter(v["changes"], COUNTS),),
        returns={"counts": "list[tuple[str, int]]", "top": "str | None", "distinct": "int"}[kind],
        say=draw.say(
            'A bag is empty at first and is changed by the pairs of `$changes`: "add" puts one thing of that name '
            'in$limit, "remove" takes one out if there is one, and "clear" takes all of that name out. $end',
            'Follow `$changes`, a list of pairs of an action and a name. The action "add" adds one piece to a '
            'bag$limit, "remove" takes one piece of that name away unless there is none, "clear" takes them all. $end',
            'Things are put into a bag ("add")$limit, taken out one at a time ("remove", which does nothing if there '
            'is no such thing) or all at once by name ("clear"), as the pairs in `$changes` say. $end',
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Keep a dictionary from names to counts, and drop names whose count is 0.",
        prelude="from collections import Counter" if "Counter" in body else "",
        contracts=(fill("len(result) <= len($changes)", **v),) if kind == "counts" else (),
        difficulty=3 if limit else 2,
    )
