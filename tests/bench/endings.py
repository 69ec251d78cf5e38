# SPDX-License-Identifier: MIT
"""From a death, or a last close, to the last ward's end.

The wards all hold a FIFO whose EOF is the death of the last of them, whoever
ends them, in whatever namespace.
"""

import contextlib
import os
import signal
import time

import guards
import stage
from figures import Goal, Result, ratio, skip

AT_ONCE = "exit-grace=0:term=0"
NO_GRACE = "grace=0"
GIVE_UP = 20.0

# Who waits beside a bare host, and does only what the kernel needs: what
# nobody outside of a PID namespace can be faster than.
KILLERS = {"bare SIGKILLs": "kill", "looks and SIGKILLs": "prove"}
FLOOR = "looks and SIGKILLs"


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def find(pid, program):
    """PROGRAM among PID and its descendants: a front may fork it."""
    todo = [pid]
    while todo:
        pid = todo.pop()
        try:
            if os.readlink(f"/proc/{pid}/exe") == program:
                return pid
        except OSError:
            pass
        todo += children(pid)
    raise ProcessLookupError(program)


def killer(setting, how, host, n):
    """Waits for the death of HOST, and ends its N wards."""
    waits = setting.host("bare", [setting.program("floor"), how,
                                  str(host.child.pid)])
    if waits.answer() != n:
        raise ValueError(f"the killer does not know all {n} wards")
    return waits


def time_to_end(pid, fifo):
    """From SIGKILL of PID to the end of all that hold FIFO, in ms; None if
    there is no such end."""
    pidfd = os.pidfd_open(pid)
    began = time.perf_counter()
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    ended = fifo.closed(GIVE_UP)
    took = (time.perf_counter() - began) * 1000
    os.close(pidfd)
    return took if ended else None


def kill_host(setting, way, n, mode, threads=1):
    """SIGKILL of a host with N wards to their last death, in ms."""
    with contextlib.ExitStack() as stack:
        if way == "ours":
            stack.callback(guards.gone)
        fifo = stack.enter_context(contextlib.closing(setting.fifo()))
        host = stack.enter_context(contextlib.closing(setting.host(
            "bare" if way in KILLERS else way, options=AT_ONCE)))
        host.ask(f"live {threads} {n // threads} {mode} {fifo.path}")
        # All of them rest as long: a processor that has slept is slower.
        guards.settle()
        if way in KILLERS:
            stack.enter_context(contextlib.closing(
                killer(setting, KILLERS[way], host, n)))
        return time_to_end(find(host.child.pid, setting.program("spawner")),
                           fifo)


def kills(setting, name, mode, counts, versus, **more):
    """COUNTS: wards -> (rounds, their goal); VERSUS: the first is the base."""
    ways = [w for w in ("ours", *versus) if w in KILLERS or setting.has(w)]
    results = []
    for n, (rounds, goal) in counts.items():
        title = f"{name}, {n} ward{'s' if n > 1 else ''}"
        if versus[0] not in ways:
            results.append(skip(title, f"{versus[0]} is not installed"))
            continue
        rows = stage.turns({w: w for w in ways}, lambda way, n=n: kill_host(
            setting, way, n, mode), rounds, warm=0)
        if any(None in r.values() for r in rows):
            results.append(Result(title, "ms", goal, [GIVE_UP * 1000],
                                  note="not all wards ended"))
        else:
            results.append(ratio(title, rows, versus[0], goal, "ms", **more))
    return results


def stubborn(setting):
    goal = Goal(1.5)
    return kills(setting, "host killed, stubborn", "stubborn",
                 {1: (15, None), 100: (9, goal), 1000: (4, goal)},
                 ("unshare", "bwrap", *KILLERS), floor=FLOOR)


def obedient(setting):
    goal = Goal(1.1)
    return kills(setting, "host killed, EOF obeyed", "eof",
                 {1: (15, goal), 100: (11, goal), 1000: (5, goal)},
                 ("bare", "empty"), floor="empty")


def none_lost(setting):
    """What was registered in a storm from 32 threads dies with the host."""
    name = "storm of 32 threads, wards that outlive the host"
    took = kill_host(setting, "ours", 1600, "stubborn", 32)
    return [Result(name, "runs that lost some", Goal(0), [int(took is None)],
                   note="of 1600")]


def abandon(setting, fifo):
    """From the last close of its host ends to a ward's end, in ms, or None."""
    host = setting.host("ours", options=NO_GRACE)
    try:
        host.ask(f"live 1 1 silent {fifo.path}")
        guards.settle()
        closed = host.ask("abandon") / 1e9
        ended = fifo.closed(GIVE_UP)
        return (time.monotonic() - closed) * 1000 if ended else None
    finally:
        end(host)


def end(host):
    """Whatever it has goes with it, by its guard."""
    host.child.kill()
    host.close()
    guards.gone()


def abandoned(setting):
    """The last host end closed -> SIGTERM, with grace=0."""
    name = "last host end closed to SIGTERM's effect"
    series = []
    with contextlib.closing(setting.fifo()) as fifo:
        while len(series) < 15 and None not in series:
            series.append(abandon(setting, fifo))
    if None in series:
        return [Result(name, "ms", Goal(2), [GIVE_UP * 1000],
                       note="it lived on")]
    return [Result(name, "ms", Goal(2), series)]


MEASURES = [
    ("kill/stubborn", stubborn),
    ("kill/eof", obedient),
    ("kill/none-lost", none_lost),
    ("abandoned", abandoned),
]
