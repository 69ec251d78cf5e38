# SPDX-License-Identifier: MIT
"""No ward outlives its host: ways to die, ways to spawn, kinds of ward.

Each row is run guarded, and bare as its negative control: there the same
ward is still alive when the guarded one must be gone.
"""

import collections
import functools
import os
import signal
import time

import proc
from runner import Case
from scene import GRACE, LONG, PROMPT, SLACK, SPARE, TERM, expect

# word: what the host program is told.  signals: what it is sent then.
# status: its wait status, without the core bit.  orderly: childproof ends the
# wards before it lets the host go, so they are dead when wait(2) returns.
Death = collections.namedtuple("Death", "word signals status orderly")

K = signal.SIGKILL
DEATHS = {
    "exit":         Death("exit",         [], 7 << 8, True),
    "return":       Death("return",       [], 10 << 8, True),
    "_exit":        Death("_exit",        [], 8 << 8, False),
    "quick_exit":   Death("quick_exit",   [], 9 << 8, True),
    "abort":        Death("abort",        [], signal.SIGABRT, False),
    "SIGSEGV":      Death("segv",         [], signal.SIGSEGV, False),
    "SIGKILL":      Death("wait",         [K], K, False),
    "SIGTERM":      Death("wait", [signal.SIGTERM], signal.SIGTERM, True),
    "SIGINT":       Death("wait", [signal.SIGINT], signal.SIGINT, True),
    "SIGHUP":       Death("wait", [signal.SIGHUP], signal.SIGHUP, True),
    "SIGQUIT":      Death("wait", [signal.SIGQUIT], signal.SIGQUIT, True),
    "SIGPIPE":      Death("wait", [signal.SIGPIPE], signal.SIGPIPE, True),
    "handler":      Death("handler", [signal.SIGTERM], 3 << 8, True),
    "handler-_exit": Death("handler_exit", [signal.SIGTERM], 4 << 8, False),
    "signalfd":     Death("signalfd", [signal.SIGTERM], 5 << 8, False),
    "stopped":      Death("wait", [signal.SIGSTOP, K], K, False),
}

# When a ward of each kind is gone, at the latest and at the earliest, counted
# from the host's death.  The controls are those that leak.
Kind = collections.namedtuple("Kind", "latest earliest leaks")
OBEYS_EOF = Kind(0, 0, False)
SLOW = Kind(0.100, 0.100, False)
OBEYS_TERM = Kind(GRACE, GRACE, True)
STUBBORN = Kind(GRACE + TERM, GRACE + TERM, True)
# Leaks bare, and goes by TERM or KILL, whichever gets to it first.
SOMEHOW = Kind(GRACE + TERM, 0, True)

# name: what is spawned how, by the words of tests/hosts/parts/spawn.h.
Row = collections.namedtuple("Row", "spec kind met oneway",
                             defaults=(STUBBORN, {"g0": 1}, False))
ROWS = {
    "fork":              Row("how=fork"),
    "_Fork":             Row("how=_Fork"),
    "vfork":             Row("how=vfork"),
    "posix_spawn":       Row("how=posix_spawn"),
    "posix_spawnp":      Row("how=posix_spawnp"),
    "clone":             Row("how=clone"),
    "clone-vm":          Row("how=clone_vm"),
    "popen-r":           Row("how=popen_r,wire=own", oneway=True),
    "popen-w":           Row("how=popen_w,wire=own", oneway=True),
    "forkpty":           Row("how=forkpty,wire=own"),
    # wires
    "socketpair":        Row("wire=socketpair"),
    "socketpair2":       Row("wire=socketpair2"),
    "pty":               Row("wire=pty"),
    "reader":            Row("wire=reader", oneway=True),
    "writer":            Row("wire=writer", oneway=True),
    "vfork-socketpair":  Row("how=vfork,wire=socketpair"),
    "vfork-pty":         Row("how=vfork,wire=pty"),
    "spawn-socketpair":  Row("how=posix_spawn,wire=socketpair"),
    "spawn-socketpair2": Row("how=posix_spawn,wire=socketpair2"),
    "spawn-pty":         Row("how=posix_spawn,wire=pty"),
    "clone-socketpair":  Row("how=clone,wire=socketpair"),
    "fork-no-cloexec":   Row("with=noclo"),
    "vfork-no-cloexec":  Row("how=vfork,with=noclo"),
    # threads
    "worker":            Row("from=worker"),
    "worker-vfork":      Row("from=worker,how=vfork"),
    "worker-spawn":      Row("from=worker,how=posix_spawn"),
    "ended":             Row("from=ended"),
    "ended-vfork":       Row("from=ended,how=vfork"),
    "ended-spawn":       Row("from=ended,how=posix_spawn"),
    # what the child is
    "setsid":            Row("with=setsid"),
    "setpgid":           Row("with=setpgid"),
    "vfork-setsid":      Row("how=vfork,with=setsid"),
    "spawn-around":      Row("how=posix_spawn,with=around"),
    "spawn-setsid":      Row("how=posix_spawn,with=setsid"),
    "spawn-setpgid":     Row("how=posix_spawn,with=setpgid"),
    "no-env":            Row("with=noenv"),
    "vfork-no-env":      Row("how=vfork,with=noenv"),
    "spawn-no-env":      Row("how=posix_spawn,with=noenv"),
    "static":            Row("prog=static"),
    "vfork-static":      Row("how=vfork,prog=static"),
    "spawn-static":      Row("how=posix_spawn,prog=static,with=noenv"),
    "double-fork":       Row("with=double"),
    "forks-twice":       Row("mode=fork2"),
    "forks-twice-setsid": Row("mode=fork2sid"),
    "forks-twice-no-env": Row("mode=fork2sid,with=noenv"),
    "spawn-forks-twice": Row("how=posix_spawn,mode=fork2sid"),
    "pty-forks-twice":   Row("how=forkpty,wire=own,mode=fork2sid"),
    "pair-forks-twice":  Row("wire=socketpair,mode=fork2sid,with=noenv"),
    "moved":             Row("mode=moved"),
    "moved-socketpair":  Row("wire=socketpair,mode=moved"),
    "moved-static":      Row("prog=static,mode=moved,with=noenv"),
    "behind-sh":         Row("prog=sh", SOMEHOW),
    "behind-sh-vfork":   Row("prog=sh,how=vfork", SOMEHOW),
    "has-child":         Row("mode=child", SOMEHOW,
                             {"g0": 1, "g0_child": 1}),
    "hundred":           Row("n=100", STUBBORN, {"g0": 100}),
    "hundred-spawn":     Row("how=posix_spawn,n=100", STUBBORN, {"g0": 100}),
    # exec's other names
    "execv":             Row("exec=execv"),
    "execvp":            Row("exec=execvp"),
    "execvpe":           Row("exec=execvpe"),
    "execl":             Row("exec=execl"),
    "execlp":            Row("exec=execlp"),
    "execle":            Row("exec=execle,how=vfork"),
    "execveat":          Row("exec=execveat"),
    "fexecve":           Row("exec=fexecve"),
    # kinds of ward
    "obeys-eof":         Row("mode=eof", OBEYS_EOF),
    "obeys-eof-vfork":   Row("how=vfork,mode=eof", OBEYS_EOF),
    "obeys-eof-spawn":   Row("how=posix_spawn,mode=eof", OBEYS_EOF),
    "obeys-eof-pty":     Row("wire=pty,mode=eof", OBEYS_EOF),
    "obeys-eof-pair":    Row("wire=socketpair,mode=eof", OBEYS_EOF),
    "obeys-eof-crowd":   Row("n=20,mode=eof,with=leaky", SOMEHOW,
                             {"g0": 20}),
    "slow":              Row("mode=slow", SLOW),
    "obeys-term":        Row("mode=term", OBEYS_TERM),
    "obeys-term-pty":    Row("how=forkpty,wire=own,mode=term", OBEYS_TERM),
}


def is_same_process(s, host):
    """The launcher became the host: its PID, and we are its parent."""
    for met in s.met["host"]:
        pid, ppid = map(int, met.words)
        expect(pid == met.pid, f"host says {pid}, kernel says {met.pid}")
        expect(pid == host.pid and ppid == os.getpid(),
               f"host is {pid} of {ppid}, started as {host.pid} of "
               f"{os.getpid()}")


def bring_about(s, host, death):
    """The death; returns when it was begun."""
    began = time.monotonic()
    if not death.signals:
        s.go()
    for sig in death.signals:
        host.kill(sig)
        if sig == signal.SIGSTOP:
            os.waitid(os.P_PID, host.pid, os.WSTOPPED)
    # A handler or signalfd is pending now: let the host see to it.
    s.go()
    return began


def set_up(s, death, row, how, options=None, prog="host"):
    host = s.host(death.word, row.spec, how=how, options=options, prog=prog)
    s.gather(host=1, **row.met)
    is_same_process(s, host)
    early = [str(w) for w in s.wards() if w.dead()]
    expect(not early, f"dead before the host: {early}")
    return host


def in_time(s, since, began, row, graces):
    """All wards end between the earliest and the latest moment."""
    scale = graces / (GRACE + TERM)
    limit = row.kind.latest * scale + PROMPT + SLACK
    when = proc.first_deaths(s.wards(), since + limit)
    late = [str(w) for w in s.wards() if w not in when]
    expect(not late, f"outlived the host by {limit:.3f}s: {late[:3]}")
    if row.kind.earliest and began is not None:
        first = min(when.values()) - began
        expect(first > row.kind.earliest * scale - 0.010,
               f"ended {first:.3f}s after the host, before its grace")


def is_quiet(s):
    expect(s.read(s.out) == "", "something on stdout")
    expect(s.read(s.err) == "", "something on stderr")


def guarded(s, death, row, how="launcher", options=None, graces=GRACE + TERM):
    if not row.oneway:  # a ward whose direct child ends early is not due yet
        options = {"grace": "10s", **(options or {})}
    host = set_up(s, death, row, how, options)
    s.find_guard()
    began = bring_about(s, host, death)
    if death.orderly and not row.oneway:
        limit = row.kind.latest * graces / (GRACE + TERM) + PROMPT + SLACK
        expect(host.dead(limit), f"{host} did not end within {limit:.3f}s")
        status = host.wait()
        late = [str(w) for w in s.wards() if not w.dead()]
        expect(not late, f"alive when wait returned: {late[:3]}")
    else:
        expect(host.dead(LONG), f"{host} did not end")
        in_time(s, time.monotonic(), None if death.orderly else began, row,
                graces)
        status = host.wait()
    expect(status & ~0x80 == death.status,
           f"wait status {status:#x}, not {death.status:#x}")
    is_quiet(s)
    s.nothing_of_ours()


def bare(s, death, row):
    host = set_up(s, death, row, "bare")
    bring_about(s, host, death)
    status = host.wait()
    expect(status & ~0x80 == death.status,
           f"wait status {status:#x}, not {death.status:#x}")
    when = proc.first_deaths(s.wards(), time.monotonic() + SPARE)
    expect(not when, f"no leak: {len(when)} ended by themselves")


def at_once(s, spec, how, n=3):
    """The host is killed right after the spawn: there is no window."""
    host = s.host("atonce", f"{spec},n={n}", how=how)
    expect(host.wait() == K, f"wait status {host.raw:#x}")
    s.gather(g0=n)
    if how == "bare":
        when = proc.first_deaths(s.wards(), time.monotonic() + SPARE)
        expect(not when, "no leak")
        return
    in_time(s, time.monotonic(), None, Row(""), GRACE + TERM)


def told_of_each(s):
    """Who was killed stands in the journal, not only whose he was."""
    host = s.host("wait", "prog=sh,mode=stubborn")
    s.gather(host=1, g0=1)
    ward = s.wards()[0]
    host.kill()
    host.wait()
    in_time(s, time.monotonic(), None, Row(""), GRACE + TERM)
    s.nothing_of_ours()
    said = [x["child"] for x in s.journal_lines()
            if x["event"] == "signal" and x["step"] == "KILL" and
            x["child"]["pid"] == ward.pid]
    expect([(x["name"], x["argv"][1]) for x in said] ==
           [("ward", "stubborn")], f"the journal says {said}")


def becomes_another(s, how="launcher"):
    """The host execs; its ends go by CLOEXEC.  The PID lives on."""
    host = s.host("exec", "n=2", how=how)
    s.gather(host=1, g0=2)
    if how != "bare":
        s.find_guard()
    s.go()
    s.gather(again=1)
    again = s.met["again"][0]
    expect(again.pid == host.pid, "exec changed the PID")
    if how == "bare":
        when = proc.first_deaths(s.wards(), time.monotonic() + SPARE)
        expect(not when, "no leak")
        return
    in_time(s, again.since, None, Row(""), GRACE + TERM)
    expect(not host.dead(), "the new image was ended too")
    is_quiet(s)


def cases():
    P = functools.partial
    stubborn, obeys = Row("mode=stubborn"), Row("mode=eof", OBEYS_EOF)
    for name, death in DEATHS.items():
        yield Case(f"bare/{name}", P(bare, death=death, row=stubborn), True)
        yield Case(f"dies/{name}/stubborn",
                   P(guarded, death=death, row=stubborn), False)
        yield Case(f"dies/{name}/obeys-eof",
                   P(guarded, death=death, row=obeys), False)
    for name, row in ROWS.items():
        if row.kind.leaks:
            yield Case(f"bare/{name}",
                       P(bare, death=DEATHS["SIGKILL"], row=row), True)
        for death in ("SIGKILL", "exit"):
            yield Case(f"spawns/{name}/{death}",
                       P(guarded, death=DEATHS[death], row=row), False)
    for name in ("fork", "vfork", "posix_spawn", "popen-w", "forkpty",
                 "socketpair", "clone", "no-env", "forks-twice-no-env"):
        for death in ("SIGKILL", "exit", "SIGTERM"):
            yield Case(f"preload/{name}/{death}",
                       P(guarded, death=DEATHS[death], row=ROWS[name],
                         how="preload"), False)
    for death in ("SIGKILL", "exit"):
        for how in ("script", "installed"):
            yield Case(f"{how}/{death}", P(guarded, death=DEATHS[death],
                                           row=stubborn, how=how), False)
        yield Case(f"defaults/{death}",
                   P(guarded, death=DEATHS[death], row=stubborn, graces=5.0,
                     options=dict.fromkeys(("exit-grace", "term", "grace"))),
                   False)
        yield Case(f"closed-fds/{death}",
                   P(guarded, death=DEATHS[death]._replace(
                       word=DEATHS[death].word + ",nofds"), row=stubborn),
                   False)
    for how in ("fork", "_Fork", "vfork", "posix_spawn", "clone_vm",
                "popen_w"):
        spec = f"how={how},wire=" + ("own" if how == "popen_w" else
                                     "socketpair")
        yield Case(f"bare/at-once/{how}", P(at_once, spec=spec, how="bare"),
                   True)
        for guard in ("launcher", "preload"):
            yield Case(f"at-once/{how}/{guard}",
                       P(at_once, spec=spec, how=guard), False)
    yield Case("dies/told-of-each", told_of_each, False)
    yield Case("dies/exec", becomes_another, False)
    yield Case("bare/exec", P(becomes_another, how="bare"), True)
