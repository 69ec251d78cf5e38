# SPDX-License-Identifier: MIT
"""A host that spawns a lot shares memory with its guard: what its children
leave there is told as surely as by a message each, and it costs the host
nothing that it could see.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import proc
from guard import both_there, watches
from leaks import DEATHS, STUBBORN, Row, at_once, bare, in_time, set_up
from runner import Case
from same import HOSTS
from scene import GRACE, LONG, SPARE, TERM, expect
from waits import until

MANY = 40  # enough for a mailbox to be made
FEW = 8
# It is offered several times: in a storm there may be no room for it.
SURELY = 120


def maps(pid):
    with open(f"/proc/{pid}/maps") as f:
        return "memfd:childproof" in f.read()


def stubborn(n, how):
    return Row(f"mode=stubborn,how={how},n={n}", STUBBORN, {"g0": n})


def host_killed(s, how, start="launcher"):
    """While the last letters may still be unread."""
    row = stubborn(MANY, how)
    host = set_up(s, DEATHS["SIGKILL"], row, start, {"grace": "10s"})
    host.kill()
    expect(host.dead(LONG), "SIGKILL did not end the host")
    in_time(s, time.monotonic(), None, row, GRACE + TERM)
    host.wait()
    s.nothing_of_ours(2.0)


def moved(s, how):
    """Its channels are at other numbers when its letter is read, and the host
    is dead."""
    host = bereft(s, how, "moved")
    ward = s.wards()[0]
    host.kill()
    expect(host.dead(LONG), "SIGKILL did not end the host")
    for guard in s.guards_now():
        os.kill(guard.pid, signal.SIGCONT)
    limit = SPARE if how == "bare" else GRACE + TERM + LONG
    expect(ward.dead(limit) == (how != "bare"),
           f"{how}: the ward's death is not as it should be")
    ward.kill()
    host.wait()


def unwatched(s):
    guards = s.guards_now()
    return [w for w in s.wards()
            if not any(watches(g.pid, w.pid) for g in guards)]


def guard_killed(s):
    """With it goes what it had not read; the next one looks for that."""
    row = stubborn(MANY, "vfork")
    host = set_up(s, DEATHS["SIGKILL"], row, "launcher", {"grace": "10s"})
    old = both_there(s)[0]
    old.kill()
    expect(old.dead(LONG), "SIGKILL did not end the guard")
    until(lambda: not unwatched(s),
          lambda: f"{len(unwatched(s))} are not known")
    alive = proc.first_deaths(s.wards(), time.monotonic() + SPARE)
    expect(not alive, "the wards of a live host were ended")
    host.kill()
    expect(host.dead(LONG), "SIGKILL did not end the host")
    in_time(s, time.monotonic(), None, row, GRACE + TERM)
    host.wait()


# What is left last is left for a guard that dies before it looks, or is late.
BEREFT = """
import os, signal, subprocess, sys
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
def is_guard(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            return f"guarding {os.getpid()} " in f.read()
    except OSError:
        return False
def run(n):
    for i in range(n):
        subprocess.run(["true"], **PIPES)
run(int(sys.argv[1]))
guards = [int(x) for x in os.listdir("/proc") if x.isdigit() and is_guard(x)]
run(int(sys.argv[1]) // 5)
for guard in guards:
    os.kill(guard, signal.SIGSTOP)
p = subprocess.Popen([sys.argv[2], sys.argv[4], sys.argv[3], "g0"], **PIPES)
if sys.argv[4] == "moved":
    os.kill(os.getpid(), signal.SIGSTOP)
for pid in (*guards, os.getpid()):
    os.kill(pid, signal.SIGKILL)
"""


def bereft(s, how, mode):
    host = s.start([sys.executable, "-c", BEREFT, str(SURELY),
                    s.program("ward"), s.meet, mode], how=how)
    s.gather(g0=1)
    return host


def both_killed(s, how):
    """The guard with letters that it had not read, and then the host."""
    host = bereft(s, how, "stubborn")
    ward = s.wards()[0]
    expect(host.dead(LONG), "SIGKILL did not end the host")
    limit = SPARE if how == "bare" else GRACE + TERM + LONG
    expect(ward.dead(limit) == (how != "bare"),
           f"{how}: the ward's death is not as it should be")
    ward.kill()
    host.wait()


def shares_memory(s):
    """Only who spawns a lot does, and has no descriptor for it."""
    for n, shared in ((FEW, False), (SURELY, True)):
        row = stubborn(n, "fork")
        s.met.clear()
        host = set_up(s, DEATHS["SIGKILL"], row, "launcher", {"grace": "10s"})
        expect(maps(host.pid) == shared,
               f"{n} children: shared is {not shared}")
        names = [x for x in proc.links(host.pid).values() if "memfd" in x]
        expect(not names, f"it has {names}")
        host.kill()
        host.wait()
        proc.first_deaths(s.wards(), time.monotonic() + GRACE + TERM + LONG)


def spawner(s, front=(), **how):
    """A host of many short-lived children ends as if alone."""
    program = os.path.join(s.setting.build, "bench", "spawner")
    host = s.start([*front, program, f"vfork {MANY} /bin/true",
                    f"posix_spawn {MANY} /bin/true", "quit"],
                   how="preload", **how)
    expect(host.wait(LONG) == 0, f"wait status {host.raw:#x}")


def no_files(s):
    """To make a file longer than this limit costs a SIGXFSZ."""
    spawner(s, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY)),
        options={"journal": "none"}, stdout=subprocess.DEVNULL)


def no_such_calls(s):
    """Nor is a file in memory made where a filter may forbid it."""
    spawner(s, [sys.executable, os.path.join(HOSTS, "filtered.py")])


def storm_of_threads(s):
    """The guard has its host's filter, and asks as little."""
    program = os.path.join(s.setting.build, "bench", "spawner")
    host = s.start([sys.executable, os.path.join(HOSTS, "filtered.py"),
                    program, "threads 32 10 /bin/true", "quit"],
                   how="preload")
    expect(host.wait(LONG) == 0, f"wait status {host.raw:#x}")
    events = [line["event"] for line in s.journal_lines()]
    expect("guard-start" in events and "guard-replaced" not in events,
           f"the guard was killed: {events}")


# It spawns a lot, and then a fork of it is a host as well.
WORKER = """
import os, subprocess, sys
for i in range(30):
    subprocess.run(["true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
if os.fork() == 0:
    r, w = os.pipe()
    p = subprocess.Popen([sys.argv[1], "stubborn", sys.argv[2], "g0"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.wait()
os.wait()
"""


def worker(s, how):
    host = s.start([sys.executable, "-c", WORKER, s.program("ward"), s.meet],
                   how=how)
    s.gather(g0=1)
    ward = s.wards()[0]
    child = proc.Proc(ppid(ward.pid), "worker")
    expect(ppid(child.pid) == host.pid, "the ward is not the worker's")
    child.kill()
    expect(child.dead(LONG), "SIGKILL did not end the worker")
    dead = ward.dead(GRACE + TERM + LONG) if how != "bare" else \
        ward.dead(SPARE)
    expect(dead == (how != "bare"), f"{how}: the ward's death is {dead}")
    ward.kill()
    expect(host.wait() == 0, f"wait status {host.raw:#x}")


def ppid(pid):
    with open(f"/proc/{pid}/stat") as f:
        return int(f.read().rsplit(")", 1)[1].split()[1])


# It spawns a lot; then the exec of a child fails, after that one has told of
# itself, and it goes on as a worker.  The host closes what it has of it.
FAILS = """
import os, signal, socket, subprocess, sys
for i in range(int(sys.argv[1])):
    subprocess.run(["true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
(r, to), (of, w) = os.pipe(), os.pipe()
if os.fork() == 0:
    os.dup2(r, 0)
    os.dup2(w, 1)
    os.close(to)
    os.close(of)
    try:
        os.execv(sys.argv[2], [sys.argv[2]])
    except OSError:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(sys.argv[3])
            s.sendall(b"ward g0\\n")
            s.recv(16)
    os.write(1, b"x")
    signal.pause()
os.read(of, 1)
for fd in (r, w, to, of):
    os.close(fd)
os.wait()
"""


def wards_of(s, host):
    done = subprocess.run(
        [s.part("childproof"), "ps", "--json", str(host.pid)],
        env=s.environment(), capture_output=True, timeout=LONG, check=True)
    return [x["pid"] for h in json.loads(done.stdout)["hosts"]
            for x in h["children"]]


def exec_fails(s):
    """What was told is taken back: there is no ward."""
    path = os.path.join(s.dir, "meet.not-a-program")
    with open(path, "w") as f:
        f.write("\\0")
    os.chmod(path, 0o755)
    host = s.start([sys.executable, "-c", FAILS, str(SURELY), path, s.meet])
    s.gather(g0=1)
    worker = s.wards()[0]
    expect(worker.pid not in wards_of(s, host), "it is known as a ward")
    expect(not worker.dead(2 * GRACE + TERM + SPARE), "the worker was ended")
    worker.kill()
    expect(host.wait() == 0, f"wait status {host.raw:#x}")


def cases():
    for how in ("fork", "vfork", "posix_spawn"):
        yield Case(f"letters/killed/{how}",
                   lambda s, how=how: host_killed(s, how), False)
        yield Case(f"letters/bare/{how}", lambda s, how=how: bare(
            s, DEATHS["SIGKILL"], stubborn(MANY, how)), True)
        yield Case(f"letters/at-once/{how}", lambda s, how=how: at_once(
            s, f"mode=stubborn,how={how}", "launcher", MANY), False)
    yield Case("letters/killed/preload",
               lambda s: host_killed(s, "vfork", "preload"), False)
    yield Case("letters/guard-killed", guard_killed, False)
    yield Case("letters/both-killed",
               lambda s: both_killed(s, "launcher"), False)
    yield Case("letters/bare/both-killed",
               lambda s: both_killed(s, "bare"), True)
    yield Case("letters/moved", lambda s: moved(s, "launcher"), False)
    yield Case("letters/bare/moved", lambda s: moved(s, "bare"), True)
    yield Case("letters/shares", shares_memory, False)
    yield Case("letters/limit", no_files, False)
    yield Case("letters/filter", no_such_calls, False)
    yield Case("letters/filter-storm", storm_of_threads, False)
    yield Case("letters/exec-fails", exec_fails, False)
    yield Case("letters/worker", lambda s: worker(s, "launcher"), False)
    yield Case("letters/bare/worker", lambda s: worker(s, "bare"), True)
