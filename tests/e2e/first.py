# SPDX-License-Identifier: MIT
"""Nothing that is spawned is lost: not at the first moment, not in a storm.

The shim becomes active with the first channel that is made.  That takes a
tenth of a millisecond, which strace(1) makes longer here: whatever the other
threads spawn in that time is told of too.  And a guard that could not read
for so long that its queue was full looks for what could not be told.
"""

import os
import signal
import subprocess
import sys
import time

import proc
from guard import both_there
from instruments import LIMIT, Bench
from puppet import Puppet
from runner import Case
from scene import GRACE, LONG, TERM, expect
from waits import events, until_told

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


# A host's fork child forks by other means, and what comes of that is a host.
GRANDCHILD = """
import ctypes, os, subprocess
def ward():
    subprocess.run(["cat"], input=b"x", stdout=subprocess.PIPE, check=True)
ward()
if os.fork() == 0:
    if ctypes.CDLL(None)._Fork() == 0:
        ward()
        os._exit(0)
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def grandchild(s):
    b = Bench(s.setting.build, s.dir)
    subprocess.run([sys.executable, "-c", GRANDCHILD],
                   env=b.environment("ours"), check=True, timeout=LIMIT)
    b.close()
    found = b.listener.told[WARD]
    expect(found == 2, f"{found} of 2 are registered")


def all_are_told_of(s, front=()):
    found = told_of(s, front)
    expect(found == THREADS, f"{found} of {THREADS} are registered")


def known(s):
    return len(events(s, "ward"))


def switches(process):
    with open(f"/proc/{process.pid}/status") as f:
        return f.read().split("voluntary_ctxt_switches:")[1].split()[0]


def at_rest(process, quiet=0.3):
    """Waits until it has nothing more to look at for now."""
    deadline = time.monotonic() + LONG
    before = None
    while before != (before := switches(process)):
        expect(time.monotonic() < deadline, "the guard finds no rest")
        time.sleep(quiet)  # the silence is what is waited for


STORM = 16  # more than the queue has room for, by default


def deaf(s):
    """The guard is stopped amid a storm: what it missed is found later."""
    host = Puppet(s)
    host.ward("g0")
    guard = both_there(s)[0]
    at_rest(guard)  # and looks for no children for the next ten seconds
    guard.kill(signal.SIGSTOP)
    tags = [f"g{i}" for i in range(1, STORM)]
    for tag in tags:
        host.ward(tag, mode="stubborn")
    guard.kill(signal.SIGCONT)
    until_told(s, lambda: known(s) == STORM,
               lambda: f"{known(s)} of {STORM} wards are known")
    host.host.kill()
    host.host.wait()
    wards = s.wards("g0", *tags)
    when = proc.first_deaths(wards, time.monotonic() + GRACE + TERM + LONG)
    expect(len(when) == STORM, f"{STORM - len(when)} wards live on")
    s.nothing_of_ours(2.0)


def cases():
    yield Case("first/deaf-guard", deaf, False)
    yield Case("first/grandchild", grandchild, False)
    yield Case("first/threads", all_are_told_of, False)
    yield Case("first/threads-slow",
               lambda s: all_are_told_of(s, SLOW), False)
