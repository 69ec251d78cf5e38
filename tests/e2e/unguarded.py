# SPDX-License-Identifier: MIT
"""The shim alone: the guard is missing or broken."""

import functools
import os
import shutil
import subprocess
import sys
import time

import proc
from leaks import DEATHS, Row, bring_about, is_quiet, is_same_process
from runner import Case
from scene import (GRACE, PARTS, PROMPT, SLACK, SPARE, TERM, TREE,
                   expect)

FILTERED = os.path.join(TREE, "tests", "hosts", "filtered.py")


def copy_parts(s, how_broken):
    """From now on the scene uses a build whose guard is no good."""
    parts = os.path.join(s.dir, "parts")
    os.mkdir(parts)
    for name in PARTS:
        shutil.copy(s.part(name), parts)
    guard = os.path.join(parts, "childproof-guard")
    if how_broken == "missing":
        os.unlink(guard)
    else:
        os.chmod(guard, 0o644)
    s.part = functools.partial(os.path.join, parts)


def unguarded(s, how_broken, death, row, how, seconds):
    """The shim alone: PDEATHSIG and orderly exit; the host runs as ever."""
    copy_parts(s, how_broken)
    host = s.host(death.word, row.spec, how=how)
    s.gather(host=1, **row.met)
    is_same_process(s, host)
    expect(not s.guards_now(), "a guard runs all the same")
    bring_about(s, host, death)
    expect(host.dead(seconds + PROMPT + SLACK), f"{host} did not end")
    raw = host.wait()
    expect(raw == death.status, f"wait status {raw:#x}")
    for ward in s.wards():
        limit = 0 if death.orderly else PROMPT + SLACK
        expect(ward.dead(limit), f"outlived its host: {ward}")
    is_quiet(s)
    expect(s.read(s.journal).count("\n") >= 1, "the journal says nothing")


ALONE = {
    "exit-stubborn":   ("exit", Row("mode=stubborn"), GRACE + TERM),
    "exit-eof":        ("exit", Row("mode=eof"), 0),
    "exit-spawn":      ("exit", Row("how=posix_spawn"), GRACE + TERM),
    "quick_exit-vfork": ("quick_exit", Row("how=vfork"), GRACE + TERM),
    "SIGTERM-stubborn": ("SIGTERM", Row("mode=stubborn"), GRACE + TERM),
    "SIGKILL-term":    ("SIGKILL", Row("mode=term"), 0),
    "SIGKILL-vfork":   ("SIGKILL", Row("mode=term,how=vfork"), 0),
    "SIGSEGV-pair":    ("SIGSEGV", Row("mode=term,wire=socketpair"), 0),
    "_exit-setsid":    ("_exit", Row("mode=term,with=setsid"), 0),
}


# The host's own ward is `kept`; two talk together, another with who lives on.
LEAVES = """
import os, subprocess, sys, threading
ward, meet, sleeper = sys.argv[1:]
def start(tag, stdin=subprocess.PIPE, stdout=subprocess.PIPE):
    return subprocess.Popen([ward, "stubborn", meet, tag],
                            stdin=stdin, stdout=stdout)
a, b = os.pipe(), os.pipe()
start("ring", a[0], b[1]), start("ring", b[0], a[1])
for fd in a + b:
    os.close(fd)
passed = start("passed")
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.dup2(passed.stdin.fileno(), 0)
    os.execv(sleeper, [sleeper, "stubborn", meet, "peer"])
os.wait()
kept = start("kept")
read = threading.Thread(target=kept.stdout.read, daemon=True)
if sys.stdin.readline().strip() == "thread":
    read.start()
    stat = f"/proc/self/task/{read.native_id}/stat"
    while open(stat).read().rsplit(")")[-1].split()[0] != "S":
        pass
sys.stdin.readline()
"""


def leaves(s, word, before=()):
    """At its exit the host ends its own ward, not those others talk to."""
    copy_parts(s, "missing")
    ward = s.program("ward")
    host = s.spawn([s.part("childproof"), f"--journal={s.journal}",
                    "--exit-grace=200ms", "--term=200ms", "--pdeathsig=off",
                    "--", *before, sys.executable, "-c", LEAVES, ward,
                    s.meet, ward], stdin=subprocess.PIPE)
    s.gather(kept=1, ring=2, passed=1, peer=1)
    host.child.stdin.write(f"{word}\n".encode())
    host.child.stdin.close()
    expect(host.wait() == 0, "exit status")
    expect(s.met["kept"][0].dead(0), "the host's own ward outlived it")
    when = proc.first_deaths(s.met["ring"] + s.met["passed"],
                             time.monotonic() + SPARE)
    expect(not when, "those that others talk to were ended")


# By raw clones, so that no call of ours comes between them, as when many
# threads spawn at once.
STORM = """
import ctypes, os, signal, sys
ward, meet, n = sys.argv[1:]
number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
clone = ctypes.PyDLL(None).syscall
pipes = [(os.pipe(), os.pipe()) for _ in range(int(n))]
for a, b in pipes:
    if clone(number, signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os.dup2(a[0], 0)
        os.dup2(b[1], 1)
        os.execv(ward, [ward, "stubborn", meet, "kept"])
for a, b in pipes:
    os.close(a[0]), os.close(b[1])
sys.stdin.readline()
"""


def storm(s, n):
    """Many wards between two calls of ours are all known."""
    copy_parts(s, "missing")
    host = s.spawn([s.part("childproof"), f"--journal={s.journal}",
                    "--exit-grace=200ms", "--term=200ms", "--pdeathsig=off",
                    "--", sys.executable, "-c", STORM, s.program("ward"),
                    s.meet, str(n)], stdin=subprocess.PIPE)
    s.gather(kept=n)
    host.child.stdin.close()
    expect(host.wait() == 0, "exit status")
    alive = [w for w in s.met["kept"] if not w.dead(0)]
    expect(not alive, f"{len(alive)} of {n} outlived their host")


# Nobody's ward: its host has the same ends as it has, where the others were.
SWAPPED = """
import os, signal, subprocess, sys
ward, meet = sys.argv[1:]
p, q = os.pipe(), os.pipe()
stdin, stdout = os.dup(p[0]), os.dup(q[1])
peer = os.dup(p[1]), os.dup(q[0])
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
os.dup2(p[0], p[1]), os.dup2(q[1], q[0])
for fd in peer:
    os.close(fd)
subprocess.Popen([ward, "term", meet, "other"], stdin=stdin, stdout=stdout)
signal.pause()
"""


def swapped(s):
    """A number that was a host end's is no proof that it still is."""
    copy_parts(s, "missing")
    host = s.spawn([s.part("childproof"), f"--journal={s.journal}", "--",
                    sys.executable, "-c", SWAPPED, s.program("ward"),
                    s.meet], stdin=subprocess.PIPE)
    s.gather(other=1)
    host.child.kill()
    host.wait()
    when = proc.first_deaths(s.met["other"], time.monotonic() + SPARE)
    host.child.stdin.close()
    expect(not when, "what the host had no end of died with it")


def unarmed(s):
    """Without a guard no PDEATHSIG for a thread's child: it may end."""
    copy_parts(s, "missing")
    s.host("wait", "from=ended,mode=term", "from=worker,mode=term",
           how="preload")
    s.gather(host=1, g0=1, g1=1)
    when = proc.first_deaths(s.wards(), time.monotonic() + GRACE)
    expect(not when, "PDEATHSIG came when the thread ended")


def cases():
    P = functools.partial
    for name, (death, row, seconds) in ALONE.items():
        for broken, how in (("missing", "preload"), ("missing", "launcher"),
                            ("not-executable", "preload")):
            yield Case(f"alone/{name}/{broken}/{how}",
                       P(unguarded, how_broken=broken, death=DEATHS[death],
                         row=row, how=how, seconds=seconds), False)
    yield Case("alone/unarmed-thread", unarmed, False)
    yield Case("alone/swapped", swapped, False)
    yield Case("alone/storm", P(storm, n=80), False)
    yield Case("alone/leaves", P(leaves, word=""), False)
    yield Case("alone/leaves-reader", P(leaves, word="thread"), False)
    yield Case("alone/leaves-filtered",
               P(leaves, word="", before=(sys.executable, FILTERED)), False)
