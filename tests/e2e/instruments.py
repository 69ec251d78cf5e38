# SPDX-License-Identifier: MIT
"""Counts what a program does under a preload: system calls, instructions.

The tools for counts.py: strace(1) and callgrind(1) run, what they wrote read.
"""

import collections
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

LIMIT = 60
TRUE = shutil.which("true") or "/bin/true"


class Listener:
    """Stands for a guard, and reads what it is told: so none is started, and
    no queue is ever full.  `told` counts messages by their type."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.name = f"childproof/{os.getpid()}/{id(self):x}"
        self.socket.bind("\0" + self.name)
        self.told = collections.Counter()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while (message := self.socket.recv(4096)) != b"end":
            self.told[int.from_bytes(message[4:6], sys.byteorder)] += 1

    def close(self):
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        end.sendto(b"end", "\0" + self.name)
        end.close()
        self.thread.join()
        self.socket.close()


class Bench:
    """A build, a directory for what the tools write, and a listener."""

    def __init__(self, build, tmp):
        self.build = build
        self.tmp = tmp
        self.listener = Listener()

    def close(self):
        self.listener.close()

    def preload(self, way):
        return os.path.join(self.build, "libchildproof.so" if way == "ours"
                            else "bench/empty.so")

    def environment(self, way):
        return {"PATH": os.environ["PATH"], "LANG": "C",
                "LD_PRELOAD": self.preload(way),
                "CHILDPROOF_GUARD": self.listener.name,
                "CHILDPROOF_OPTIONS": "journal=none"}

    def run(self, argv, env):
        subprocess.run(argv, env=env, check=True, timeout=LIMIT,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def spawner(self, how, n):
        """The child lives until its host has closed its ends: the shim finds
        it alive each time.  Without a channel it has nothing to wait for."""
        stub = os.path.join(self.build, "bench", "stub")
        child = TRUE if how == "plain" else f"{stub} eof"
        return [os.path.join(self.build, "bench", "spawner"),
                f"{how} {n} {child}", "quit"]


# The host says that it makes channels: once a second, not once a spawn.
MADE = re.compile(r'\d+ +sendto\(\d+, "\\\d+\\0PC\\2\\0')


def calls(text):
    """(host's, children's until their exec): counters of system calls."""
    host, child = collections.Counter(), collections.Counter()
    first, running = None, set()
    for line in text.splitlines():
        if MADE.match(line):
            host.subtract(("socket", "close"))
            continue
        m = re.match(r"(\d+) +(\w+)\(", line)
        if m is None:
            continue
        pid, name = m.groups()
        first = first or pid
        if pid == first:
            host[name] += 1
        elif pid not in running:
            child[name] += 1
            if name == "execve":
                running.add(pid)
    return host, child


def strace(b, way, argv):
    out = os.path.join(b.tmp, "strace")
    env = b.environment(way)
    words = [w for k, v in env.items() for w in ("-E", f"{k}={v}")]
    b.run(["strace", "-f", "-o", out, *words, "--", *argv],
          {"PATH": env["PATH"]})
    with open(out) as f:
        return calls(f.read())


def difference(more, less, by=1):
    """{name: how many more}, each divided BY, which must divide it."""
    found = {}
    for name in sorted(set(more) | set(less)):
        n = more[name] - less[name]
        if n:
            found[name] = n // by if n % by == 0 else n / by
    return found


def cost(path):
    """The instructions in our object that a file of callgrind's has."""
    total, ours, names, inner = 0, False, {}, False
    with open(path) as f:
        for line in f:
            m = re.match(r"ob=(\(\d+\))(?: (.*))?", line)
            if m:
                names.setdefault(m[1], m[2])
                ours = names[m[1]].endswith("/libchildproof.so")
            elif line.startswith("cob="):  # may name it first
                m = re.match(r"cob=(\(\d+\))(?: (.*))?", line)
                names.setdefault(m[1], m[2])
            elif line.startswith("calls="):
                inner = True  # the next line counts what was called
            elif re.match(r"[+*\d-]", line):
                if ours and not inner:
                    total += int(line.split()[1])
                inner = False
    return total


def callgrind(b, argv):
    """{pid: {dump: instructions}}; dump 0 is that of the end, a child has
    one at our execve and one at libc's: the second is what lies between."""
    where = tempfile.mkdtemp(dir=b.tmp)
    b.run(["valgrind", "--tool=callgrind", "--dump-before=execve",
           f"--callgrind-out-file={where}/%p", "--", *argv],
          b.environment("ours"))
    found = collections.defaultdict(dict)
    for name in os.listdir(where):
        path = os.path.join(where, name)
        if os.path.getsize(path):
            pid, _, dump = name.partition(".")
            found[int(pid)][int(dump or 0)] = cost(path)
    return found
