# SPDX-License-Identifier: MIT
"""What a process start and a spawn cost, beside those of an empty preload."""

import os
import shutil
import sys
import time

import stage
from figures import Goal, ratio, skip

HEAP_MIB = 3072
THREADS, EACH = 32, 4
GENERATIONS = 8
WARM = 6  # turns, until a host has told its guard that it spawns a lot
PLAIN = 2000

# Like the spawner: `N PROGRAM` spawns and reaps it N times, ns a child.
PYTHON = """
import subprocess, sys, time
for line in sys.stdin:
    n, program = line.split()
    t = time.perf_counter_ns()
    for _ in range(int(n)):
        subprocess.run([program], input=b"", stdout=subprocess.PIPE)
    print((time.perf_counter_ns() - t) // int(n), flush=True)
"""

NODE = """
const { spawn } = require("node:child_process");
const once = (program) => new Promise((done) => {
  const c = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
  c.on("close", done);
  c.stdout.resume();
  c.stdin.end();
});
require("node:readline").createInterface(process.stdin)
  .on("line", async (line) => {
    const [n, program] = line.split(" ");
    const t = process.hrtime.bigint();
    for (let i = 0; i < n; i++) await once(program);
    console.log(String((process.hrtime.bigint() - t) / BigInt(n)));
  });
"""


def microseconds(rows):
    return [{w: ns / 1000 for w, ns in r.items()} for r in rows]


def compare(hosts, line, rounds, warm=2):
    """The answers of all HOSTS to LINE, turn by turn, in µs."""
    return microseconds(stage.turns(hosts, lambda h: h.ask(line), rounds,
                                    warm))


def with_hosts(setting, ways, line, rounds, argv=None):
    """The same of several generations of hosts: where the kernel happens to
    put things in a process makes it 2 % quicker or slower for its life."""
    rows = []
    for _ in range(GENERATIONS):
        hosts = {w: setting.host(w, argv) for w in ways}
        try:
            rows += compare(hosts, line, rounds // GENERATIONS, WARM)
        finally:
            for host in hosts.values():
                host.close()
    return rows


def start_of_true(setting):
    """From posix_spawn of `true` to its end, from a host of no interest."""
    ways = setting.ways("bare", "empty", "ours", "eatmydata")
    envs = {w: setting.environment(w) for w in ways}

    def four(env):
        t = time.perf_counter_ns()
        for _ in range(4):
            pid = os.posix_spawn(stage.TRUE, ["true"], env)
            os.waitpid(pid, 0)
        return (time.perf_counter_ns() - t) / 4

    rows = microseconds(stage.turns(envs, four, 300))
    return [ratio("start of true", rows, "empty", Goal(1.05), "µs")]


def duplex(setting, way):
    ways = setting.ways("bare", "empty", "ours", "tini", "strace")
    rows = with_hosts(setting, ways, f"{way} 4 {stage.TRUE}", 240)
    return [ratio(f"duplex child by {way}", rows, "empty", Goal(1.05), "µs")]


def interpreter(setting, name, argv, n, rounds):
    if shutil.which(argv[0]) is None:
        return [skip(name, f"{argv[0]} is not installed")]
    ways = setting.ways("bare", "empty", "ours", "tini")
    rows = with_hosts(setting, ways, f"{n} {stage.TRUE}", rounds, argv)
    return [ratio(name, rows, "empty", Goal(1.05), "µs")]


def python(setting):
    return interpreter(setting, "duplex child by CPython subprocess.run",
                       [sys.executable, "-c", PYTHON], 3, 400)


def node(setting):
    return interpreter(setting, "duplex child by Node spawn",
                       ["node", "-e", NODE], 3, 256)


def available_mib():
    with open("/proc/meminfo") as f:
        for line in f:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    return 0


def large_heap(setting):
    """A spawn must not copy page tables."""
    ways = ("empty", "ours")
    if available_mib() < len(ways) * HEAP_MIB * 5 // 4:
        return [skip("duplex child, 3 GiB heap",
                     f"needs {len(ways) * HEAP_MIB} MiB of free memory")]
    hosts = {w: setting.host(w) for w in ways}
    try:
        stage.ask_all(hosts.values(), f"heap {HEAP_MIB}")
        return [ratio(f"duplex child by {way}, 3 GiB heap",
                      compare(hosts, f"{way} 4 {stage.TRUE}", 200),
                      "empty", Goal(1.05), "µs")
                for way in ("vfork", "posix_spawn")]
    finally:
        for host in hosts.values():
            host.close()


def threads(setting):
    ways = ("bare", "empty", "ours")
    rows = with_hosts(setting, ways,
                      f"threads {THREADS} {EACH} {stage.TRUE}", 40)
    rows = [{w: 1e6 / us for w, us in r.items()} for r in rows]
    return [ratio(f"{THREADS} threads spawning, throughput", rows, "empty",
                  Goal(0.95, least=True), "/s")]


def no_channel(setting):
    """As make does; none of these is of any interest to us."""
    ways = ("bare", "empty", "ours")
    rows = with_hosts(setting, ways, f"plain 4 {stage.TRUE}", PLAIN // 4)
    return [ratio(f"{PLAIN} children without a channel", rows, "empty",
                  Goal(1.02), "µs")]


MEASURES = [
    ("start", start_of_true),
    ("spawn/vfork", lambda s: duplex(s, "vfork")),
    ("spawn/fork", lambda s: duplex(s, "fork")),
    ("spawn/posix_spawn", lambda s: duplex(s, "posix_spawn")),
    ("spawn/python", python),
    ("spawn/node", node),
    ("spawn/heap", large_heap),
    ("spawn/threads", threads),
    ("spawn/no-channel", no_channel),
]
