# SPDX-License-Identifier: MIT
"""`keep=`, `idle=`: of one command the longest idle goes, if it is too many.

That somebody is spared is shown in a world in which somebody else is retired,
who was idle for no longer; or by SPARE after a time in which it would have
been.
"""

import functools
import os
import signal
import subprocess
import sys
import time

import proc
from runner import Case
from scene import LONG, SPARE, TREE, expect
from waits import events, until, until_told

IDLE = 1.0
# On a busy machine a process may not get to run for half of that.
OPTIONS = {"keep": "1", "idle": "1s", "term": "10s"}
# Sampled four times in `idle`, and a census at most once a second.
SOON = IDLE + IDLE / 4 + 1.5


class Brood:
    """The host tests/hosts/brood.py and what it has spawned."""

    def __init__(self, s, options, how="launcher", **env):
        self.s = s
        self.worker = s.program("worker")
        script = os.path.join(TREE, "tests", "hosts", "brood.py")
        self.host = s.start([sys.executable, script], how=how,
                            options=options, env=env, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
        self.wards = {}

    def order(self, *words):
        line = " ".join(map(str, words)) + "\n"
        self.host.child.stdin.write(line.encode())
        self.host.child.stdin.flush()
        return self.host.child.stdout.readline().decode().strip()

    def spawn(self, name, *args, directory=None, thread="main",
              word="say", met=True):
        """A worker that the guard knows, and that waits for a request."""
        answer = self.order("spawn", name, thread, directory or self.s.work,
                            self.worker, *args)
        expect(answer.isdigit(), f"spawn said {answer}")
        self.wards[name] = ward = proc.Proc(int(answer), name)
        self.s.all.append(ward)
        if met:
            until_told(self.s, lambda: ward.pid in
                       [e["child"]["pid"] for e in events(self.s, "ward")],
                       "not met")
        self.ask(name, word)
        return ward

    def ask(self, name, word):
        if word == "hang":
            self.order("tell", name, word)
            return
        answer = self.order("ask", name, word)
        expect(answer == "done", f"{name} said {answer!r} to {word}")

    def end(self):
        self.host.kill()
        self.host.wait()
        self.host.child.stdin.close()
        self.host.child.stdout.close()


def lives(*wards, within=SPARE):
    gone = proc.first_deaths(wards, time.monotonic() + within)
    expect(not gone, f"ended {[str(w) for w in gone]}")


def oldest_goes(s, how):
    """Three of one command: one is kept, the newest, whoever is idle."""
    b = Brood(s, OPTIONS, how)
    a, c, d = b.spawn("a"), b.spawn("b"), b.spawn("c")
    expect(a.dead(LONG) and c.dead(LONG), "more than keep= live")
    lives(d, within=SOON)
    told = events(s, "verdict")
    expect(sorted(v["child"]["pid"] for v in told) == sorted([a.pid, c.pid]),
           f"verdicts: {told}")
    for v in told:
        n = v["numbers"]
        expect(n["keep"] == 1 and n["live"] >= 2 and n["idle"] >= IDLE and
               n["cpu"] >= 0 and n["bytes"] > 0, f"numbers: {n}")
        expect("keep=" in v["reason"], f"reason: {v['reason']}")
    sent = [v["signal"] for v in s.journal_lines() if v.get("signal")]
    expect(sent == [signal.SIGTERM] * 2, f"signals: {sent}")
    b.end()


def longest_idle_goes(s):
    """Of two old ones it is not the older, but the one idle for longer."""
    b = Brood(s, {"keep": "2", "idle": "1s"})
    a, c, d = b.spawn("a"), b.spawn("b"), b.spawn("c")
    for _ in range(3):
        time.sleep(0.3)  # the time between two requests is what counts
        b.ask("a", "say")
    expect(c.dead(LONG), "nobody was retired")
    lives(a, d)
    b.end()


def busy_stays(s, word):
    """The oldest works: the next one goes."""
    b = Brood(s, OPTIONS)
    a = b.spawn("a")
    b.ask("a", word)
    c, d = b.spawn("b"), b.spawn("c")
    expect(c.dead(LONG), "nobody was retired")
    lives(a, d, within=SOON)
    b.end()


def asked_stays(s, met):
    """A request in flight from before there were too many, and no other."""
    b = Brood(s, OPTIONS)
    a = b.spawn("a", word="hang", met=met)
    c = b.spawn("b")
    lives(a, c, within=SOON)
    d = b.spawn("c")  # shows that the guard had its eyes open
    expect(c.dead(LONG), "nobody was retired")
    lives(a, d)
    b.end()


def few_stay(s, options, **second):
    """No more than N of each command and directory: nobody goes."""
    b = Brood(s, options)
    a = b.spawn("a")
    args = second.pop("args", ())
    c = b.spawn("b", *args, **second)
    lives(a, c, within=SOON)
    expect(not events(s, "verdict"), "a verdict")
    b.end()


def only_reported(s, options, event):
    """One line for each, and nobody is signalled."""
    b = Brood(s, options)
    a, c = b.spawn("a"), b.spawn("b")
    wanted = 2 if event == "idle" else 1
    until_told(s, lambda: len(events(s, event)) == wanted,
               f"no {event} event")
    lives(a, c, within=SOON)
    told = events(s, event)
    expect(len(told) == wanted, f"told {len(told)} times")
    expect(all(t["numbers"]["idle"] >= IDLE for t in told), f"{told}")
    expect(not [v for v in s.journal_lines() if v.get("signal")], "signalled")
    b.ask("a", "say")
    until_told(s, lambda: len(events(s, event)) == wanted + 1,
               "its next idle time is not told")
    b.end()


def spared_by_name(s):
    b = Brood(s, {**OPTIONS, "spare": "worker"})
    lives(b.spawn("a"), b.spawn("b"), b.spawn("c"), within=SOON)
    expect(not events(s, "verdict"), "a verdict")
    b.end()


def sleeps(s, options, wards):
    """The guard is not woken while there is nothing to sample."""
    b = Brood(s, options)
    for i in range(wards):
        b.spawn(f"w{i}")
    guard = min(s.find_guard(), key=lambda g: g.pid)

    def wakes():
        return int(proc.status(guard.pid, "voluntary_ctxt_switches")
                   ["voluntary_ctxt_switches"])

    def is_quiet():
        before = wakes()
        for i in range(wards):
            b.ask(f"w{i}", "say")  # traffic wakes nobody
        time.sleep(IDLE)  # four samples, if it took any
        return wakes() == before

    # At first there are looks, and a census that these may ask for.
    until(is_quiet, "it is woken all the time")
    b.end()


def bare(s):
    """Without childproof: all of them stay."""
    b = Brood(s, {}, "bare")
    lives(*(b.spawn(name, met=False) for name in "abc"), within=SOON)
    b.end()


def cases():
    P = functools.partial
    for how in ("launcher", "preload"):
        yield Case(f"stale/oldest-goes/{how}", P(oldest_goes, how=how), False)
    yield Case("stale/longest-idle-goes", longest_idle_goes, False)
    for word in ("burn", "move", "child", "hang"):
        yield Case(f"stale/busy-stays/{word}", P(busy_stays, word=word), False)
    for when, met in (("at-once", False), ("later", True)):
        yield Case(f"stale/asked-stays/{when}", P(asked_stays, met=met), False)
    few = {"keep": P(few_stay, options={**OPTIONS, "keep": "2"}),
           "other-command": P(few_stay, options=OPTIONS, args=("other",)),
           "other-directory": P(few_stay, options=OPTIONS, directory="/")}
    for name, run in few.items():
        yield Case(f"stale/few-stay/{name}", run, False)
    yield Case("stale/only-idle", P(only_reported, options={"idle": "1s"},
                                    event="idle"), False)
    yield Case("stale/dry-run",
               P(only_reported, options={**OPTIONS, "dry-run": "yes"},
                 event="dry-run"), False)
    yield Case("stale/spared-by-name", spared_by_name, False)
    yield Case("stale/guard-sleeps/few",
               P(sleeps, options={"keep": "2", "idle": "1s"}, wards=2),
               False)
    yield Case("stale/guard-sleeps/off", P(sleeps, options={}, wards=2),
               False)
    yield Case("bare/stale", bare, True)
