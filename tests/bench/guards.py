# SPDX-License-Identifier: MIT
"""The guards of this namespace, as /proc shows them: what they have used, and
whether they have anything left to do."""

import os
import time

import stage

# After so long without an event a guard gives memory back, and sleeps on.
QUIET = 0.3
OFF = "it_value: (0, 0)"
# Its censuses may take a twentieth of a processor, and of many processes one
# takes half a second.
LONGEST = 12.0


def read(path):
    with open(path) as f:
        return f.read()


def text(path):
    """The same of a process that may have ended: nothing."""
    try:
        return read(path)
    except OSError:
        return ""


def pids():
    """Guards and sentinels."""
    return sorted(int(pid) for pid in filter(str.isdigit, os.listdir("/proc"))
                  if text(f"/proc/{pid}/comm").startswith("childproof-guar"))


def cpu_of(pid):
    try:
        # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of the kernel.
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0


def cpu_ns(which):
    """CPU time of the processes WHICH, all threads; 0 of one that ended."""
    return sum(map(cpu_of, which))


def wake_ups(which):
    """How often they have gone to sleep: as often they were woken."""
    return sum(int(read(f"/proc/{pid}/status")
                   .split("\nvoluntary_ctxt_switches:")[1].split()[0])
               for pid in which)


def timer(pid):
    """Where a guard's only timer is, or "": a sentinel has none."""
    for fd in range(3, 32):
        path = f"/proc/{pid}/fdinfo/{fd}"
        if "it_value" in text(path):
            return path
    return ""


def settle(quiet=0.1, over=lambda: True, within=stage.LIMIT):
    """Waits until no guard has run for QUIET seconds, and it is OVER()."""
    which = pids()
    before, since = cpu_ns(which), time.monotonic()
    deadline = since + within
    while time.monotonic() - since < quiet:
        time.sleep(quiet / 10)
        now = cpu_ns(which)
        if now != before or not over():
            before, since = now, time.monotonic()
        if since > deadline:
            return False
    return True


def rest(within=LONGEST):
    """Waits until no guard has anything to do, now or later.  One that sweeps
    its wards for ever does not get there: False."""
    timers = list(filter(None, map(timer, pids())))
    return settle(QUIET, lambda: all(OFF in text(t) for t in timers), within)


def gone():
    return stage.wait_until(lambda: not pids())
