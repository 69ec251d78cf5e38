#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What childproof costs a host: `make bench`.

Each measure is taken bare, under an empty preload object and under ours, in
turn (A B C A B C ...) in one run, since timings drift; what is to be quoted is
the ratio to the empty object, pair by pair.  Run by tests/alone, in a PID
namespace.  Arguments: the build directory, and how many rounds (default 400).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 400
WAYS = ("bare", "empty", "ours")

# A host that spawns duplex children, and says how long one takes, in µs.
HOST = """
import subprocess, sys, time
for line in sys.stdin:
    t = time.perf_counter_ns()
    subprocess.run([sys.argv[1]], input=b"", stdout=subprocess.PIPE)
    print((time.perf_counter_ns() - t) / 1000, flush=True)
"""


def environment(way, empty):
    env = {"PATH": os.environ["PATH"],
           "CHILDPROOF_OPTIONS": "journal=none"}
    if way != "bare":
        env["LD_PRELOAD"] = (empty if way == "empty" else
                             os.path.join(BUILD, "libchildproof.so"))
    return env


def start_of_true(envs):
    """From posix_spawn of `true` to its end, from a host of no interest."""
    def once(way):
        t = time.perf_counter_ns()
        pid = os.posix_spawn("/bin/true", ["true"], envs[way])
        os.waitpid(pid, 0)
        return (time.perf_counter_ns() - t) / 1000
    return {w: once for w in WAYS}


def spawn_of_duplex(envs):
    """A CPython host's subprocess.run with stdin and stdout on pipes."""
    hosts = {w: subprocess.Popen([sys.executable, "-c", HOST, "/bin/true"],
                                 stdin=subprocess.PIPE, text=True, bufsize=1,
                                 stdout=subprocess.PIPE, env=envs[w])
             for w in WAYS}

    def once(way):
        hosts[way].stdin.write("\n")
        return float(hosts[way].stdout.readline())
    return {w: once for w in WAYS}


def measure(ways):
    """Interleaved; the first tenth is a warm-up."""
    rows = [{w: ways[w](w) for w in WAYS} for _ in range(ROUNDS)]
    return rows[ROUNDS // 10:]


def show(name, rows):
    print(f"\n{name} ({len(rows)} rounds, µs)")
    for way in WAYS:
        v = [r[way] for r in rows]
        ratio = statistics.median(r[way] / r["empty"] for r in rows)
        print(f"  {way:6} median {statistics.median(v):8.1f}"
              f"   min {min(v):8.1f}   max {max(v):9.1f}"
              f"   x empty preload {ratio:6.3f}")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        empty = os.path.join(tmp, "empty.so")
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-x",
                        "c", "/dev/null", "-o", empty], check=True)
        envs = {w: environment(w, empty) for w in WAYS}
        show("start of true", measure(start_of_true(envs)))
        show("duplex child of CPython, spawn to reap",
             measure(spawn_of_duplex(envs)))


if __name__ == "__main__":
    main()
