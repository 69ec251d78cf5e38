# SPDX-License-Identifier: MIT
"""From a death, or a last close, to the last ward's end.

The wards all hold a FIFO whose EOF is the death of the last of them, whoever
ends them, in whatever namespace.
"""

import os
import signal
import time

import stage
from figures import Goal, Result, ratio, skip

AT_ONCE = "grace=0:exit-grace=0:term=0"
GIVE_UP = 20.0


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


def kill_host(setting, way, n, mode, threads=1):
    """SIGKILL of a host with N wards to their last death, in ms."""
    fifo = setting.fifo()
    host = setting.host(way, options=AT_ONCE)
    try:
        host.ask(f"live {threads} {n // threads} {mode} {fifo.path}")
        if way == "ours":
            settle()
        pidfd = os.pidfd_open(find(host.child.pid,
                                   setting.program("spawner")))
        began = time.perf_counter()
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        ended = fifo.closed(GIVE_UP)
        took = (time.perf_counter() - began) * 1000
        os.close(pidfd)
        return took if ended else None
    finally:
        host.close()
        fifo.close()
        if way == "ours":
            stage.wait_until(lambda: not stage.guards())


def cpu_ns(pids):
    """CPU time of the processes PIDS, all threads; one that ended counts 0."""
    total = 0
    for pid in pids:
        try:
            # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of the kernel.
            total += time.clock_gettime_ns((~pid << 3) | 2)
        except OSError:
            pass
    return total


def settle(quiet=0.1):
    """Waits until the guard has nothing more to do for now."""
    def same():
        pids = stage.guards()
        before = cpu_ns(pids)
        time.sleep(quiet)
        return cpu_ns(pids) == before
    stage.wait_until(same)


def kills(setting, name, mode, counts, versus, goal):
    """COUNTS: wards -> (rounds, is there a goal for so few?)."""
    ways = setting.ways("ours", *versus)
    results = []
    for n, (rounds, judged) in counts.items():
        rows = [{w: kill_host(setting, w, n, mode) for w in ways}
                for _ in range(rounds)]
        title = f"{name}, {n} ward{'s' if n > 1 else ''}"
        if versus[0] not in ways:
            results.append(skip(title, f"{versus[0]} is not installed"))
        elif any(r["ours"] is None for r in rows):
            results.append(Result(title, "ms", goal, [GIVE_UP * 1000],
                                  note="not all wards ended"))
        else:
            results.append(ratio(title, rows, versus[0],
                                 goal if judged else None, "ms"))
    return results


def stubborn(setting):
    return kills(setting, "host killed, stubborn", "stubborn",
                 {1: (15, False), 100: (9, True), 1000: (5, True)},
                 ("unshare", "bwrap"), Goal(1.5))


def obedient(setting):
    return kills(setting, "host killed, EOF obeyed", "eof",
                 {1: (15, True), 100: (9, True), 1000: (5, True)},
                 ("bare",), Goal(1.1))


def none_lost(setting):
    """What was registered in a storm from 32 threads dies with the host."""
    name = "storm of 32 threads, wards that outlive the host"
    took = kill_host(setting, "ours", 1600, "stubborn", 32)
    return [Result(name, "runs that lost some", Goal(0), [int(took is None)],
                   note="of 1600")]


def abandoned(setting):
    """The last host end closed -> SIGTERM, with grace=0."""
    name = "last host end closed to SIGTERM's effect"
    series = []
    fifo = setting.fifo()
    for _ in range(15):
        host = setting.host("ours", options=AT_ONCE)
        try:
            host.ask(f"live 1 1 silent {fifo.path}")
            settle()
            closed = host.ask("abandon") / 1e9
            if not fifo.closed(GIVE_UP):
                break
            series.append((time.monotonic() - closed) * 1000)
        finally:
            host.child.kill()
            host.close()
            stage.wait_until(lambda: not stage.guards())
    fifo.close()
    if len(series) < 15:
        return [Result(name, "ms", Goal(2), [GIVE_UP * 1000],
                       note="it lived on")]
    return [Result(name, "ms", Goal(2), series)]


MEASURES = [
    ("kill/stubborn", stubborn),
    ("kill/eof", obedient),
    ("kill/none-lost", none_lost),
    ("abandoned", abandoned),
]
