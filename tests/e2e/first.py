# SPDX-License-Identifier: MIT
"""A host whose threads all spawn for the first time at once.

The shim becomes active with the first channel that is made.  That takes a
tenth of a millisecond, which strace(1) makes longer here: whatever the other
threads spawn in that time is told of too.
"""

import os
import subprocess

from counting import LIMIT, Bench
from runner import Case
from scene import expect

WARD = 1  # CP_MSG_WARD
THREADS = 16
SLOW = ["strace", "-f", "-qq", "-e", "trace=madvise",
        "-e", "inject=madvise:delay_enter=30000", "-o", os.devnull]


def told_of(s, front=()):
    """How many of one child for each thread are registered."""
    b = Bench(s.setting.build, s.dir)
    stub = os.path.join(b.build, "bench", "stub")
    spawner = os.path.join(b.build, "bench", "spawner")
    env = b.environment("ours")
    if front:
        front = [*front, *(w for k, v in env.items()
                           for w in ("-E", f"{k}={v}"))]
    subprocess.run([*front, spawner, f"threads {THREADS} 1 {stub} eof",
                    "quit"], env={"PATH": env["PATH"]} if front else env,
                   check=True, timeout=LIMIT, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    b.close()  # it has read all by then
    return b.listener.told[WARD]


def all_are_told_of(s, front=()):
    found = told_of(s, front)
    expect(found == THREADS, f"{found} of {THREADS} are registered")


def cases():
    yield Case("first/threads", all_are_told_of, False)
    yield Case("first/threads-slow",
               lambda s: all_are_told_of(s, SLOW), False)
