# SPDX-License-Identifier: MIT
"""What must not grow: with wards, descriptors, spawns; with the machine."""

import subprocess
import time
from statistics import median

import stage
from burden import end
from endings import AT_ONCE, cpu_ns, settle
from figures import Goal, Result, skip
from spawns import microseconds

STEPS = (10, 1000, 10000)
ROUNDS = 25
FLAT = Goal(1.1)
SPAWNS, MANY = 20000, 1000000


def pairs(hosts, rounds=ROUNDS):
    return microseconds(stage.turns(
        hosts, lambda h: h.ask(f"vfork 10 {stage.TRUE}"), rounds))


def growth(name, unit, rows):
    """ROWS: size -> rows of ours and empty.  What the size itself costs any
    host is in both; it is our share that must stay flat."""
    def ours(size):
        return [r["ours"] / r["empty"] for r in rows[size]]

    sizes = sorted(rows)
    first = median(ours(sizes[0]))
    results = []
    for size in sizes[1:]:
        series = [x / first for x in ours(size)]
        added = [r["ours"] - r["empty"] for r in rows[size]]
        base = [r["ours"] - r["empty"] for r in rows[sizes[0]]]
        results.append(Result(
            f"{name}, {size} {unit}", f"x at {sizes[0]}", FLAT, series,
            ways={f"added at {sizes[0]}": base, f"added at {size}": added},
            ways_unit="µs"))
    return results


def step_by_step(setting, name, unit, grow):
    """GROW(host, by) makes a host larger; measured at each of STEPS."""
    most = stage.most_wards(STEPS[-1])
    hosts = {w: setting.host(w, options=AT_ONCE) for w in ("empty", "ours")}
    rows, had = {}, 0
    try:
        for size in (*STEPS[:-1], most):
            for host in hosts.values():
                grow(host, size - had)
            had = size
            settle(1.2)
            rows[size] = pairs(hosts)
    finally:
        for way, host in hosts.items():
            host.send("reap")
            end(host) if way == "ours" else host.close()
    return growth(name, unit, rows)


def live_wards(setting):
    fifo = setting.fifo()
    try:
        return step_by_step(
            setting, "cost of a spawn", "live wards",
            lambda host, by: host.ask(f"live 1 {by} eof {fifo.path}"))
    finally:
        fifo.close()


def host_fds(setting):
    return step_by_step(setting, "cost of a spawn", "host fds",
                        lambda host, by: host.ask(f"fds {by}"))


def many_spawns(setting):
    total = MANY if setting.long else SPAWNS
    hosts = {w: setting.host(w) for w in ("empty", "ours")}
    rows = {}
    try:
        rows[1] = pairs(hosts)
        hosts["ours"].ask(f"threads 2 {total // 2} {stage.TRUE}", 3600)
        settle(1.2)
        rows[total] = pairs(hosts)
    finally:
        for host in hosts.values():
            host.close()
    return growth("cost of a spawn", "spawns later", rows)


def count(setting, host, times=11):
    """Censuses for HOST: (wall, processor) time of each in ms."""
    counter = setting.host("bare", [setting.program("census"),
                                    str(host.child.pid)])
    found = []
    for _ in range(times):
        before = cpu_ns([counter.child.pid])
        wall = counter.ask("") / 1e6
        found.append((wall, (cpu_ns([counter.child.pid]) - before) / 1e6))
    counter.close()
    return found


def census(setting):
    """One census for a host of ten wards, and one for a host of thousands;
    the same with a quarter of the processes tells the slope."""
    fifo = setting.fifo()
    small, large = setting.host("bare"), setting.host("bare")
    found, had = {}, 0
    try:
        small.ask(f"live 1 10 eof {fifo.path}")
        for n in (1250, 5000):
            large.ask(f"live 1 {n - had} eof {fifo.path}")
            had = n
            found[n] = count(setting, small)
        every = count(setting, large)
    finally:
        for host in (small, large):
            host.send("reap")
            host.close()
        fifo.close()
    wall, cpu = zip(*found[5000])
    slope = median(cpu) / median([c for _, c in found[1250]]) / 4
    return [
        Result("census of 5000 processes", "ms", Goal(150), wall,
               ways={"of that CPU": cpu,
                     "CPU if all are wards": [c for _, c in every]},
               ways_unit="ms"),
        Result("census, 5000 to 1250 processes", "x linear", Goal(1.1),
               [slope]),
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
    fifo = setting.fifo()
    host = setting.host("ours", options=AT_ONCE)
    try:
        host.ask(f"live 1 1000 eof {fifo.path}")
        settle(1.2)
        ps = command(setting, "ps over 1000 wards", ["ps", "--json"], 100)
        host.ask(f"live 1 1000 eof {fifo.path}")
        scan = command(setting, "scan over 2000 processes",
                       ["scan", "--json"], 300)
    finally:
        end(host)
        fifo.close()
    return [ps, scan]


MEASURES = [
    ("growth/wards", live_wards),
    ("growth/fds", host_fds),
    ("growth/spawns", many_spawns),
    ("census", census),
    ("commands", commands),
]
