# SPDX-License-Identifier: MIT
"""What must not grow: with wards, descriptors, spawns; with the machine."""

import subprocess
import time

import stage
from burden import end
from endings import AT_ONCE, settle
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
    first = sorted(ours(sizes[0]))[len(rows[sizes[0]]) // 2]
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


def census(setting):
    """One census with N processes there; a quarter of them tells the slope."""
    program = setting.program("census")
    fifo = setting.fifo()
    host = setting.host("bare")
    series, had = {}, 0
    try:
        for n in (1250, 5000):
            host.ask(f"live 1 {n - had} eof {fifo.path}")
            had = n
            counter = setting.host("bare", [program, str(host.child.pid)])
            series[n] = [counter.ask("") / 1e6 for _ in range(11)]
            counter.close()
    finally:
        host.send("reap")
        host.close()
        fifo.close()
    few, many = (sorted(series[n])[5] for n in (1250, 5000))
    return [
        Result("census of 5000 processes", "ms", Goal(150), series[5000],
               ways={"1250 processes": series[1250]}, ways_unit="ms",
               note="every one of them a ward of interest"),
        Result("census, 5000 to 1250 processes", "x 4 (linear)", Goal(1.25),
               [many / few / 4]),
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
