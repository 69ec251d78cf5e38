# SPDX-License-Identifier: MIT
"""What must not grow: with wards, descriptors, spawns; with the machine."""

import contextlib
import subprocess
import time
from statistics import median

import guards
import stage
from burden import Burden
from endings import AT_ONCE, end
from figures import Goal, Result, skip
from spawns import microseconds

STEPS = (10, 1000, 10000)
ROUNDS = 40
FLAT = Goal(1.1)
SPAWNS, MANY = 20000, 1000000
# An empty preload whose host stays as it is: it drifts as all others do.
SMALL = "small"
FEW, FULL = 1250, 5000  # processes that a census looks at
WALK = "bare loop in C"


def spawn_times(hosts):
    return microseconds(stage.turns(
        hosts, lambda h: h.ask(f"vfork 4 {stage.TRUE}"), ROUNDS))


def growth(unit, rows):
    """ROWS: size -> turns of all hosts.  What an empty preload's spawns grow
    by is the kernel's part, the floor; what ours grow by beyond that, ours."""
    first, *sizes = sorted(rows)

    def to(base, way, size):
        return [r[way] / r[base] for r in rows[size]]

    def grown(base, way, size):
        before = median(to(base, way, first))
        return [x / before for x in to(base, way, size)]

    def result(size):
        others = [w for w in rows[size][0] if w not in (SMALL, "ours")]
        peers = {w: grown(SMALL, w, size) for w in others}
        if others:
            peers["beyond empty"] = grown("empty", "ours", size)
        ways = {"ours": [r["ours"] for r in rows[size]],
                f"at {first}": [r["ours"] for r in rows[first]]}
        return Result(f"cost of a spawn, {size} {unit}", f"x at {first}", FLAT,
                      grown(SMALL, "ours", size), peers=peers,
                      floor="empty" if others else None,
                      ways=ways, ways_unit="µs")

    return [result(size) for size in sizes]


def step_by_step(setting, others, unit, line, look=lambda size: None):
    """LINE, with a number in it, makes a host larger by that; measured at each
    of STEPS.  LOOK is called as only ours has that size."""
    ours = setting.host("ours", options=AT_ONCE)
    hosts = {"ours": ours}
    rows, had = {}, 0
    try:
        ours.ask(f"vfork 1 {stage.TRUE}")
        look(0)
        hosts.update({w: setting.host(w) for w in others})
        hosts[SMALL] = setting.host("empty")
        hosts[SMALL].ask(line.format(STEPS[0]))
        for size in (*STEPS[:-1], stage.most_wards(STEPS[-1])):
            ours.ask(line.format(size - had))
            look(size)
            for way in others:
                hosts[way].ask(line.format(size - had))
            had = size
            guards.settle(0.3, within=5.0)
            rows[size] = spawn_times(hosts)
    finally:
        for host in hosts.values():
            host.send("reap")
        for way, host in hosts.items():
            end(host) if way == "ours" else host.close()
    return growth(unit, rows)


def live_wards(setting):
    """Thousands of wards take their time to come up: what can be learnt of
    them, is."""
    with contextlib.closing(setting.fifo()) as fifo:
        burden = Burden(setting, fifo)
        grown = step_by_step(setting, ("empty",), "live wards",
                             f"live 1 {{}} eof {fifo.path}", burden.look)
    return burden.results() + grown


def host_fds(setting):
    return step_by_step(setting, ("bare", "empty"), "host fds", "fds {}")


def many_spawns(setting):
    total = MANY if setting.long else SPAWNS
    hosts = {SMALL: setting.host("empty"), "ours": setting.host("ours")}
    rows = {}
    try:
        rows[1] = spawn_times(hosts)
        hosts["ours"].ask(f"threads 2 {total // 2} {stage.TRUE}", 3600)
        guards.settle(0.3, within=5.0)
        rows[total] = spawn_times(hosts)
    finally:
        for host in hosts.values():
            host.close()
    return growth("spawns later", rows)


def timed(host):
    """(wall, processor) time of one answer of HOST, in ms."""
    before = guards.cpu_ns([host.child.pid])
    wall = host.ask("") / 1e6
    return wall, (guards.cpu_ns([host.child.pid]) - before) / 1e6


def compare_walks(setting, host, times=9):
    """A census for HOST and the bare walk, in turn: rows of `timed`."""
    walkers = {
        "ours": setting.host("bare", [setting.program("census"),
                                      str(host.child.pid)]),
        WALK: setting.host("bare", [setting.program("floor"), "walk"])}
    try:
        return stage.turns(walkers, timed, times, warm=1)
    finally:
        for walker in walkers.values():
            walker.close()


def walks_by_size(setting, fifo):
    """Those for a host of ten wards among 1250 and 5000 processes, and for the
    host that has them all: what it takes if all of them matter."""
    small, large = setting.host("bare"), setting.host("bare")
    found, had = {}, 0
    try:
        small.ask(f"live 1 10 eof {fifo.path}")
        for n in (FEW, FULL):
            large.ask(f"live 1 {n - had} eof {fifo.path}")
            had = n
            found[n] = compare_walks(setting, small)
        return found, compare_walks(setting, large, 5)
    finally:
        for host in (small, large):
            host.send("reap")
        for host in (small, large):
            host.close()


def census(setting):
    """One census for a host of ten wards, and one for a host of thousands;
    the same with a quarter of the processes tells the slope."""
    with contextlib.closing(setting.fifo()) as fifo:
        found, every = walks_by_size(setting, fifo)

    def wall(way, rows):
        return [r[way][0] for r in rows]

    def cpu(way, rows):
        return [r[way][1] for r in rows]

    def slope(way):
        return [median(cpu(way, found[FULL])) / median(cpu(way, found[FEW]))
                / (FULL / FEW)]

    return [
        Result(f"census of {FULL} processes", "ms", Goal(150),
               wall("ours", found[FULL]), floor=WALK,
               peers={WALK: wall(WALK, found[FULL])},
               ways={"of that CPU": cpu("ours", found[FULL]),
                     "CPU if all are wards": cpu("ours", every)},
               ways_unit="ms"),
        Result(f"census, {FULL} to {FEW} processes", "x linear", Goal(1.1),
               slope("ours"), peers={WALK: slope(WALK)}, floor=WALK),
    ]


def command(setting, name, argv, goal_ms):
    """How long a command takes, if there is one yet."""
    env = setting.environment("bare")
    series = []
    for _ in range(7):
        began = time.perf_counter()
        done = subprocess.run([setting.part("childproof"), *argv], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              check=False)
        series.append((time.perf_counter() - began) * 1000)
        if done.returncode >= 125:
            why = done.stderr.decode(errors="replace").strip()
            return skip(name, why.split(" (")[0])
    return Result(name, "ms", Goal(goal_ms), series)


def commands(setting):
    host = setting.host("ours", options=AT_ONCE)
    with contextlib.closing(setting.fifo()) as fifo:
        try:
            host.ask(f"live 1 1000 eof {fifo.path}")
            guards.rest()
            ps = command(setting, "ps over 1000 wards", ["ps", "--json"], 100)
            host.ask(f"live 1 1000 eof {fifo.path}")
            scan = command(setting, "scan over 2000 processes",
                           ["scan", "--json"], 300)
        finally:
            end(host)
    return [ps, scan]


MEASURES = [
    ("guard/memory,growth/wards", live_wards),
    ("growth/fds", host_fds),
    ("growth/spawns", many_spawns),
    ("census", census),
    ("commands", commands),
]
