# SPDX-License-Identifier: MIT
"""A thread that brings back what was retired: no ping-pong of kill and respawn.

The newest ward, `kept`, is idle for longer than all that come back, and stays:
they take the place of the one that was retired.
"""

import errno
import functools
import time

from runner import Case
from scene import LONG, expect
from stale import Brood, lives
from waits import events, until

# So short that three retirements take less than a minute.
OPTIONS = {"keep": "1", "idle": "500ms", "term": "10s"}
REFUSED = f"error {errno.EAGAIN}"


def attempt(b, thread):
    return b.order("spawn", "again", thread, b.s.work, b.worker)


def cycle(b, ward, name):
    """WARD is retired, and its thread notices and replaces it."""
    expect(ward.dead(LONG), f"{ward} was not retired")
    return b.spawn(name, thread="client", met=False)


def brood(s, how):
    b = Brood(s, OPTIONS, how)
    ward = b.spawn("old", thread="client")
    return b, ward, b.spawn("kept")


def comes_back(s, how):
    b, ward, kept = brood(s, how)
    for name in ("first", "second"):
        ward = cycle(b, ward, name)
    expect(ward.dead(LONG), "the second comeback was not retired")
    expect(attempt(b, "client") == REFUSED, "the third was let in")
    braked = time.monotonic()
    expect(attempt(b, "client") == REFUSED, "the third was let in")
    told = events(s, "brake")
    expect(len(told) == 1, f"told {len(told)} times")
    n = told[0]["numbers"]
    expect(n["keep"] == 1 and n["live"] == 1 and n["comebacks"] == 3 and
           n["wait"] == 1, f"numbers: {n}")
    lives(kept, within=braked + 1.1 - time.monotonic())
    expect(attempt(b, "client") == REFUSED, "it was let in after a second")
    told = events(s, "brake")
    expect([t["numbers"]["wait"] for t in told] == [1, 2], f"told: {told}")
    lives(kept)
    verdicts = len(events(s, "verdict"))
    expect(verdicts == 3, f"{verdicts} were retired")
    b.end()


def others_are_new(s):
    """What another thread spawns is new: the one that was kept goes."""
    b, ward, kept = brood(s, "launcher")
    expect(ward.dead(LONG), "nobody was retired")
    new = b.spawn("new", thread="another")
    expect(kept.dead(LONG), "more than keep= live")
    lives(new)
    expect(not events(s, "brake"), "braked")
    b.end()


def released(s):
    """With nobody else left the braked one may come back."""
    b, ward, kept = brood(s, "launcher")
    for name in ("first", "second"):
        ward = cycle(b, ward, name)
    expect(ward.dead(LONG), "the second comeback was not retired")
    expect(attempt(b, "client") == REFUSED, "the third was let in")
    kept.kill()
    expect(kept.dead(LONG), "SIGKILL")
    until(lambda: attempt(b, "client").isdigit(), "it is never let in")
    b.end()


def cases():
    P = functools.partial
    for how in ("launcher", "preload"):
        yield Case(f"brake/comes-back/{how}", P(comes_back, how=how), False)
    yield Case("brake/others-are-new", others_are_new, False)
    yield Case("brake/released", released, False)
