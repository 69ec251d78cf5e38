# SPDX-License-Identifier: MIT
"""Real hosts: CPython and Node, with the wards that the others have."""

import functools
import os
import shutil
import signal
import sys
import time

import proc
import same
from leaks import OBEYS_EOF, SOMEHOW, STUBBORN, Row, in_time
from runner import Case
from scene import (GRACE, LONG, PROMPT, SLACK, SPARE, TERM, TREE, expect)

HOSTS = os.path.join(TREE, "tests", "hosts")
PYTHON = [sys.executable, os.path.join(HOSTS, "py_host.py")]
NODE = [shutil.which("node") or "node", os.path.join(HOSTS, "node_host.mjs")]

PYTHON_WAYS = ("popen", "session", "preexec", "no-env", "worker", "ended",
               "shell", "posix_spawn", "pty", "asyncio")
NODE_WAYS = ("spawn", "detached", "no-env", "shell", "execFile", "ipc",
             "worker")


def start(s, host, way, how, mode="stubborn", **count):
    child = s.start([*host, way, s.meet, s.program("ward"), mode], how=how)
    s.gather(host=1, g0=1, **count)
    expect(s.met["host"][0].pid == child.pid, "the host has another PID")
    return child


def end(s, child, death):
    if death == "exit":
        s.go()
    else:
        child.kill(getattr(signal, death))
    status = 7 << 8 if death == "exit" else getattr(signal, death)
    expect(child.wait() == status, f"wait status {child.raw:#x}")


def bare(s, host, way):
    child = start(s, host, way, "bare")
    end(s, child, "SIGKILL")
    when = proc.first_deaths(s.wards(), time.monotonic() + SPARE)
    expect(not when, "no leak")


def guarded(s, host, way, death, how="launcher", orderly=False,
            mode="stubborn"):
    kind = {"eof": OBEYS_EOF, "stubborn": STUBBORN}[mode]
    child = start(s, host, way, how, mode)
    s.find_guard()
    end(s, child, death)
    if orderly:
        expect(s.wards()[0].dead(), "the ward was alive when wait returned")
    kind = kind if way != "shell" else SOMEHOW
    in_time(s, time.monotonic(), None, Row("", kind), GRACE + TERM)
    expect(s.read(s.err) == "", "something on stderr")
    s.nothing_of_ours()


def spared(s, host, way):
    """g0 is a ward, g1 is not."""
    child = start(s, host, way, "launcher", g1=1)
    end(s, child, "SIGKILL")
    when = proc.first_deaths(s.met["g0"], time.monotonic() + GRACE + TERM
                             + PROMPT + SLACK)
    expect(when, "the guard did not act at all")
    when = proc.first_deaths(s.met["g1"], time.monotonic() + SPARE)
    expect(not when, "spared by contract, and ended")


def closed_by_host(s, host, way):
    """A host that ends its ward itself is not disturbed, nor waited for."""
    child = start(s, host, way, "launcher", "eof")
    s.wards()[0].kill()
    expect(s.wards()[0].dead(LONG), "SIGKILL")
    expect(not child.dead(GRACE), "the host ended with its ward")
    end(s, child, "exit")
    s.nothing_of_ours()


def cases():
    P = functools.partial
    for name, host, ways in (("python", PYTHON, PYTHON_WAYS),
                             ("node", NODE, NODE_WAYS)):
        for way in ways:
            yield Case(f"bare/{name}/{way}", P(bare, host=host, way=way),
                       True)
            for death in ("SIGKILL", "exit"):
                yield Case(f"real/{name}/{way}/{death}",
                           P(guarded, host=host, way=way, death=death,
                             orderly=death == "exit"), False)
        first = ways[0]
        yield Case(f"real/{name}/{first}/SIGKILL/preload",
                   P(guarded, host=host, way=first, death="SIGKILL",
                     how="preload"), False)
        yield Case(f"real/{name}/{first}/eof",
                   P(guarded, host=host, way=first, death="SIGKILL",
                     mode="eof"), False)
        # Node has a SIGTERM handler of its own, CPython has none.
        yield Case(f"real/{name}/{first}/SIGTERM",
                   P(guarded, host=host, way=first, death="SIGTERM",
                     orderly=name == "python"), False)
        yield Case(f"real/{name}/closed-by-host",
                   P(closed_by_host, host=host, way=first), False)
    # A script is judged by its interpreter.
    yield Case("real/python/script/exit",
               P(guarded, host=PYTHON[1:], way="popen", death="exit",
                 orderly=True), False)
    yield Case("real/python/stranger", P(spared, host=PYTHON,
                                         way="stranger"), False)
    yield Case("real/node/daemon", P(spared, host=NODE, way="daemon"), False)
    for how in ("launcher", "preload"):
        yield Case(f"same/python/{how}", P(python_same, how=how), False)


def python_same(s, how):
    same.same(s, [sys.executable, os.path.join(HOSTS, "py_same.py")], how,
              ("handler: [15]", "path search: 20 found, 200 not found",
               "threads: 80 of 80", "waitpid: No child processes",
               "SIGTERM 0", "fork: 5"))
