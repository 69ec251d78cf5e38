# SPDX-License-Identifier: MIT
"""Bad input, and parts that are missing or broken."""

import functools
import os
import re
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

# name: (arguments of the launcher, exit status, what stderr must name)
BAD = {
    "unknown-option":   (["--no-such-key=1"], 125, "no-such-key"),
    "unknown-flag":     (["--no-such-flag"], 125, "no-such-flag"),
    "bad-duration":     (["--exit-grace=soon"], 125, "exit-grace"),
    "negative-duration": (["--term=-1s"], 125, "term"),
    "empty-duration":   (["--grace="], 125, "grace"),
    "huge-duration":    (["--grace=99999999999999999999s"], 125, "grace"),
    "bad-word":         (["--pdeathsig=perhaps"], 125, "pdeathsig"),
    "bad-number":       (["--keep=many", "--idle=1m"], 125, "keep"),
}


def complains(s, argv, code, name, env=None):
    """One line on stderr that begins `childproof: `; nothing on stdout."""
    host = s.spawn(argv, {**s.environment(), **(env or {})})
    raw = host.wait()
    err = s.read(s.err)
    expect(raw == code << 8, f"wait status {raw:#x}, not exit {code}")
    expect(err.startswith("childproof: ") and err.count("\n") == 1,
           f"stderr is {err!r}")
    expect(name in err, f"stderr does not name {name}: {err!r}")
    expect(s.read(s.out) == "", "something on stdout")
    expect(not os.path.exists(s.work + "/started"), "COMMAND was started")
    expect(not s.guards_now(), "a guard was started")


def bad_option(s, args, code, name):
    started = ["sh", "-c", "touch started"]
    complains(s, [s.part("childproof"), *args, "--", *started], code, name)


def bad_environment(s):
    """The launcher reads CHILDPROOF_OPTIONS with the same strictness."""
    complains(s, [s.part("childproof"), "--", "sh", "-c", "touch started"],
              125, "exit-grace", {"CHILDPROOF_OPTIONS": "exit-grace=soon"})


def no_command(s, args):
    host = s.spawn([s.part("childproof"), *args])
    raw = host.wait()
    err = s.read(s.err)
    expect(raw == 125 << 8, f"wait status {raw:#x}, not exit 125")
    expect("childproof" in err and err.count("\n") <= 3, f"stderr: {err!r}")
    expect(s.read(s.out) == "", "something on stdout")


def not_found(s, command, code):
    complains(s, [s.part("childproof"), "--", command], code, command)


def not_executable(s):
    path = os.path.join(s.work, "daemon.log")
    with open(path, "w") as f:
        f.write("#!/bin/sh\ntouch started\n")
    complains(s, [s.part("childproof"), "--", path], 126, path)


def tells(s, args, words):
    host = s.spawn([s.part("childproof"), *args])
    expect(host.wait() == 0, f"exit {host.raw:#x}")
    out = s.read(s.out)
    for word in words:
        expect(word in out, f"no {word!r} in {out[:400]!r}")
    expect(s.read(s.err) == "", "something on stderr")


def in_manual(s):
    """The manual names all options, all commands and what they take."""
    with open(os.path.join(TREE, "tools", "childproof.1")) as f:
        manual = f.read()

    def helped(*args):
        told = subprocess.run([s.part("childproof"), *args, "--help"],
                              capture_output=True, text=True, check=True)
        own = told.stdout.partition("\nOptions of the launcher")[0]
        return own, set(re.findall(r"^  .*?--([a-z-]+)", own, re.M))

    text, keys = helped()
    commands = re.findall(r"^  ([a-z]+) ", text, re.M)
    expect(len(keys) > 10 and len(commands) > 5, f"what is this? {text}")
    for key in keys - {"version"}:
        expect(f"\n.It Cm {key} Ns" in manual, f"no option {key} in there")
    for name in commands:
        expect(f"\n.Ss {name}\n" in manual, f"no command {name} in there")
        section = re.split(r"\n\.S[hs] ",
                           manual.split(f"\n.Ss {name}\n")[1])[0]
        for flag in helped(name)[1] - {"help"}:
            expect(f"Fl Fl {flag}" in section, f"{name}: no --{flag}")


def options_of_command(s):
    """What stands behind COMMAND is COMMAND's, with or without `--`."""
    for dashes in (["--"], []):
        echo = s.spawn([s.part("childproof"), *dashes, "echo",
                        "--exit-grace=soon", "--", "-x"])
        expect(echo.wait() == 0, "exit status")
    expect(s.read(s.out) == "--exit-grace=soon -- -x\n" * 2,
           f"stdout {s.read(s.out)!r}")


def shim_bad_option(s):
    """The shim warns in the journal, and goes on with the default."""
    host = s.host("exit", "mode=eof", how="preload",
                  options={"exit-grace": "soon", "no-such-key": "1"})
    s.gather(host=1, g0=1)
    s.go()
    expect(host.wait() == 7 << 8, f"wait status {host.raw:#x}")
    expect(s.wards()[0].dead(), "the ward was alive when wait returned")
    is_quiet(s)
    expect("exit-grace" in s.read(s.journal), "the journal says nothing")


# --- without a guard ------------------------------------------------------


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
    for name, (args, code, says) in BAD.items():
        yield Case(f"misuse/{name}",
                   P(bad_option, args=args, code=code, name=says), False)
    yield Case("misuse/environment", bad_environment, False)
    yield Case("misuse/no-command", P(no_command, args=[]), False)
    yield Case("misuse/no-command-dashes", P(no_command, args=["--"]), False)
    yield Case("misuse/no-command-options",
               P(no_command, args=["--term=1s", "--"]), False)
    yield Case("misuse/not-found-path",
               P(not_found, command="/nonexistent/x", code=127), False)
    yield Case("misuse/not-found-name",
               P(not_found, command="childproof-no-such", code=127), False)
    yield Case("misuse/not-executable", not_executable, False)
    yield Case("misuse/directory", P(not_found, command="/", code=126), False)
    yield Case("misuse/options-of-command", options_of_command, False)
    yield Case("misuse/version", P(tells, args=["--version"],
                                   words=["childproof"]), False)
    yield Case("misuse/help", P(tells, args=["--help=1"],
                                words=["exit-grace", "journal"]), False)
    yield Case("misuse/in-manual", in_manual, False)
    yield Case("misuse/shim-bad-option", shim_bad_option, False)
    for name, (death, row, seconds) in ALONE.items():
        for broken, how in (("missing", "preload"), ("missing", "launcher"),
                            ("not-executable", "preload")):
            yield Case(f"alone/{name}/{broken}/{how}",
                       P(unguarded, how_broken=broken, death=DEATHS[death],
                         row=row, how=how, seconds=seconds), False)
    yield Case("alone/unarmed-thread", unarmed, False)
    yield Case("alone/leaves", P(leaves, word=""), False)
    yield Case("alone/leaves-reader", P(leaves, word="thread"), False)
    yield Case("alone/leaves-filtered",
               P(leaves, word="", before=(sys.executable, FILTERED)), False)
