# SPDX-License-Identifier: MIT
"""Scenes from the field: the host lives, and what it has forgotten goes.

Bare, each of these hosts leaks, by the count.  Guarded, what was forgotten
goes, and whoever is in use has every request answered all the while.
"""

import functools
import json
import os
import socket
import struct
import sys
import time

import proc
from population import (SAMPLE, Count, come, end, figures, finish,
                        journalled, watch, words)
from real import HOSTS, NODE
from runner import Case
from scene import GRACE, LONG, TERM, expect

IDLE = 2
# Two rounds of a guard that looks once a second, at the worst.
ROUND = 2.0
# The guard counts in whole milliseconds, and by another clock.
EARLY = 0.010


def start(s, name, *args, how, **options):
    """A Python host; what it imports may leave nothing in the tree."""
    return s.start([sys.executable, os.path.join(HOSTS, name), s.meet,
                    *map(str, args)], how=how, options=options,
                   env={"PYTHONDONTWRITEBYTECODE": "1"})


# --- a reconnect storm -------------------------------------------------------

CYCLES, PAUSE = 20, 0.5


def storm(s, how):
    """Each cycle starts a server, and forgets it with its pipes open."""
    start(s, "storm.py", s.program("server"), CYCLES, PAUSE, how=how, keep=1,
          idle=f"{IDLE}s")
    count = Count(s, "server")
    s.gather(host=1)
    live = words(s, "host")
    s.go("host")
    watch(s, count, come(s, "done"), 3 * LONG, "cycles")
    at_end = count.samples[-1]
    if how == "bare":
        expect(at_end == 1 + CYCLES, f"{at_end} servers, no leak")
    else:
        surplus = (IDLE + TERM + ROUND) / PAUSE
        expect(count.most() <= 1 + surplus, f"it grows: {count.samples}")
        # Of those that are not in use the newest is never retired.
        watch(s, count, lambda alive: len(alive) <= 2, IDLE + TERM + ROUND,
              "the connection in use, and the newest")
        expect(live[0] in count.pids(), "the connection in use has gone")
    said = finish(s, "done")
    figures(s, cycles=CYCLES, most=count.most(), at_end=at_end,
            settled=count.samples[-1], **said)


# --- a scheduler's tick ------------------------------------------------------

TICKS = 12
DROPPED = 3 * TICKS
CRON_GRACE = 1


def cron(s, how):
    """Half of the jobs are cancelled or raise; their siblings work on."""
    start(s, "cron.py", s.program("server"), TICKS, how=how,
          grace=f"{CRON_GRACE}s")
    count = Count(s, "server", "sh")
    watch(s, count, come(s, "done"), 3 * LONG, "ticks")
    live = words(s, "done")
    if how == "bare":
        watch(s, count, lambda alive: len(servers(alive)) == len(live)
              + DROPPED, LONG, "all that were dropped, and the live ones")
    else:
        # Of the three that work on, one has a shell in front of it.
        watch(s, count, lambda alive: len(alive) == len(live) + 1,
              CRON_GRACE + TERM + LONG, "only the jobs that work")
        expect(set(live) <= set(count.pids()), "the wrong ones are left")
    said = finish(s, "done")
    dropped = said.pop("dropped")
    expect(not said.pop("problems"), "a job failed")
    expect(len(dropped) == DROPPED, f"{len(dropped)} dropped")
    figures(s, live=len(live), dropped=DROPPED, most=count.most(),
            at_end=count.samples[-1], **said, **times(s, dropped, CRON_GRACE))


def servers(procs):
    return [p for p in procs if "server" in proc.programs(p.pid)]


def times(s, dropped, grace):
    """From the last close, or kill, to the first signal: least and most."""
    first = {}
    for line in journalled(s, "signal"):
        first.setdefault(line["child"]["pid"], line["time"])
    took = {}
    for pid, how, when in dropped:
        if pid in first:
            took.setdefault(how, []).append(round(first[pid] - when, 3))
    early = [t for how in took for t in took[how] if t < grace - EARLY]
    expect(not early, f"signals before the grace: {early}")
    return {f"{how}_to_signal": [min(t), max(t)] for how, t in took.items()}


# --- a bridge per turn -------------------------------------------------------

TURNS = 5
# A bridge, and two comebacks; once more, while nobody else lives.
STARTS = 1 + 2 + 1


def bridge(s, how):
    """Every turn a bridge, and a thread that will not let it go."""
    start(s, "bridge.py", TURNS, NODE[0], os.path.join(HOSTS, "bridge.mjs"),
          how=how, keep=1, idle=f"{IDLE}s")
    count = Count(s, "bridge.mjs")
    watch(s, count, come(s, "turns"), 3 * LONG, "turns")
    at_end = count.samples[-1]
    last = words(s, "turns")
    if how != "bare":
        settles(s, count, last)
    s.go("turns")
    watch(s, count, come(s, "asked"), LONG, "an answer")
    expect(words(s, "asked") == last, "another bridge answers")
    before = count.samples[-1]
    count.seen[last[0]].kill()
    s.go("asked")
    watch(s, count, come(s, "replaced"), LONG, "a replacement")
    new = words(s, "replaced")
    if how == "bare":
        expect(at_end == TURNS, f"{at_end} bridges, no leak")
        expect(len(count.alive()) == before, "not one for one")
    else:
        settles(s, count, new)
        expect(count.most() <= TURNS, f"it grows: {count.samples}")
        expect(journalled(s, "brake"), "no brake in the journal")
    said = finish(s, "replaced")
    expect(said["starts"][-1] == 2 and max(said["starts"]) <= STARTS,
           f"starts: {said['starts']}")
    figures(s, turns=TURNS, most=count.most(), at_end=at_end,
            settled=count.samples[-1], brakes=len(journalled(s, "brake")),
            **said)


CALM = 1.5


def settles(s, count, wanted):
    """One bridge is left, and stays for longer than a thread waits."""
    calm = int(CALM / SAMPLE)
    began = len(count.samples)

    def so(alive):
        return ([p.pid for p in alive] == wanted
                and len(count.samples) > began + calm
                and count.most(-calm) == 1)

    watch(s, count, so, 20.0, f"only {wanted}")


# --- browser tabs ------------------------------------------------------------

OPEN, ROUNDS = 4, 5


class Tab:
    """A browser's tab: its socket, and what it has asked."""

    def __init__(self, port, end):
        self.sent = self.answered = 0
        self.end = end
        self.socket = socket.create_connection(("127.0.0.1", port), LONG)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(end.encode() + b"\n")
        self.agent = int(self.file.readline())

    def ask(self):
        self.sent += 1
        request = {"jsonrpc": "2.0", "id": self.sent, "method": "ping"}
        text = json.dumps(request, separators=(",", ":")) + "\n"
        self.socket.sendall(text.encode())
        answer = json.loads(self.file.readline())
        expect(answer["id"] == self.sent and "result" in answer,
               f"answer {answer} to {self.sent}")
        self.answered += 1

    def vanish(self):
        """No goodbye: a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()


def tabs(s, how):
    """A tab that is gone leaves an agent, or the agent's worker."""
    start(s, "dashboard.py", sys.executable, os.path.join(HOSTS, "agent.py"),
          s.program("server"), how=how)
    s.gather(host=1)
    port = words(s, "host")[0]
    agents, workers = Count(s, "agent.py"), Count(s, "server")
    stay = [Tab(port, "close") for _ in range(OPEN)]
    dropped = []
    for _ in range(ROUNDS):
        drop = [Tab(port, do) for do in ("close", "kill") * 2]
        for tab in stay + drop:
            tab.ask()
        for tab in drop:
            dropped.append((tab.agent, tab.end, time.time()))
            tab.vanish()
    closed = killed = ROUNDS * 2
    wanted = (OPEN, OPEN)
    if how == "bare":
        wanted = (OPEN + closed, OPEN + closed + killed)

    def so(alive):
        for tab in stay:
            tab.ask()
        return (len(alive), len(workers.alive())) == wanted

    watch(s, agents, so, 2 * (GRACE + TERM) + ROUND,
          f"agents and workers {wanted}")
    figures(s, open=OPEN, closed=closed, killed=killed,
            agents=agents.samples[-1], workers=workers.samples[-1],
            sent=sum(t.sent for t in stay),
            answered=sum(t.answered for t in stay), **times(s, dropped, GRACE))
    for tab in stay:
        tab.close()
    end(s, "host")


def cases():
    P = functools.partial
    for name, run in (("storm", storm), ("cron", cron), ("bridge", bridge),
                      ("tabs", tabs)):
        yield Case(f"bare/field/{name}", P(run, how="bare"), True)
        yield Case(f"field/{name}", P(run, how="launcher"), False)
