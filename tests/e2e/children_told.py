# SPDX-License-Identifier: MIT
"""`children=all`: what the shim tells of dies with its host, channel or not."""

import functools
import time

import proc
from leaks import DEATHS, STUBBORN, Row, bare, guarded, in_time
from runner import Case
from scene import (GRACE, LONG, PROMPT, SLACK, SPARE, TERM, expect)

ALL = {"children": "all"}

# None of them has a channel: the shim alone can tell of them in time.
ROWS = {
    "fork":          "how=fork,wire=null",
    "vfork":         "how=vfork,wire=null",
    "posix_spawn":   "how=posix_spawn,wire=null",
    "posix_spawnp":  "how=posix_spawnp,wire=null",
    "file":          "how=fork,wire=file",
    "inherits":      "how=fork,wire=inherit",
    "setsid":        "how=fork,wire=null,with=setsid",
    "worker":        "how=vfork,wire=null,from=worker",
    "ended":         "how=posix_spawn,wire=null,from=ended",
    "static":        "how=vfork,wire=null,prog=static,with=noenv",
    "three":         "how=vfork,wire=null,n=3",
}


def row(name):
    spec = ROWS[name]
    return Row(spec, STUBBORN, {"g0": 3 if "n=3" in spec else 1}, True)


def acted(s, tag):
    """The wards TAG are gone: the guard has done its round."""
    when = proc.first_deaths(s.met[tag], time.monotonic() + GRACE + TERM
                             + PROMPT + SLACK)
    expect(len(when) == len(s.met[tag]), "the guard did not act at all")


def alive(procs, why):
    when = proc.first_deaths(procs, time.monotonic() + SPARE)
    expect(not when, f"{why}: ended {[str(p) for p in when]}")


def spared(s, spec, why, options=ALL):
    """g0 goes with the host; g1, which is SPEC, does not."""
    host = s.host("wait", "wire=null", spec, options=options)
    s.gather(host=1, g0=1, g1=1)
    host.kill()
    host.wait()
    acted(s, "g0")
    alive(s.met["g1"], why)


def live_host(s):
    """Nobody is ended while the host lives."""
    s.host("wait", "mode=term,wire=null,how=vfork", "mode=term,wire=null",
           options=ALL)
    s.gather(host=1, g0=1, g1=1)
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when, "ended under a live host")


def host_execs(s):
    """The host becomes another program: its PID lives on, and so do they."""
    host = s.host("exec", "wire=null", options=ALL)
    s.gather(host=1, g0=1)
    s.go()
    s.gather(again=1)
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when, "ended though the process lives on")
    host.kill()
    host.wait()
    acted(s, "g0")


def foreground(s, how):
    """A shell's command in the foreground: vfork, and no hook before it."""
    host = s.start(["dash", "-c", f"{s.program('ward')} stubborn {s.meet} g0"
                    " </dev/null; true"], how=how, options=ALL)
    s.gather(g0=1)
    if how != "bare":
        s.find_guard()
    host.kill()
    expect(host.dead(LONG), "SIGKILL did not end the shell")
    if how == "bare":
        alive(s.wards(), "bare")
    else:
        in_time(s, time.monotonic(), None, Row(""), GRACE + TERM)
        s.nothing_of_ours()


def cases():
    P = functools.partial
    for name in ROWS:
        yield Case(f"bare/all/{name}",
                   P(bare, death=DEATHS["SIGKILL"], row=row(name)), True)
        for death in ("SIGKILL", "exit"):
            yield Case(f"all/{name}/{death}",
                       P(guarded, death=DEATHS[death], row=row(name),
                         options=ALL), False)
    for name in ("fork", "vfork", "posix_spawn"):
        yield Case(f"all/{name}/SIGKILL/preload",
                   P(guarded, death=DEATHS["SIGKILL"], row=row(name),
                     how="preload", options=ALL), False)
    for how in ("launcher", "preload"):
        yield Case(f"all/foreground/{how}", P(foreground, how=how), False)
    yield Case("bare/all/foreground", P(foreground, how="bare"), True)
    yield Case("all/spared-by-name",
               P(spared, spec="wire=null,prog=static",
                 options={**ALL, "spare": "ward.static"},
                 why="spared by name"), False)
    yield Case("all/double-fork",
               P(spared, spec="wire=null,with=double,with=setsid",
                 why="it has left its host by a double fork"), False)
    yield Case("all/daemonises",
               P(spared, spec="wire=null,mode=daemon",
                 why="it has become a daemon"), False)
    yield Case("all/live-host", live_host, False)
    yield Case("all/host-execs", host_execs, False)
