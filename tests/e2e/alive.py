# SPDX-License-Identifier: MIT
"""The host lives, and has given up one of its wards.

The host closes all that it has of the wards of its first spec (g0).  Beside
them there are others, which must be alive and answer afterwards.  Each row is
run guarded, and bare as its negative control.
"""

import functools
import signal
import time

import proc
from guard import both_there
from leaks import ROWS, STUBBORN, Row
from runner import Case
from scene import GRACE, LONG, PROMPT, SLACK, SPARE, TERM, expect
from waits import events, until_told

# Neighbours: one that answers, a reader with an open stdin, no ward at all.
OTHERS = ("mode=echo", "wire=reader", "wire=null")

# What no event tells of is looked at so often.
SWEEP = 5.0
# So long a ward is left alone that its host has shut out.
EOF_TIME = 0.020
# The direct child ends early: long enough that its silence proves nothing yet
# when the host closes.
EARLY_GRACE = 2.0


def told_of(s, wanted):
    """Waits until the guard has looked at so many wards."""
    def known():
        return len(events(s, "ward", "verdict"))

    until_told(s, lambda: known() >= wanted,
               lambda: f"the guard knows {known()} wards only")


def latest(kind, grace):
    """When a ward of KIND is gone, counted from the close."""
    return kind.latest + (grace - GRACE if kind.latest >= GRACE else 0)


def gone_in_time(wards, closed, began, kind, grace=GRACE):
    limit = latest(kind, grace) + PROMPT + SLACK
    when = proc.first_deaths(wards, closed + limit)
    late = [str(w) for w in wards if w not in when]
    expect(not late, f"outlived the close by {limit:.3f}s: {late[:3]}")
    if kind.earliest:
        first = min(when.values()) - began
        expect(first > latest(kind, grace) - 0.010,
               f"ended {first:.3f}s after the close, before its grace")


def set_up(s, row, how, options=None, prog="host", before=()):
    host = s.host("wait,shut", row.spec, *OTHERS, how=how, options=options,
                  prog=prog, before=before)
    s.gather(host=1, g1=1, g2=1, g3=1, **row.met)
    early = [str(w) for w in s.wards() if w.dead()]
    expect(not early, f"dead before the close: {early}")
    return host


def close_first(s):
    """The host closes what it has of g0; returns when (done, begun)."""
    began = time.monotonic()
    s.go()
    s.gather(shut=1)
    return int(s.met["shut"][0].words[0]) / 1e6, began


def others_are_well(s, host):
    expect(not host.dead(), "the host is dead")
    dead = [str(w) for w in s.wards("g1", "g2", "g3") if w.dead()]
    expect(not dead, f"its other children were ended: {dead}")
    s.go("shut")
    s.gather(well=1)


def ending(s, host):
    """The host ends, and all goes the usual way."""
    host.kill()
    host.wait()
    limit = time.monotonic() + LONG
    wards = s.wards("g0", "g1", "g2")
    expect(len(proc.first_deaths(wards, limit)) == len(wards), "a leak")
    s.nothing_of_ours(2.0)


def victims(s, row):
    return s.wards(*(tag.replace("_", ".") for tag in row.met))


def abandoned(s, row, how="launcher", prog="host", early=False):
    grace = EARLY_GRACE if early else GRACE
    host = set_up(s, row, how, {"grace": f"{int(grace * 1000)}ms"}, prog)
    # Of no null, and of a dead child when its silence has proven something.
    told_of(s, 2 if early else 3)
    closed, began = close_first(s)
    # Nobody may have heard the close of what no child showed any more.
    since = closed + (grace if early else 0)
    gone_in_time(victims(s, row), since, began, row.kind, grace)
    others_are_well(s, host)
    reasons = {x["reason"] for x in s.journal_lines()
               if x["event"] == "signal"}
    expect(all("closed all" in r for r in reasons), f"journal: {reasons}")
    ending(s, host)


def bare(s, row, prog="host"):
    host = set_up(s, row, "bare", prog=prog)
    close_first(s)
    when = proc.first_deaths(victims(s, row), time.monotonic() + SPARE)
    expect(not when, f"no leak: {len(when)} ended by themselves")
    others_are_well(s, host)


def close_and_doom(s, options):
    """A stubborn ward was given up, and is in its grace."""
    host = set_up(s, Row("mode=stubborn"), "launcher", options)
    told_of(s, 3)
    guard = both_there(s)[0]
    closed, began = close_first(s)
    told_of(s, 4)  # the verdict
    return host, guard, closed, began


def taken_over(s):
    """The guard is killed while a ward is in its grace: all goes on."""
    host, guard, closed, began = close_and_doom(s, {"grace": "1500ms"})
    guard.kill()
    # The grace begins anew where its begin was lost with the guard.
    gone_in_time(s.wards("g0"), closed + 1.5, began, STUBBORN, 1.5)
    others_are_well(s, host)
    ending(s, host)


def taken_over_before(s):
    """The guard was killed before: what closes later is heard."""
    host = set_up(s, Row("mode=stubborn"), "launcher")
    told_of(s, 3)
    both_there(s)[0].kill()
    both_there(s)
    closed, began = close_first(s)
    gone_in_time(s.wards("g0"), closed, began, STUBBORN)
    others_are_well(s, host)
    ending(s, host)


def hurry(s):
    """SIGTERM to the guard: the grace of what is proven is over."""
    host, guard, _, _ = close_and_doom(s, {"grace": "1h"})
    stays = proc.first_deaths(s.wards("g0"), time.monotonic() + SPARE)
    expect(not stays, "ended in its grace")
    guard.kill(signal.SIGTERM)
    now = time.monotonic()
    gone_in_time(s.wards("g0"), now, now, Row("").kind._replace(
        latest=TERM, earliest=TERM))
    others_are_well(s, host)
    ending(s, host)


# In a user namespace of its own nobody may have an inotify instance.
DEAF = ["unshare", "--user", "--map-root-user", "/bin/sh", "-c",
        'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"', "sh"]


def unheard(s):
    """Without inotify a sweep finds it later, and the journal says so once."""
    host = set_up(s, Row("mode=stubborn"), "launcher", before=DEAF)
    told_of(s, 3)
    closed, began = close_first(s)
    gone_in_time(s.wards("g0"), closed + SWEEP, began, STUBBORN)
    notes = [x for x in s.journal_lines() if x["event"] == "sweep"]
    expect(len(notes) == 1, f"the journal says {notes}")
    others_are_well(s, host)
    ending(s, host)


def inherited(s, row, prog):
    """Other children have its ends by accident: a sweep tells."""
    others = [x for x in OTHERS if "null" not in x]  # that one counts
    host = s.host("wait,shut", row.spec, *others, prog=prog)
    s.gather(host=1, g0=1, g1=1, g2=1)
    told_of(s, 3)
    closed, began = close_first(s)
    gone_in_time(s.wards("g0"), closed + SWEEP, began, row.kind)
    expect(not host.dead() and not s.wards("g1")[0].dead(), "too much")
    s.go("shut")
    s.gather(well=1)


def shed(s, how):
    """What is spawned next, and is no ward, has not inherited its ends."""
    host = s.host("wait,shut", "how=vfork,with=noclo,mode=stubborn",
                  "how=vfork,wire=null", how=how)
    s.gather(host=1, g0=1, g1=1)
    if how == "bare":
        close_first(s)
        when = proc.first_deaths(s.wards("g0"), time.monotonic() + SPARE)
        expect(not when, "no leak")
    else:
        told_of(s, 1)
        closed, began = close_first(s)
        gone_in_time(s.wards("g0"), closed, began, STUBBORN)
    expect(not host.dead() and not s.wards("g1")[0].dead(), "too much")
    s.go("shut")
    s.gather(well=1)


def before_the_look(s):
    """Closed right after the spawn, before the guard has looked at it."""
    host = set_up(s, Row("mode=stubborn"), "launcher")
    closed, began = close_first(s)
    gone_in_time(s.wards("g0"), closed, began, STUBBORN)
    others_are_well(s, host)
    ending(s, host)


def left_alone(s):
    """Whoever obeys EOF is gone before a look is taken at him."""
    host = set_up(s, Row("mode=stubborn"), "launcher", {"grace": "1s"})
    told_of(s, 3)
    before = time.time()
    close_first(s)
    told_of(s, 4)
    at = [x["time"] for x in s.journal_lines() if x["event"] == "verdict"]
    expect(at[0] >= before + EOF_TIME, f"after {at[0] - before:.3f}s")
    others_are_well(s, host)
    ending(s, host)


def reopened(s):
    """A pipe was made for its stdout, but it has another: a reader."""
    row = Row("how=posix_spawn,with=oneway,mode=stubborn")
    host = set_up(s, row, "launcher")
    told_of(s, 3)
    close_first(s)
    when = proc.first_deaths(s.wards("g0"), time.monotonic() + GRACE + TERM
                             + SPARE)
    expect(not when, "ended while its host lives")
    others_are_well(s, host)
    host.kill()
    host.wait()


def dies_meanwhile(s):
    """In the grace of what it had given up: a dead host's is shorter."""
    host = set_up(s, Row("mode=stubborn"), "launcher", {"grace": "1h"})
    close_first(s)
    told_of(s, len(s.wards("g0", "g1", "g2")) + 1)
    ward = s.met["g0"][0]
    expect(not ward.dead(GRACE + TERM + SPARE), "ended before its grace")
    host.kill()
    host.wait()
    limit = GRACE + TERM + PROMPT + SLACK
    expect(ward.dead(limit), f"outlived the host by {limit:.3f}s")


def cases():
    P = functools.partial
    yield Case("alive/dies-meanwhile", dies_meanwhile, False)
    yield Case("bare/alive/shed", P(shed, how="bare"), True)
    yield Case("alive/shed", P(shed, how="launcher"), False)
    # Forks that exec together can't shed each other's ends; see `inherited`.
    rows = {name: row for name, row in ROWS.items()
            if not row.oneway and name not in (
                "hundred", "hundred-spawn", "obeys-eof-crowd",
                "fork-no-cloexec")}
    for name, row in rows.items():
        early = "double" in row.spec or "fork2" in row.spec
        if row.kind.leaks:
            yield Case(f"bare/alive/{name}", P(bare, row=row), True)
        yield Case(f"alive/{name}", P(abandoned, row=row, early=early), False)
    for name in ("fork", "vfork", "posix_spawn", "forkpty", "socketpair",
                 "socketpair2", "pty", "clone", "no-env", "forks-twice"):
        yield Case(f"alive/preload/{name}",
                   P(abandoned, row=rows[name], how="preload",
                     early="fork2" in rows[name].spec), False)
        if "fork2" not in rows[name].spec:  # it looks for children only
            yield Case(f"alive/census/{name}",
                       P(abandoned, row=rows[name], prog="host.static"),
                       False)
    for name, spec in (("fork", "with=noclo"), ("vfork", "how=vfork"),
                       ("spawn", "how=posix_spawn")):
        yield Case(f"alive/inherited/{name}",
                   P(inherited, row=Row(spec + ",with=noclo"), prog="host"),
                   False)
    yield Case("alive/inherited/static",
               P(inherited, row=Row("with=noclo"), prog="host.static"), False)
    yield Case("alive/taken-over", taken_over, False)
    yield Case("alive/taken-over-before", taken_over_before, False)
    yield Case("alive/left-alone", left_alone, False)
    yield Case("alive/reopened", reopened, False)
    yield Case("alive/hurry", hurry, False)
    yield Case("alive/unheard", unheard, False)
    yield Case("alive/before-the-look", before_the_look, False)
