# SPDX-License-Identifier: MIT
"""Counts the processes of a scene while its host lives, sample by sample, and
what the host says that it has asked and was answered.

With CP_E2E_FIGURES in the environment, figures go to the file of that name,
one JSON object a line.
"""

import json
import os
import select
import time

import proc
from scene import expect

SAMPLE = 0.1


class Count:
    """The processes of a scene that run one of PROGRAMS, by samples."""

    def __init__(self, s, *programs):
        self.s = s
        self.programs = set(programs)
        self.seen = {}     # pid → Proc
        self.samples = []  # how many were alive

    def alive(self):
        """Looks at all anew: between fork and exec one has another name."""
        alive = [self.at(pid) for pid in proc.pids() if self.is_one(pid)]
        alive = [p for p in alive if p is not None and not p.dead()]
        self.samples.append(len(alive))
        return alive

    def is_one(self, pid):
        return (self.programs.intersection(proc.programs(pid))
                and proc.cwd(pid) == self.s.work)

    def at(self, pid):
        if pid not in self.seen or self.seen[pid].dead():
            try:
                self.seen[pid] = proc.Proc(pid, "server")
            except ProcessLookupError:
                return None
            self.s.all.append(self.seen[pid])
        return self.seen[pid]

    def pids(self):
        return sorted(p.pid for p in self.alive())

    def most(self, since=0):
        return max(self.samples[since:])


def watch(s, count, until, within, what):
    """Samples COUNT until UNTIL(alive) holds."""
    deadline = time.monotonic() + within
    p = select.poll()
    p.register(s.listener, select.POLLIN)
    while True:
        alive = count.alive()
        if until(alive):
            return alive
        expect(not s.hosts[0].dead(), "the host has ended")
        expect(time.monotonic() < deadline,
               f"{within:.1f}s and not yet: {what}; alive at each sample: "
               f"{count.samples}")
        if p.poll(SAMPLE * 1000):
            s.answer_one()


def come(s, tag):
    """For watch: the host has called as TAG."""
    return lambda alive: tag in s.met


def words(s, tag):
    """The numbers that the host said with TAG, after its PIDs."""
    return [int(w) for w in s.met[tag][0].words[2:]]


def end(s, tag):
    """Lets the host end, and nothing of ours stays."""
    s.guard += s.guards_now()
    s.go(tag)
    host = s.hosts[0]
    expect(host.wait() == 0, f"wait status {host.raw:#x}")
    expect(s.read(s.err) == "", "something on stderr")
    if s.guard:
        s.nothing_of_ours(2.0)


def finish(s, tag):
    """Lets the host end; returns what it says that it has counted."""
    end(s, tag)
    said = json.loads(s.read(s.out).splitlines()[-1])
    expect(said["sent"] == said["answered"] > 0,
           f"{said['sent']} requests, {said['answered']} answered")
    return said


def figures(s, **numbers):
    path = os.environ.get("CP_E2E_FIGURES")
    if path:
        with open(path, "a") as f:
            f.write(json.dumps({"case": s.name, **numbers}) + "\n")


def journalled(s, event):
    return [line for line in s.journal_lines() if line["event"] == event]
