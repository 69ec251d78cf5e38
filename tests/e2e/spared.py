# SPDX-License-Identifier: MIT
"""Who must never be ended.  One false kill is worse than one leak.

That nothing happens to a process proves little by itself.  So most cases give
the host a stubborn ward besides (g0): its death shows that the guard has come
and acted, and then the others are looked at.
"""

import functools
import os
import signal
import subprocess
import sys
import time

import proc
from leaks import DEATHS, bring_about
from runner import Case
from scene import (GRACE, LONG, PROMPT, SLACK, SPARE, TERM, expect)
from waits import events, until_told

STUBBORN = "mode=stubborn"

# The neighbour of a stubborn ward: (spec, how many processes call).
NEIGHBOURS = {
    "null":              ("wire=null", 1),
    "null-setsid":       ("wire=null,with=setsid", 1),
    "null-vfork":        ("wire=null,how=vfork", 1),
    "null-spawn":        ("wire=null,how=posix_spawn", 1),
    "reopened-spawn":    ("how=posix_spawn,with=reopen", 1),
    "null-clone":        ("wire=null,how=clone", 1),
    "null-static":       ("wire=null,prog=static,with=noenv", 1),
    "null-double":       ("wire=null,with=double,with=setsid", 1),
    "null-thread-ended": ("wire=null,from=ended", 1),
    "null-behind-sh":    ("wire=null,prog=sh", 1),
    "file":              ("wire=file", 1),
    "inherits":          ("wire=inherit", 1),
    "inherits-vfork":    ("wire=inherit,how=vfork", 1),
    "inherits-spawn":    ("wire=inherit,how=posix_spawn", 1),
    "daemonises":        ("mode=daemon", 1),
    "daemonises-vfork":  ("mode=daemon,how=vfork", 1),
    "daemonises-spawn":  ("mode=daemon,how=posix_spawn", 1),
    "daemonises-pair":   ("mode=daemon,wire=socketpair", 1),
    "daemonises-pty":    ("mode=daemon,how=forkpty,wire=own", 1),
    "pipeline":          ("prog=pipeline,wire=null", 2),
}


def alive(procs, why):
    when = proc.first_deaths(procs, time.monotonic() + SPARE)
    expect(not when, f"{why}: ended {[str(p) for p in when]}")


def guard_acted(s, tag="g0"):
    """The stubborn wards are gone: the guard has done its round."""
    when = proc.first_deaths(s.met[tag], time.monotonic() + GRACE + TERM
                             + PROMPT + SLACK)
    expect(len(when) == len(s.met[tag]), "the guard did not act at all")


def die(s, host, death):
    bring_about(s, host, DEATHS[death])
    host.wait()


def neighbour(s, spec, count, death, how):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    host = s.host(DEATHS[death].word, STUBBORN, spec, how=how, **pipes)
    s.gather(host=1, g0=1, g1=count)
    die(s, host, death)
    guard_acted(s)
    alive(s.wards("g1"), "spared by contract")
    for pipe in (host.child.stdin, host.child.stdout):
        pipe.close()


def leaked_end(s, how):
    """A stranger holds a host end (fd >= 3) of its sibling, by accident."""
    host = s.host("wait", STUBBORN + ",with=noclo", "wire=null", how=how)
    s.gather(host=1, g0=1, g1=1)
    host.kill()
    host.wait()
    guard_acted(s)
    alive(s.wards("g1"), "holds a leaked descriptor, no more")


def thread_ended(s, spec, options):
    """The thread that spawned it has ended; the host lives."""
    host = s.host("wait", "from=ended,mode=term," + spec, options=options)
    s.gather(host=1, g0=1)
    alive([host, *s.wards()], "its host lives")
    host.kill()
    host.wait()
    expect(s.wards()[0].dead(GRACE + PROMPT + SLACK), "then it must go")


def live_host(s, spec):
    """A live ward of a live host, beyond all graces."""
    host = s.host("wait", "mode=term," + spec, STUBBORN)
    s.gather(host=1, g0=1, g1=1)
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when and not host.dead(), "ended under a live host")


def headless(s, spec):
    """Its main thread has ended, not the ward."""
    host = s.host("wait", "mode=headless," + spec)
    s.gather(host=1, g0=1)
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when, "ended for the end of one of its threads")
    host.kill()
    host.wait()
    guard_acted(s)


def sibling_host(s, how):
    """Two hosts under one guard: one dies, the other one's wards stay."""
    one = [s.program("host"), s.meet, "wait", STUBBORN]
    script = '"$@" & "$@" & wait'
    s.start(["/bin/sh", "-c", script, "sh", *one], how=how)
    s.gather(host=2, g0=2)
    dies, lives = s.met["host"]
    parent = {w: int(proc.status(w.pid, "PPid")["PPid"]) for w in s.wards()}
    s.met["g0"] = [w for w in parent if parent[w] == dies.pid]
    s.met["g1"] = [w for w in parent if parent[w] == lives.pid]
    expect(len(s.met["g0"]) == len(s.met["g1"]) == 1, f"parents: {parent}")
    expect(len({p.pid for p in s.find_guard()}) <= 2, "more than one guard")
    dies.kill()
    guard_acted(s)
    alive([lives, *s.met["g1"]], "another host's")


def other_host(s):
    """Two hosts, each with a guard of its own."""
    first = s.host("wait", STUBBORN)
    s.gather(host=1, g0=1)
    mine = s.met.pop("g0")
    second = s.host("wait", STUBBORN)
    s.gather(host=2, g0=1)
    first.kill()
    first.wait()
    s.met["g0"], s.met["g1"] = mine, s.met["g0"]
    guard_acted(s)
    alive([second, *s.met["g1"]], "another guard's")


def pipeline(s, shell, how):
    """`(a | b) &` of a shell that has exited: each is the other's peer."""
    ward = f"{s.program('ward')} stubborn {s.meet}"
    host = s.start([shell, "-c", f"({ward} a | {ward} b) & {ward} c | "
                    f"{ward} d & exit 0"], how=how)
    s.gather(a=1, b=1, c=1, d=1)
    expect(host.wait() == 0, "the shell failed")
    alive(s.wards(), "a pipeline in the background")


def coproc(s, how):
    """bash exits: its coprocess is a ward, its pipeline is not."""
    ward = f"{s.program('ward')} stubborn {s.meet}"
    script = (f"coproc exec {ward} g0; ({ward} a | {ward} b) & "
              f"{s.program('ward')} stubborn {s.meet} d </dev/null & "
              f"read -r line; exit 0")
    host = s.start(["bash", "-c", script], how=how, stdin=subprocess.PIPE)
    s.gather(g0=1, a=1, b=1, d=1)
    host.child.stdin.close()
    expect(host.wait() == 0, "bash failed")
    if how == "bare":
        alive(s.wards(), "bare")
        return
    guard_acted(s)
    alive(s.wards("a", "b", "d"), "not the coprocess")


MAKEFILE = """\
all: one two three bg
one two three:
\t@echo $@
bg:
\t{plus}@{ward} stubborn {meet} bg </dev/null >/dev/null 2>&1 &
"""


def make_command(s, plus):
    path = os.path.join(s.work, "daemon.log")  # a name that may stay
    with open(path, "w") as f:
        f.write(MAKEFILE.format(plus=plus, ward=s.program("ward"),
                                meet=s.meet))
    return ["make", "-f", path, "-j2"]


def jobserver(s, how):
    """make -j2 works, and what a recipe left running is no ward."""
    script = f'{" ".join(make_command(s, ""))} && exec "$@"'
    host = s.start(["/bin/sh", "-c", script, "sh", s.program("host"), s.meet,
                    "wait", STUBBORN], how=how)
    s.gather(host=1, g0=1, bg=1)
    expect(sorted(s.read(s.out).split()) == ["one", "three", "two"],
           f"make said {s.read(s.out)!r}")
    host.kill()
    host.wait()
    guard_acted(s)
    alive(s.wards("bg"), "make's background child")


def jobserver_held(s, how):
    """make is killed; a recipe's child still holds its pipe, as fd >= 3."""
    host = s.start(make_command(s, "+"), how=how)
    s.gather(bg=1)
    expect(any(fd > 2 for fd in proc.links(s.met["bg"][0].pid)),
           "the case is void: make's pipe was not inherited")
    host.kill()
    host.wait()
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when, "ended for holding make's jobserver")


def same_group(s, how):
    """A stranger in the process group of host and ward."""
    script = f'{s.program("ward")} stubborn {s.meet} g1 & exec "$@"'
    host = s.start(["/bin/sh", "-c", script, "sh", s.program("host"), s.meet,
                    "wait", STUBBORN], how=how)
    s.gather(host=1, g0=1, g1=1)
    host.kill()
    host.wait()
    guard_acted(s)
    alive(s.wards("g1"), "only in the same group")


def exec_keeps_ends(s):
    """The host execs and keeps its ends: it is still the host."""
    host = s.host("exec", "with=noclo")
    s.gather(host=1, g0=1)
    s.go()
    s.gather(again=1)
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when, "ended though the host kept its ends")
    host.kill()
    host.wait()
    guard_acted(s)


def daemon_host(s, word, how):
    """The host calls daemon(3): its heir is the host now."""
    s.host("wait," + word, STUBBORN, "mode=term,how=posix_spawn", how=how)
    s.gather(g0=1, g1=1, **({} if word == "daemon" else {"early": 1}))
    s.go("early")
    s.gather(host=1)
    heir = s.met["host"][0]
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when, "ended though the heir lives")
    heir.kill()
    if how == "bare":
        alive(s.wards(), "bare")
    else:
        guard_acted(s)
        expect(s.wards("g1")[0].dead(), "its other ward lives")


# A host with three wards whose fork goes on as another program, and is given
# the ends of the first one; those of the others it has inherited by accident.
SUCCEEDED = """
import os, subprocess, sys
ward, meet = sys.argv[1:]
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
kept = subprocess.Popen([ward, "stubborn", meet, "kept"], **PIPES)
for tag in "lost", "moved":
    i, o = os.pipe2(0), os.pipe2(0)
    lost = subprocess.Popen([ward, "stubborn", meet, tag], stdin=i[0],
                            stdout=o[1])
    if tag == "moved":
        os.dup2(i[1], 50)
        os.dup2(o[0], 51)
        os.close(i[1])
        os.close(o[0])
    os.close(i[0])
    os.close(o[1])
os.read(0, 1)
if os.fork() == 0:
    os.setsid()
    for end in (kept.stdin, kept.stdout):
        os.set_inheritable(end.fileno(), True)
    os.execv(ward, [ward, "stubborn", meet, "heir"])
os._exit(0)
"""


def succeeded(s):
    """Another program goes on with what was given to it on purpose."""
    host = s.start([sys.executable, "-c", SUCCEEDED, s.program("ward"),
                    s.meet], stdin=subprocess.PIPE)
    s.gather(kept=1, lost=1, moved=1)
    s.find_guard()
    until_told(s, lambda: len(events(s, "ward")) == 3, "not all are known")
    with host.child.stdin as stdin:
        stdin.write(b"!")
    s.gather(heir=1)
    guard_acted(s, "lost")
    guard_acted(s, "moved")
    alive(s.wards("kept", "heir"), "what has its ends lives")
    s.met["heir"][0].kill()
    guard_acted(s, "kept")


def spare_by_name(s):
    """`spare=` names it."""
    host = s.host("wait", STUBBORN + ",prog=static", STUBBORN,
                  options={"spare": "ward.static"})
    s.gather(host=1, g0=1, g1=1)
    host.kill()
    host.wait()
    guard_acted(s, "g1")
    alive(s.wards("g0"), "spared by name")


def stopped_host(s):
    """SIGSTOP is not death, nor is a signal that the host survives."""
    host = s.host("wait", "mode=term", "mode=eof")
    s.gather(host=1, g0=1, g1=1)
    host.kill(signal.SIGSTOP)
    os.waitid(os.P_PID, host.pid, os.WSTOPPED)
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when, "ended under a stopped host")
    host.kill(signal.SIGCONT)
    host.kill(signal.SIGTERM)
    expect(host.wait(LONG) == signal.SIGTERM, f"status {host.raw:#x}")
    late = [str(w) for w in s.wards() if not w.dead()]
    expect(not late, f"alive when wait returned: {late}")


def cases():
    P = functools.partial
    for name, (spec, count) in NEIGHBOURS.items():
        for death, how in (("SIGKILL", "launcher"), ("exit", "preload")):
            yield Case(f"spared/{name}/{death}",
                       P(neighbour, spec=spec, count=count, death=death,
                         how=how), False)
    for how in ("launcher", "preload"):
        yield Case(f"spared/leaked-end/{how}", P(leaked_end, how=how), False)
        yield Case(f"spared/sibling-host/{how}", P(sibling_host, how=how),
                   False)
        yield Case(f"spared/jobserver/{how}", P(jobserver, how=how), False)
        yield Case(f"spared/jobserver-held/{how}",
                   P(jobserver_held, how=how), False)
        yield Case(f"spared/same-group/{how}", P(same_group, how=how), False)
        for word in ("daemon", "latedaemon"):
            yield Case(f"spared/{word}-host/{how}",
                       P(daemon_host, word=word, how=how), False)
        yield Case(f"spared/coproc/{how}", P(coproc, how=how), False)
        for shell in ("dash", "bash"):
            yield Case(f"spared/pipeline-{shell}/{how}",
                       P(pipeline, shell=shell, how=how), False)
    yield Case("bare/daemon-host", P(daemon_host, word="daemon", how="bare"),
               True)
    yield Case("bare/jobserver-held", P(jobserver_held, how="bare"), True)
    yield Case("bare/coproc", P(coproc, how="bare"), True)
    for spec in ("how=fork", "how=vfork", "how=posix_spawn",
                 "how=forkpty,wire=own"):
        for arm in ("auto", "always"):
            yield Case(f"spared/thread-ended/{spec}/{arm}",
                       P(thread_ended, spec=spec,
                         options={"pdeathsig": arm}), False)
        yield Case(f"spared/live-host/{spec}", P(live_host, spec=spec), False)
    for spec in ("how=fork", "how=vfork", "how=posix_spawn"):
        yield Case(f"spared/headless/{spec}", P(headless, spec=spec), False)
    yield Case("spared/other-host", other_host, False)
    yield Case("spared/exec-keeps-ends", exec_keeps_ends, False)
    yield Case("spared/succeeded", succeeded, False)
    yield Case("spared/by-name", spare_by_name, False)
    yield Case("spared/stopped-host", stopped_host, False)
