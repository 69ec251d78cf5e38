# SPDX-License-Identifier: MIT
"""What the guard itself takes: memory, wake-ups, processor time."""

import subprocess
import sys
import time

import guards
import stage
from endings import AT_ONCE, children, end
from figures import Goal, Result

WATCH = 10.0   # seconds of silence
SHORT = 400    # short-lived children a round
QUIET_WARDS = 1000
FLOOR = "two processes with libc that wait"

# The watchdog that gateways put beside each child: it waits for a death.
WATCHDOG = """
import os, select, signal, subprocess, sys, threading
print("up", flush=True)
p = select.poll()
p.register(0, select.POLLIN)
p.poll()
"""


def kib(pid, *fields):
    """The sum of FIELDS of smaps_rollup: Pss, or what is PID's alone."""
    rows = (line.split() for line in
            guards.read(f"/proc/{pid}/smaps_rollup").splitlines()[1:])
    return sum(int(row[1]) for row in rows if row[0].rstrip(":") in fields)


def pss_kib(pids):
    return sum(kib(pid, "Pss") for pid in pids)


def own_kib(pids):
    """Without what it shares with anybody: libc's code, most of all."""
    return sum(kib(pid, "Private_Clean", "Private_Dirty") for pid in pids)


def front_kib(setting, front):
    """The PSS of a peer in front of one host that does nothing."""
    host = setting.host(front)
    try:
        host.ask("fds 1")
        return pss_kib([host.child.pid])
    finally:
        host.close()


def waiting_kib(setting, fifo):
    """The PSS of two processes that have libc and only wait, beside a host:
    as many share libc with them as with a guard and its sentinel."""
    host = setting.host("bare")
    try:
        host.ask(f"live 1 2 eof {fifo.path}")
        return pss_kib(children(host.child.pid))
    finally:
        host.send("reap")
        host.close()


def watchdog_kib():
    child = subprocess.Popen([sys.executable, "-c", WATCHDOG],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        return pss_kib([child.pid])
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait()


def silence():
    """Wake-ups and CPU time (ns) of the guards while nothing happens."""
    pids = guards.pids()
    woken, cpu = guards.wake_ups(pids), guards.cpu_ns(pids)
    time.sleep(WATCH)  # the measure itself
    return guards.wake_ups(pids) - woken, guards.cpu_ns(pids) - cpu


class Burden:
    """What a guard with more and more wards takes."""

    def __init__(self, setting, fifo):
        self.peers = {f: [front_kib(setting, f)]
                      for f in setting.ways("tini", "dumb-init", "catatonit")}
        self.peers[FLOOR] = [waiting_kib(setting, fifo)]
        self.pss, self.own, self.quiet = {}, 0, None

    def look(self, wards):
        """To be called as its only host has so many WARDS; 0 at first."""
        if 0 < wards < QUIET_WARDS:
            return
        guards.rest()
        pids = guards.pids()
        if not pids:
            raise ProcessLookupError("no guard runs")
        self.pss[wards] = pss_kib(pids)
        if wards == 0:
            self.own = own_kib(pids)
        if wards == QUIET_WARDS:
            self.quiet = silence()

    def memory(self):
        each = [(pss - self.pss[0]) * 1024 / n
                for n, pss in self.pss.items() if n > 0]
        note = f"PSS, with its sentinel; {self.own} KiB shared with nobody"
        return [
            Result("guard's memory, no ward", "KiB", Goal(300), [self.pss[0]],
                   peers=self.peers, floor=FLOOR, note=note),
            Result(f"guard's memory, per ward up to {max(self.pss)}", "B",
                   Goal(512), each,
                   peers={"Python watchdog": [watchdog_kib() * 1024]}),
        ]

    def results(self):
        silent = f"in {WATCH:.0f} s, {QUIET_WARDS} silent wards"
        woken, cpu = self.quiet
        return self.memory() + [
            Result(f"guard's wake-ups {silent}", "", Goal(0), [woken]),
            Result(f"guard's CPU {silent}", "ms", Goal(0), [cpu / 1e6]),
        ]


def short_lived(setting):
    """The guard's CPU time for children that are gone within 50 ms."""
    name = "guard's CPU per short-lived child"
    host = setting.host("ours", options=AT_ONCE)
    series = []
    try:
        host.ask(f"vfork 1 {stage.TRUE}")
        guards.rest(within=2.0)
        pids = guards.pids()
        if not pids:
            raise ProcessLookupError("no guard runs")
        before = guards.cpu_ns(pids)
        for _ in range(5):
            host.ask(f"vfork {SHORT} {stage.TRUE}")
            # A census that is put off for longer counts in the next round.
            guards.rest(within=2.0)
            now = guards.cpu_ns(pids)
            series.append((now - before) / 1000 / SHORT)
            before = now
    finally:
        end(host)
    return [Result(name, "µs", Goal(30), series,
                   note="with the guard's own censuses")]


MEASURES = [
    ("guard/short-lived", short_lived),
]
