# SPDX-License-Identifier: MIT
"""What the shim adds, counted: the noise-free half of `make bench`.

System calls by strace(1), instructions of our own object by callgrind(1), each
as the difference of many spawns and few, so that what happens once is not in
it.  A change that adds one fails here, and one that saves some says so too:
then the numbers below are to be renewed by what this prints:

    tests/alone python3 tests/e2e/counts.py build
"""

import collections
import functools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from runner import Case
from scene import TREE, expect

# System calls that ours makes and an empty preload does not: at the start of a
# process that is no host, and for one spawn in the host and in its child.
START = {"mmap": -1}
CALLS = {
    "vfork": [
        {"getpid": 2, "newfstatat": 2, "openat": 1, "rt_sigprocmask": 2},
        {"close": 1, "faccessat2": 1, "fcntl": 2, "fstatfs": 2, "getpid": 6,
         "getppid": 2, "newfstatat": 4, "readlinkat": 2, "sendto": 1,
         "socket": 1}],
    "fork": [
        {"getpid": 3, "newfstatat": 2, "openat": 1, "rt_sigprocmask": 2},
        {"close": 1, "faccessat2": 1, "fcntl": 2, "fstatfs": 2, "getpid": 4,
         "getppid": 2, "newfstatat": 4, "readlinkat": 2, "sendto": 1,
         "socket": 1}],
    "posix_spawn": [
        {"close": 2, "fcntl": 2, "fstatfs": 2, "getpid": 9, "newfstatat": 6,
         "openat": 1, "read": 2, "readlinkat": 2, "rt_sigprocmask": 2,
         "sendto": 1, "socket": 1},
        {}],
    "plain": [{}, {}],
}

# Instructions in our object alone, the same way.  Those of gcc 12 with -O2;
# numbers in /proc have more or fewer digits, hence the tolerance.
INSTRUCTIONS = {
    "start": [1012],
    "vfork": [2806, 3797],
    "fork": [2925, 3797],
    "posix_spawn": [8500, 0],
    "plain": [0, 65],
}
TOLERANCE = 0.05
# Under valgrind the host does not wait for its child's exec, and what it then
# reads of the child is longer or shorter.
RACE = {"posix_spawn": 0.15}
PRODUCER = "GNU C11 12."

FEW, MANY = 2, 6
LIMIT = 60
TRUE = shutil.which("true") or "/bin/true"
WAYS = ("vfork", "fork", "posix_spawn", "plain")


class Listener:
    """Stands for a guard, and reads what it is told: so none is started, and
    no queue is ever full."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.name = f"childproof/{os.getpid()}/{id(self):x}"
        self.socket.bind("\0" + self.name)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while self.socket.recv(4096) != b"end":
            pass

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
MADE = re.compile(r'\d+ +sendto\(\d+, "\\1\\0PC\\2\\0')


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


def per_start(b):
    return difference(strace(b, "ours", [TRUE])[0],
                      strace(b, "empty", [TRUE])[0])


def per_spawn(b, how):
    """What one spawn adds, in the host and in the child."""
    added = []
    for part in (0, 1):
        many, few = ({way: strace(b, way, b.spawner(how, n))[part]
                      for way in ("ours", "empty")} for n in (MANY, FEW))
        ours = difference(many["ours"], few["ours"], MANY - FEW)
        empty = difference(many["empty"], few["empty"], MANY - FEW)
        added.append(difference(collections.Counter(ours),
                                collections.Counter(empty)))
    return added


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


def instructions(b, how):
    """[of the host, of the child] for one spawn."""
    host, child = {}, 0
    for n in (MANY, FEW):
        found = callgrind(b, b.spawner(how, n))
        host[n] = found.pop(min(found))[0]
        child = found[max(found)].get(2, 0) if found else 0
    return [round((host[MANY] - host[FEW]) / (MANY - FEW)), child]


def of_start(b):
    return callgrind(b, [TRUE]).popitem()[1][0]


def known_compiler(build):
    """Are the instructions those of our numbers?"""
    so = os.path.join(build, "libchildproof.so")
    done = subprocess.run(["readelf", "--debug-dump=info", so],
                          capture_output=True, text=True, check=True)
    m = re.search(r"DW_AT_producer.*", done.stdout)
    return m is not None and PRODUCER in m[0] and " -O2" in m[0]


def bench(s):
    return Bench(s.setting.build, s.dir)


def same_calls(s, how):
    b = bench(s)
    found = [per_start(b)] if how == "start" else per_spawn(b, how)
    wanted = [START] if how == "start" else CALLS[how]
    b.close()
    for part, is_now, was in zip(("host", "child"), found, wanted):
        expect(is_now == was, f"{part}: {is_now} system calls, not {was}")


def same_instructions(s, how):
    b = bench(s)
    found = [of_start(b)] if how == "start" else instructions(b, how)
    b.close()
    for part, is_now, was in zip(("host", "child"), found, INSTRUCTIONS[how]):
        expect(abs(is_now - was) <= RACE.get(how, TOLERANCE) * was,
               f"{part}: {is_now} instructions, not {was}")


def cases():
    count = known_compiler(os.environ.get("BUILD") or
                           os.path.join(TREE, "build"))
    if not count:
        print("left out: counts/instructions (another compiler or CFLAGS)")
    for how in ("start", *CALLS):
        yield Case(f"counts/calls/{how}",
                   functools.partial(same_calls, how=how), False)
        if count:
            yield Case(f"counts/instructions/{how}",
                       functools.partial(same_instructions, how=how), False)


def anew(build):
    with tempfile.TemporaryDirectory() as tmp:
        b = Bench(os.path.abspath(build), tmp)
        print("START =", per_start(b))
        print("CALLS = {")
        for how in WAYS:
            host, child = per_spawn(b, how)
            print(f"    {how!r}: [{host},\n        {child}],")
        print("}\nINSTRUCTIONS = {")
        print(f"    'start': [{of_start(b)}],")
        for how in WAYS:
            print(f"    {how!r}: {instructions(b, how)},")
        print("}")
        b.close()


if __name__ == "__main__":
    anew(sys.argv[1])
