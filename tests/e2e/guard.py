# SPDX-License-Identifier: MIT
"""The guard itself: what it finds, what it tells, who replaces it."""

import ctypes
import functools
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import time

import proc
from leaks import DEATHS, STUBBORN, Row, bare, guarded, in_time, set_up
from runner import Case
from scene import GRACE, LONG, SPARE, TERM, Skipped, expect
from waits import until

MOVES = 0x1 | 0x2  # IN_ACCESS, IN_MODIFY


def host_goes(s, host, row):
    """It is killed, and its wards are gone in time."""
    host.kill()
    expect(host.dead(LONG), "SIGKILL did not end the host")
    in_time(s, time.monotonic(), None, row, GRACE + TERM)
    host.wait()


def census_only(s, prog="host", spec="how=vfork", how="launcher"):
    """The shim can't tell of the wards: the guard has to find them."""
    row = Row(spec)
    host = set_up(s, DEATHS["SIGKILL"], row, how, prog=prog)
    ward = s.wards()[0]
    until(lambda: any(watches(g.pid, ward.pid) for g in s.find_guard()),
          "the guard never found the ward")
    host_goes(s, host, row)
    s.nothing_of_ours(2.0)


def census_is_told(s, options):
    """Guarded by census: the journal says so, stderr only with --verbose."""
    host = s.host("exit", prog="host.static", options=options)
    s.gather(host=1)
    s.find_guard()
    s.go()
    expect(host.wait() == 7 << 8, f"wait status {host.raw:#x}")
    err = s.read(s.err)
    if options:
        expect(err.startswith("childproof: "), f"stderr is {err!r}")
    else:
        expect(err == "", f"stderr is {err!r}")
    s.nothing_of_ours(2.0)
    expect(s.journal_lines(), "the journal says nothing")


def watches(guard, pid):
    """True if process GUARD has a pidfd of PID."""
    for fd in proc.links(guard):
        try:
            with open(f"/proc/{guard}/fdinfo/{fd}") as f:
                if f"\nPid:\t{pid}\n" in f.read():
                    return True
        except OSError:
            pass
    return False


def listens(guard, pid):
    """True if process GUARD hears bytes move on the stdin of PID."""
    ino = os.stat(f"/proc/{pid}/fd/0").st_ino
    for fd, to in proc.links(guard).items():
        if to != "anon_inode:inotify":
            continue
        with open(f"/proc/{guard}/fdinfo/{fd}") as f:
            for line in f:
                if not line.startswith("inotify "):
                    continue
                of = dict(word.split(":", 1) for word in line.split()[1:])
                if int(of["ino"], 16) == ino and int(of["mask"], 16) & MOVES:
                    return True
    return False


def both_there(s):
    """Waits until guard and sentinel run; the guard is the older one."""
    def both():
        s.guard = sorted(s.guards_now(), key=lambda g: g.pid)
        return len(s.guard) == 2

    until(both, lambda: f"parts: {list(map(str, s.guard))}", every=0.005)
    return s.guard


def guard_replaced(s, which, how):
    """Guard or sentinel is killed; the other one replaces it."""
    row = Row("mode=stubborn,n=3", STUBBORN, {"g0": 3})
    host = set_up(s, DEATHS["SIGKILL"], row, how)
    both_there(s)[which].kill()
    expect(s.guard[which].dead(LONG), "SIGKILL did not end it")
    both_there(s)
    alive = proc.first_deaths(s.wards(), time.monotonic() + SPARE)
    expect(not alive, "the wards of a live host were ended")
    host_goes(s, host, row)
    s.nothing_of_ours()


def sentinel_later(s):
    """A sentinel that could not be made at once is made when it can be."""
    row = Row("mode=stubborn")
    host = set_up(s, DEATHS["SIGKILL"], row, "launcher")
    guard, sentinel = both_there(s)
    few, hard = resource.prlimit(guard.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(guard.pid, resource.RLIMIT_NOFILE, (4, hard))
    sentinel.kill()
    until(lambda: not proc.comm(sentinel.pid),  # the guard has waited for it
          "nobody missed the sentinel")
    proc.first_deaths([guard], time.monotonic() + SPARE)
    expect(len(s.guards_now()) == 1, "there was a descriptor after all")
    resource.prlimit(guard.pid, resource.RLIMIT_NOFILE, (few, hard))
    both_there(s)[0].kill()
    expect(s.guard[0].dead(LONG), "SIGKILL did not end the guard")
    both_there(s)
    host_goes(s, host, row)
    s.nothing_of_ours()


def sentinel_unseen(s):
    """One of whose end nobody would hear is not left beside the next one."""
    if shutil.which("strace") is None:
        raise Skipped("no strace(1)")
    row = Row("mode=stubborn")
    host = set_up(s, DEATHS["SIGKILL"], row, "launcher")
    guard, sentinel = both_there(s)
    trace = os.path.join(s.dir, "trace")
    # Of itself it has a descriptor each time, of the sentinel none.
    with subprocess.Popen(["strace", "-o", trace, "-p", str(guard.pid), "-e",
                           "inject=pidfd_open:error=ENFILE:when=2+2"],
                          stderr=subprocess.PIPE) as strace:
        strace.stderr.readline()  # it is attached
        sentinel.kill()
        until(lambda: pathlib.Path(trace).read_text().count("INJECTED") > 2,
              "it is not tried again")
        strace.terminate()
    os.unlink(trace)
    both_there(s)
    host_goes(s, host, row)
    s.nothing_of_ours()


def journal_tells(s):
    """Every signal sent has one line that says why; nobody else reads it."""
    guarded(s, DEATHS["SIGKILL"], Row("mode=stubborn"))
    ward = s.wards()[0]
    lines = s.journal_lines()
    sent = [line["signal"] for line in lines
            if line.get("signal") and line["child"]["pid"] == ward.pid]
    expect(sent == [signal.SIGTERM, signal.SIGKILL],
           f"signals in the journal: {sent}")
    expect(all(line.get("reason") for line in lines if line.get("signal")),
           "a signal without a reason")
    mode = os.stat(s.journal).st_mode & 0o777
    expect(mode == 0o600, f"journal has mode {mode:o}")


def dry_run(s):
    """Judges and journals, and signals nobody."""
    host = set_up(s, DEATHS["SIGKILL"], Row("mode=stubborn"), "launcher",
                  {"dry-run": "yes"})
    s.find_guard()
    host.kill()
    host.wait()
    when = proc.first_deaths(s.wards(),
                             time.monotonic() + GRACE + TERM + SPARE)
    expect(not when, "a dry run ended a ward")
    expect(s.journal_lines(), "a dry run journalled nothing")


def hurry(s):
    """SIGTERM to the guard: grace is over for what is proven, not before."""
    host = set_up(s, DEATHS["SIGKILL"], Row("mode=stubborn"), "launcher",
                  {"exit-grace": "1h"})
    guard = both_there(s)[0]
    os.kill(guard.pid, signal.SIGTERM)
    alive = proc.first_deaths(s.wards(), time.monotonic() + SPARE)
    expect(not alive, "a ward of a living host was ended")
    expect(not guard.dead(), "the guard left a living host alone")
    host.kill()
    host.wait()
    in_time(s, time.monotonic(), None, Row("mode=stubborn"), TERM)
    s.nothing_of_ours()


def hurry_later(s):
    """The same, when the grace is under way already."""
    host = set_up(s, DEATHS["SIGKILL"], Row("mode=stubborn"), "launcher",
                  {"exit-grace": "1h"})
    guard = both_there(s)[0]
    host.kill()
    host.wait()
    alive = proc.first_deaths(s.wards(), time.monotonic() + SPARE)
    expect(not alive, "a ward was ended in its grace")
    os.kill(guard.pid, signal.SIGTERM)
    in_time(s, time.monotonic(), None, Row("mode=stubborn"), TERM)
    s.nothing_of_ours()


def few_descriptors(s, nofile, hosts, n):
    """Of the hosts and wards the guard can't have a descriptor for each."""
    run = 'for i in $(seq "$0"); do "$@" & done; wait'
    s.start(["sh", "-c", run, str(hosts), s.program("host"), s.meet, "wait",
             f"mode=stubborn,n={n}"],
            before=["prlimit", f"--nofile={nofile}:{nofile}"])
    s.gather(host=hosts, g0=hosts * n)
    s.find_guard()
    killed = s.met["host"][:hosts // 2]
    mine = {str(h.pid) for h in killed}
    doomed = [w for w in s.wards()
              if proc.status(w.pid, "PPid")["PPid"] in mine]
    others = [w for w in s.wards() if w not in doomed]
    expect(len(doomed) == len(killed) * n, f"{len(doomed)} wards of {mine}")
    for host in killed:
        host.kill()
    when = proc.first_deaths(doomed, time.monotonic() + LONG)
    expect(len(when) == len(doomed),
           f"{len(doomed) - len(when)} of {len(doomed)} wards outlived "
           "their hosts")
    alive = proc.first_deaths(others, time.monotonic() + SPARE)
    expect(not alive, "the wards of a live host were ended")
    for host in s.met["host"][hosts // 2:]:
        host.kill()
    when = proc.first_deaths(others, time.monotonic() + LONG)
    expect(len(when) == len(others),
           f"{len(others) - len(when)} of {len(others)} wards outlived "
           "their hosts")
    s.nothing_of_ours(LONG)


def deny(number):
    """For preexec_fn: system call NUMBER fails with EPERM from now on."""
    allow, refuse = 0x7fff0000, 0x00050000 | 1
    rows = ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, refuse),
            (0x06, 0, 0, allow))
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *row) for row in rows))
    prog = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(rows), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def install(_keep=code):
        if prctl(38, 1, 0, 0, 0) != 0 or prctl(22, 2, prog) != 0:
            os._exit(1)
    return install


def no_pidfds(s):
    """Without pidfds nobody can be signalled; still the guard ends."""
    host = s.host("wait", "mode=eof", preexec_fn=deny(434))
    s.gather(host=1, g0=1)
    s.find_guard()
    host.kill()
    expect(host.dead(LONG), "SIGKILL did not end the host")
    host.wait()
    s.nothing_of_ours(2 * LONG)


def wake_ups(pid):
    """How often PID has gone to sleep."""
    with open(f"/proc/{pid}/status") as f:
        return int(f.read().split("voluntary_ctxt_switches:")[1].split()[0])


def sleeps(s):
    """With nothing pending neither guard nor sentinel wakes up."""
    host = set_up(s, DEATHS["SIGKILL"], Row("mode=stubborn,n=3"), "launcher")
    parts = both_there(s)
    # Until the looks at new wards are over; then: nothing at all.
    proc.first_deaths(s.wards(), time.monotonic() + LONG / 4)
    before = [wake_ups(p.pid) for p in parts]
    proc.first_deaths(s.wards(), time.monotonic() + LONG / 4)
    expect(before == [wake_ups(p.pid) for p in parts], "somebody woke up")
    host.kill()
    host.wait()
    in_time(s, time.monotonic(), None, Row("mode=stubborn,n=3"), GRACE + TERM)
    s.nothing_of_ours()


def cases():
    P = functools.partial
    yield Case("hurry", hurry, False)
    yield Case("hurry/later", hurry_later, False)
    yield Case("sleeps", sleeps, False)
    yield Case("census/static-host", P(census_only, prog="host.static"),
               False)
    helper = Row("how=helper")
    for how in ("launcher", "preload"):
        yield Case(f"census/helper/{how}",
                   P(census_only, spec=helper.spec, how=how), False)
    yield Case("bare/helper", P(bare, death=DEATHS["SIGKILL"], row=helper),
               True)
    yield Case("census/quiet", P(census_is_told, options={}), False)
    yield Case("census/verbose",
               P(census_is_told, options={"verbose": "yes"}), False)
    for which in (0, 1):
        for how in ("launcher", "preload"):
            yield Case(f"replaced/{which}/{how}",
                       P(guard_replaced, which=which, how=how), False)
    yield Case("no-pidfds", no_pidfds, False)
    yield Case("sentinel-later", sentinel_later, False)
    yield Case("sentinel-unseen", sentinel_unseen, False)
    for row in ((64, 6, 20), (32, 12, 4)):
        yield Case("few-descriptors/%d/%d/%d" % row,
                   P(few_descriptors, nofile=row[0], hosts=row[1], n=row[2]),
                   False)
    yield Case("journal", journal_tells, False)
    yield Case("dry-run", dry_run, False)
