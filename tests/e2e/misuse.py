# SPDX-License-Identifier: MIT
"""Bad input."""

import functools
import os
import re
import subprocess

from leaks import is_quiet
from runner import Case
from scene import TREE, expect

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
    "two-lines":        (["--grace=1\n2"], 125, "--grace=1\\n2: "),
    "keep-alone":       (["--keep=2"], 125, "keep needs idle"),
}

# A command of ours and its arguments: what stderr must name.
BAD_COMMANDS = {
    "not-a-pid":        (["ps", "1x"], "ps: 1x: not a process ID"),
    "empty-pid":        (["why", ""], "why: '': not a process ID"),
    "huge-pid":         (["reap", "9" * 30], "not a process ID: too large"),
    "negative-pid":     (["attach", "-1"], "attach: -1: unknown option"),
    "pid-of-two-lines": (["ps", "1\n2"], "ps: 1\\n2: not a process ID"),
    "two-pids":         (["why", "1", "2"], "why: 2: one PID too many"),
    "no-pid":           (["why"], "why: PID: missing"),
    "list-of-one":      (["attach", "--list", "5"], "--list takes no PID"),
    "no-operand":       (["metrics", "x"], "metrics: x: no operand"),
    "textfile-nowhere": (["metrics", "-t", "/no/x"], "metrics: /no/x: No su"),
    "scan-operand":     (["scan", ""], "scan: '': no operand"),
    "scan-duration":    (["scan", "--term=5"], "scan: --term=5: "),
    "late-command":     (["--term=1s", "ps"], "ps: --term=1s stands before"),
    "check":            (["check"], "check: not available"),
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


def bad_command(s, args, says):
    complains(s, [s.part("childproof"), *args], 125, says)


def off(s):
    """0, the default, takes back what the environment says."""
    host = s.spawn([s.part("childproof"), "--keep=0", "--limit=0", "--",
                    "sh", "-c", "echo $CHILDPROOF_OPTIONS"],
                   {**s.environment(), "CHILDPROOF_OPTIONS":
                    "keep=2:limit=3:term=9s"})
    expect(host.wait() == 0 and s.read(s.err) == "", s.read(s.err))
    expect(s.read(s.out) == "term=9s\n", s.read(s.out))


def help_in_need(s):
    """Where a mistake in the environment is told, --help is, and helps."""
    host = s.spawn([s.part("childproof"), "--help"],
                   {**s.environment(), "CHILDPROOF_OPTIONS": "no-such=1"})
    expect(host.wait() == 0 and s.read(s.err) == "", s.read(s.err))
    expect("--exit-grace=" in s.read(s.out), "no list of options")


def not_found(s, command, code, says=None):
    complains(s, [s.part("childproof"), "--", command], code, says or command)


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


def cases():
    P = functools.partial
    for name, (args, code, says) in BAD.items():
        yield Case(f"misuse/{name}",
                   P(bad_option, args=args, code=code, name=says), False)
    yield Case("misuse/environment", bad_environment, False)
    for name, (args, says) in BAD_COMMANDS.items():
        yield Case(f"misuse/command-{name}",
                   P(bad_command, args=args, says=says), False)
    yield Case("misuse/off", off, False)
    yield Case("misuse/help-in-need", help_in_need, False)
    for name, args in {"no-command": [], "no-command-dashes": ["--"],
                       "no-command-options": ["--term=1s", "--"]}.items():
        yield Case(f"misuse/{name}",
                   P(bad_command, args=args, says="command: missing"), False)
    yield Case("misuse/not-found-path",
               P(not_found, command="/nonexistent/x", code=127), False)
    yield Case("misuse/not-found-name",
               P(not_found, command="childproof-no-such", code=127), False)
    yield Case("misuse/not-found-empty",
               P(not_found, command="", code=127, says=": '': No such"), False)
    yield Case("misuse/not-found-two-lines",
               P(not_found, command="a\nb", code=127, says=": a\\nb: No such"),
               False)
    yield Case("misuse/not-executable", not_executable, False)
    yield Case("misuse/directory", P(not_found, command="/", code=126), False)
    yield Case("misuse/options-of-command", options_of_command, False)
    yield Case("misuse/version", P(tells, args=["--version"],
                                   words=["childproof"]), False)
    yield Case("misuse/help", P(tells, args=["--help=1"],
                                words=["exit-grace", "journal"]), False)
    yield Case("misuse/in-manual", in_manual, False)
    yield Case("misuse/shim-bad-option", shim_bad_option, False)
