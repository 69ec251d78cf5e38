# SPDX-License-Identifier: MIT
"""Nothing else changes: what host and child see is the same to the byte."""

import functools
import os
import signal
import sys
import time

import leaks
import proc
from runner import Case
from scene import LONG, PROMPT, SLACK, SPARE, TREE, expect

HOSTS = os.path.join(TREE, "tests", "hosts")
SIGNALS = ("SigIgn", "SigBlk", "SigCgt", "NoNewPrivs", "Threads")


def run(s, argv, how, **options):
    """Runs ARGV to its end: (raw wait status, stdout, stderr)."""
    for path in (s.out, s.err):
        open(path, "w").close()
    host = s.start(argv, how=how, **options)
    raw = host.wait(30)
    return raw, s.read(s.out), s.read(s.err)


def first_difference(a, b):
    for one, other in zip(a.splitlines(), b.splitlines()):
        if one != other:
            return f"bare {one!r}, guarded {other!r}"
    return f"bare has {len(a)} bytes, guarded {len(b)}"


def same(s, argv, how, must_say=()):
    """ARGV has the same outcome bare and guarded."""
    raw, out, err = run(s, argv, "bare")
    for text in must_say:  # the comparison would hold of two failures too
        expect(text in out + err, f"bare: no {text!r} in {out[-200:]!r}")
    raw2, out2, err2 = run(s, argv, how)
    expect(raw == raw2, f"wait status {raw:#x} bare, {raw2:#x} guarded")
    expect(out == out2, f"stdout: {first_difference(out, out2)}")
    expect(err == err2, f"stderr: {first_difference(err, err2)}")


FACTS = ("waitpid: -1 No child processes", "failing vforks: 1000",
         "worker: status 000f", "posix_spawn: 2 12345",
         "sigaction 15: SIG_DFL", "== vfork: status 2a00, sigchlds 1",
         "atexit: still here", "stderr: last line")


def facts(s, how):
    same(s, [s.program("facts")], how, FACTS)


def filtered(s, how):
    """A sandbox that forbids what is rarely called kills no host of ours."""
    same(s, [sys.executable, os.path.join(HOSTS, "filtered.py"),
             s.program("facts")], how, FACTS)


def refused(s, call, how):
    """SIGTERM ends a host whose sandbox refuses what we do it with."""
    ends = {signal.SIGTERM}
    if call == "sigaction" and how != "bare":
        ends.add(128 + signal.SIGTERM << 8)
    raw, out, err = run(s, [sys.executable, os.path.join(HOSTS, "refused.py"),
                            call], how)
    expect(raw in ends, f"wait status {raw:#x}")
    expect((out, err) == ("spawned\n", ""), f"said {out + err!r}")


def shell(s, command, how, must_say=()):
    same(s, ["/bin/sh", "-c", command], how, must_say)


SHELL = {
    "status": ("exit 3", ()),
    "killed": ("kill -KILL $$", ()),
    "terminated": ("kill -TERM $$; echo not reached", ()),
    "pipeline": ("seq 20000 | sort -rn | head -n 3", ("20000\n",)),
    "substitution": ("x=$(echo a; echo b >&2); echo \"[$x]\"", ("[a]", "b")),
    "traps": ("trap 'echo bye' EXIT; trap 'echo term; exit 9' TERM; "
              "kill -TERM $$", ("term", "bye")),
    "sigpipe": ("yes | head -n 1; echo done", ("done",)),
    "background": ("(exit 7) & wait $!; echo $?", ("7",)),
    "umask-cwd": ("umask; pwd | wc -c; ulimit -n", ()),
}


def sees_the_same(s, spec):
    """A ward's signal state and descriptors, bare and guarded."""
    seen = {}
    for how in ("bare", "launcher", "preload"):
        s.met.clear()
        s.host("wait", spec, how=how)
        s.gather(host=1, g0=1)
        ward, host = s.wards()[0], s.met["host"][0]
        seen[how] = (proc.status(ward.pid, *SIGNALS),
                     sorted(proc.links(ward.pid)),
                     sorted(proc.links(host.pid)),
                     proc.status(host.pid, "Threads", "SigBlk", "SigIgn"),
                     len(children(host.pid)))
    for how in ("launcher", "preload"):
        expect(seen[how] == seen["bare"],
               f"bare {seen['bare']}, {how} {seen[how]}")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()


def nohup(s, how):
    """SIGHUP ignored at the start stays ignored, in the ward as well."""
    host = s.host("wait", "mode=eof", how=how,
                  before=["env", "--ignore-signal=HUP"])
    s.gather(host=1, g0=1)
    ward = s.wards()[0]
    host.kill(signal.SIGHUP)
    expect(not proc.first_deaths([host, ward], time.monotonic() + SPARE),
           "SIGHUP was not ignored")
    host.kill(signal.SIGTERM)
    expect(host.wait() == signal.SIGTERM, f"wait status {host.raw:#x}")
    if how != "bare":
        expect(ward.dead(), "the ward was alive when wait returned")


def unflushed(s, death, how):
    """What the host wrote to its ward by stdio arrives, and before EOF."""
    host = s.host(death, "mode=copy,with=text", how=how)
    s.gather(host=1, g0=1)
    s.go()
    host.wait()
    expect(s.wards()[0].dead(PROMPT + SLACK), "the ward did not end")
    copy = s.read(s.meet + ".g0.copy")
    wanted = "unflushed\n" if death in ("exit", "return") else ""
    expect(copy == wanted, f"the ward got {copy!r}")


def finishes_its_work(s, death, how):
    """The grace is real: a ward that works 100 ms after EOF may do so."""
    leaks.guarded(s, leaks.DEATHS[death], leaks.Row("mode=slow", leaks.SLOW),
                  how)
    expect(s.read(s.meet + ".g0.done") == "done\n", "its work was lost")


def one_way_finishes(s, death):
    """A one-way ward has `grace`, not `exit-grace`, for its input."""
    host = s.host(death, "mode=slow,wire=reader",
                  options={"exit-grace": "1ms", "term": "1ms", "grace": "5s"})
    s.gather(host=1, g0=1)
    s.go()
    host.wait()
    expect(s.wards()[0].dead(LONG), "the ward did not end")
    expect(s.read(s.meet + ".g0.done") == "done\n", "its work was lost")


def no_ward_no_guard(s):
    """The preload does nothing for a host without stdio children."""
    s.host("wait", "wire=null", "wire=inherit", how="preload")
    s.gather(host=1, g0=1, g1=1)
    expect(not s.guards_now(), "a guard was started for nothing")


def guard_goes(s):
    """The launcher's guard ends with a host that never had a ward."""
    host = s.host("exit", how="launcher")
    s.gather(host=1)
    s.find_guard()
    s.go()
    expect(host.wait() == 7 << 8, f"wait status {host.raw:#x}")
    s.nothing_of_ours()


def no_descriptor_in_guard(s):
    """The guard keeps no end of a channel and no descriptor of the host."""
    s.host("wait", "wire=pipe,n=3", "wire=socketpair")
    s.gather(host=1, g0=3, g1=1)
    ends = {to for w in s.wards() for fd, to in proc.links(w.pid).items()
            if fd < 2}
    ends |= {to for to in proc.links(s.met["host"][0].pid).values()
             if to.startswith(("pipe:", "socket:", "/tmp"))}
    for g in s.find_guard():
        kept = ends & set(proc.links(g.pid).values())
        expect(not kept, f"{g} keeps {kept}")
        expect(os.readlink(f"/proc/{g.pid}/cwd") == "/", "cwd is not /")


def cases():
    P = functools.partial
    for how in ("launcher", "preload", "script"):
        yield Case(f"same/facts/{how}", P(facts, how=how), False)
        yield Case(f"same/filtered/{how}", P(filtered, how=how), False)
    for call in ("sigaction", "gettid"):
        yield Case(f"bare/refused-{call}",
                   P(refused, call=call, how="bare"), True)
        for how in ("launcher", "preload"):
            yield Case(f"same/refused-{call}/{how}",
                       P(refused, call=call, how=how), False)
    for name, (command, said) in SHELL.items():
        for how in ("launcher", "preload"):
            yield Case(f"same/sh-{name}/{how}",
                       P(shell, command=command, how=how, must_say=said),
                       False)
    for spec in ("how=fork", "how=vfork", "how=posix_spawn", "how=clone",
                 "wire=socketpair", "wire=pty", "with=noclo",
                 "how=vfork,with=noenv", "from=worker"):
        yield Case(f"same/seen/{spec}", P(sees_the_same, spec=spec), False)
    yield Case("bare/nohup", P(nohup, how="bare"), True)
    yield Case("same/nohup/launcher", P(nohup, how="launcher"), False)
    yield Case("same/nohup/preload", P(nohup, how="preload"), False)
    for death in ("exit", "return", "quick_exit", "_exit"):
        yield Case(f"bare/unflushed-{death}",
                   P(unflushed, death=death, how="bare"), True)
        yield Case(f"same/unflushed-{death}",
                   P(unflushed, death=death, how="launcher"), False)
    for death in ("SIGKILL", "SIGTERM", "exit"):
        yield Case(f"same/finishes-its-work/{death}",
                   P(finishes_its_work, death=death, how="launcher"), False)
    yield Case("same/one-way-finishes/exit",
               P(one_way_finishes, death="exit"), False)
    yield Case("same/one-way-finishes/_exit",
               P(one_way_finishes, death="_exit"), False)
    yield Case("same/no-ward-no-guard", no_ward_no_guard, False)
    yield Case("same/guard-goes", guard_goes, False)
    yield Case("same/no-descriptor-in-guard", no_descriptor_in_guard, False)
