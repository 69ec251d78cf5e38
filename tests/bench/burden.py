# SPDX-License-Identifier: MIT
"""What the guard itself takes: memory, wake-ups, processor time."""

import subprocess
import sys
import time

import stage
from endings import AT_ONCE, cpu_ns, settle
from figures import Goal, Result, skip

WATCH = 10.0   # seconds of silence
SHORT = 200    # short-lived children a round
COUNTS = (0, 1000, 5000)
MOST = 10000

# The watchdog that gateways put beside each child: it waits for a death.
WATCHDOG = """
import os, select, signal, subprocess, sys, threading
print("up", flush=True)
p = select.poll()
p.register(0, select.POLLIN)
p.poll()
"""


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def wake_ups(pids):
    """How often they have gone to sleep: as often they were woken."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            text = f.read()
        total += int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return total


def front_kib(setting, front):
    """The PSS of a peer in front of one host that does nothing."""
    host = setting.host(front)
    try:
        host.ask("fds 1")
        return pss_kib(host.child.pid)
    finally:
        host.close()


def watchdog_kib():
    child = subprocess.Popen([sys.executable, "-c", WATCHDOG],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        return pss_kib(child.pid)
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait()


def guarded(setting):
    """A host with a guard and no ward yet."""
    host = setting.host("ours", options=AT_ONCE)
    host.ask(f"vfork 1 {stage.TRUE}")
    settle(2.0)  # longer than its batch of censuses, and until it is quiet
    return host


def end(host):
    """Whatever it has goes with it, by its guard."""
    host.child.kill()
    host.close()
    stage.wait_until(lambda: not stage.guards())


def silence():
    """Wake-ups and CPU time (ns) of the guards while nothing happens.  Their
    last look after a burst of channels comes ten seconds later."""
    settle(10.5)
    pids = stage.guards()
    woken, cpu = wake_ups(pids), cpu_ns(pids)
    time.sleep(WATCH)  # the measure itself
    return wake_ups(pids) - woken, cpu_ns(pids) - cpu


def memory(setting):
    """PSS of guard and sentinel, and what each further ward adds."""
    peers = {f: [front_kib(setting, f)]
             for f in setting.ways("tini", "dumb-init", "catatonit")}
    fifo = setting.fifo()
    host = guarded(setting)
    pss, quiet, had = {}, None, 0
    most = stage.most_wards(MOST)
    try:
        for n in (*COUNTS, most):
            if n > had:
                host.ask(f"live 1 {n - had} silent {fifo.path}")
                had = n
                settle(2.0)
            pss[n] = sum(map(pss_kib, stage.guards()))
            if n == 1000:
                quiet = silence()
    finally:
        end(host)
        fifo.close()
    each = [(pss[n] - pss[0]) * 1024 / n for n in pss if n]
    return [
        Result("guard's memory, no ward", "KiB", Goal(300), [pss[0]],
               peers=peers, note="PSS, with its sentinel"),
        Result(f"guard's memory, per ward up to {most}", "B", Goal(512), each,
               peers={"Python watchdog": [watchdog_kib() * 1024]}),
        Result(f"guard's wake-ups in {WATCH:.0f} s, 1000 silent wards", "",
               Goal(0), [quiet[0]]),
        Result(f"guard's CPU in {WATCH:.0f} s, 1000 silent wards", "ms",
               Goal(0), [quiet[1] / 1e6]),
    ]


def short_lived(setting):
    """The guard's CPU time for children that are gone within 50 ms."""
    name = "guard's CPU per short-lived child"
    host = guarded(setting)
    series = []
    try:
        pids = stage.guards()
        if not pids:
            return [skip(name, "no guard runs")]
        for _ in range(5):
            before = cpu_ns(pids)
            host.ask(f"vfork {SHORT} {stage.TRUE}")
            settle(1.2)
            series.append((cpu_ns(pids) - before) / 1000 / SHORT)
    finally:
        end(host)
    return [Result(name, "µs", Goal(30), series,
                   note="with the guard's own censuses")]


MEASURES = [
    ("guard/memory", memory),
    ("guard/short-lived", short_lived),
]
