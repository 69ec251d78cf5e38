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
import subprocess
import sys
import tempfile

from instruments import TRUE, Bench, callgrind, difference, strace
from runner import Case
from scene import TREE, expect

# System calls that ours makes and an empty preload does not: at the start of a
# process that is no host, and for one spawn in the host and in its child.
START = {"mmap": -2}
CALLS = {
    "vfork": [
        {"fstat": 2, "getpid": 2, "rt_sigprocmask": 2},
        {"clock_gettime": 1, "close": 1, "fcntl": 4, "fstat": 4, "getpid": 2,
         "getppid": 1, "sendto": 1, "socket": 1}],
    "fork": [
        {"fstat": 2, "getpid": 3, "rt_sigprocmask": 2},
        {"clock_gettime": 1, "close": 1, "fcntl": 4, "fstat": 4, "getpid": 1,
         "getppid": 1, "kcmp": 2, "prctl": 1, "sendto": 1, "socket": 1}],
    "posix_spawn": [
        {"clock_gettime": 1, "close": 1, "fcntl": 6, "fstat": 8, "getpid": 3,
         "rt_sigprocmask": 2, "sendto": 1, "socket": 1},
        {}],
    "plain": [{}, {}],
}

# Instructions in our object alone, the same way.  Those of gcc 12 with -O2;
# numbers in /proc have more or fewer digits, hence the tolerance.
INSTRUCTIONS = {
    "start": [1428],
    "vfork": [1534, 4589],
    "fork": [1752, 4589],
    "posix_spawn": [6850, 0],
    "plain": [0, 67],
}
TOLERANCE = 0.1
# Under valgrind the host does not wait for its child's exec, and what it then
# reads of the child is longer or shorter; and all of it is slow: once a second
# the host says that it makes channels.
RACE = {"posix_spawn": 0.15, "vfork": 0.15, "fork": 0.15}
PRODUCER = "GNU C11 12."

FEW, MANY = 2, 6
WAYS = ("vfork", "fork", "posix_spawn", "plain")


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
