# SPDX-License-Identifier: MIT
"""childproof wrap: the script runs the command, and never itself.

A script that calls itself would not end: that fails by the limit of `wait`.
"""

import functools
import os
import shutil
import subprocess

from misuse import complains
from runner import Case
from scene import Skipped, expect

# How the wrapper is started: by the kernel, or as an argument of a shell.
SHELLS = {"exec": [], "dash": ["dash"], "bash": ["bash"],
          "busybox": ["busybox", "sh"]}
SYSTEM = "/usr/bin:/bin"

REAL = """#!/bin/sh
printf '%s\\n' "$$" "${CHILDPROOF_GUARD:+guarded}" "${0##*/}" "$@"
exit 7
"""


# Files that will be executed are written by a process of their own: a child
# that another case forks meanwhile would have them open for writing, too.
WRITE = 'cat >"$1" && chmod 755 "$1"'
REDIRECT = 'f=$1; shift; "$@" >"$f" && chmod 755 "$f"'


def write_program(path, text):
    subprocess.run(["sh", "-c", WRITE, "sh", path], input=text, text=True,
                   check=True)
    return path


class Stage:
    """A real command `real/NAME`, and directories for wrappers."""

    def __init__(self, s, shell, name="gw"):
        self.s, self.name = s, name
        self.shell = list(SHELLS[shell])
        if self.shell:
            found = shutil.which(self.shell[0])
            if found is None:
                raise Skipped(f"no {shell} here")
            self.shell[0] = found
        self.dir = os.path.join(s.work, "sp ace")
        for sub in ("real", "w1", "w2", "w3"):
            os.makedirs(self.at(sub))
        self.write("real", REAL)

    def at(self, *parts):
        return os.path.join(self.dir, *parts)

    def path(self, *dirs):
        return ":".join([self.at(d) for d in dirs] + [SYSTEM])

    def write(self, where, text, name=None):
        return write_program(self.at(where, name or self.name), text)

    def environment(self, path):
        return {**self.s.environment(), "PATH": path}

    def wrap(self, where, *args, path=None, program=None, as_name=None):
        """The output of `wrap ARGS` becomes the wrapper in WHERE."""
        wrapper = self.at(where, as_name or self.name)
        host = self.s.spawn(
            ["sh", "-c", REDIRECT, "sh", wrapper,
             program or self.s.part("childproof"), "wrap", *args],
            self.environment(path or self.path("real")))
        expect(host.wait() == 0, f"wrap: {host.raw:#x}")
        return wrapper

    def run(self, argv, path, status=7, **popen):
        """Its PID and the lines that it printed."""
        open(self.s.out, "w").close()
        host = self.s.spawn([*self.shell, *argv], self.environment(path),
                            **popen)
        raw = host.wait()
        expect(raw == status << 8,
               f"wait status {raw:#x}, not exit {status}: "
               f"{self.s.read(self.s.err)!r}")
        return host.pid, self.s.read(self.s.out).splitlines()

    def runs(self, argv, path, args=(), guarded=True, **popen):
        """ARGV is the real command: one process, its words and status."""
        pid, lines = self.run([*argv, *args], path, **popen)
        wanted = [str(pid), "guarded" if guarded else "",
                  *self.name.split("\n"), *args]
        expect(lines == wanted, f"it printed {lines}, not {wanted}")
        expect(self.s.read(self.s.err) == "", "something on stderr")


def plain(s, shell):
    t = Stage(s, shell)
    w = t.wrap("w1", "gw")
    t.runs([w], t.path("w1", "real"), ["a", "b  c", "", "-x", "*"])
    t.runs([w], t.path("real", "w1"))


def moved(s, shell):
    """What is next in PATH counts, then where it was; then it is gone."""
    t = Stage(s, shell)
    w = t.wrap("w1", "gw")
    t.runs([w], t.path("w1"))
    t.write("w2", REAL.replace("exit 7", "exit 8"))
    t.run([w], t.path("w1", "w2"), status=8)
    os.unlink(t.at("real", "gw"))
    t.run([w], t.path("w1", "w2", "real"), status=8)
    t.run([w], t.path("w1"), status=127)
    expect("gw" in s.read(s.err), "stderr does not name it")


def by_path(s, shell):
    """A wrapper of a path means that file, whatever is in PATH."""
    t = Stage(s, shell)
    w = t.wrap("w1", t.at("real", "gw"))
    t.write("w2", REAL.replace("exit 7", "exit 8"))
    t.runs([w], t.path("w1", "w2"))
    os.replace(w, t.at("real", "gw"))
    t.run([t.at("real", "gw")], t.path("w1", "w2"), status=127)


def relative(s, shell):
    """A relative name, and relative elements of PATH."""
    t = Stage(s, shell)
    t.wrap("w1", "gw")
    for argv, path, cwd in ((["./gw"], t.path("w1", "real"), "w1"),
                            (["w1/gw"], "w1:real:" + SYSTEM, "."),
                            (["../w1/gw"], ":../w1:" + SYSTEM, "real"),
                            (["./gw"], ":../real:" + SYSTEM, "w1")):
        t.runs(argv, path, cwd=t.at(cwd))
    if t.shell:
        t.runs(["gw"], t.path("w1", "real"), cwd=t.at("w1"))


def stacked(s, shell):
    """Copies, links, two wrappers, and two that name one another."""
    t = Stage(s, shell)
    first = t.wrap("w1", "gw")
    t.wrap("w2", "--term=9s", "gw", path=t.path("w1", "real"))
    subprocess.run(["cp", first, t.at("w3")], check=True)
    dirs = ("w1", "w2", "w3", "w1")
    t.runs([first], t.path(*dirs, "real"))
    t.runs([first], t.path(*dirs))
    os.symlink(first, t.at("real", "other"))
    t.runs([t.at("real", "other")], t.path("w2", "real"))
    t.write("real", REAL, "wg")
    t.wrap("w1", "wg")  # gw runs wg, and wg runs gw
    t.wrap("w2", "gw", as_name="wg")
    t.runs([t.at("w2", "wg")], t.path("w2", "w1", "real"))


def edited(s, shell):
    """Without its mark it still does not run itself."""
    t = Stage(s, shell)
    w = t.wrap("w1", "gw")
    with open(w) as f:
        lines = f.readlines()
    t.write("w1", "".join([lines[0], *lines[2:]]))
    t.runs([w], t.path("w1", "real"))


def rewritten(s, shell):
    """The file that the shell has emptied for us is not the command."""
    t = Stage(s, shell)
    w = t.wrap("w1", "gw")
    t.wrap("w1", "gw", path=t.path("w1", "real"))
    t.runs([w], t.path("w1"))


def without_us(s, shell):
    t = Stage(s, shell)
    gone = t.at("childproof")
    subprocess.run(["cp", s.part("childproof"), gone], check=True)
    w = t.wrap("w1", "gw", program=gone)
    os.unlink(gone)
    t.runs([w], t.path("w1", "real"), ["a b"], guarded=False)


NAMES = {"space": "a b", "quote": "a'b\"c", "dash": "-x", "newline": "a\nb",
         "dollar": "$HOME`id`\\", "glob": "*", "equals": "a=b"}


def named(s, shell, name):
    t = Stage(s, shell, name)
    w = t.wrap("w1", "--", name)
    before = ["--"] if t.shell and name.startswith("-") else []
    t.runs([*before, w], t.path("w1", "real"), ["x y"])
    t.runs([*before, w], t.path("w1"))


def other_names(s, shell):
    """No variable of the script's reaches the command."""
    t = Stage(s, shell)
    ours = ("line", "dir", "rest", "name", "path")
    t.write("real", "#!/bin/sh\n" + "".join(
        f'[ "${v}" = mine ] || exit 9\n' for v in ours) + "exit 7\n")
    w = t.wrap("w1", "gw")
    env = {v: "mine" for v in ours}
    host = s.spawn([*t.shell, w], {**t.environment(t.path("w1", "real")),
                                   **env})
    expect(host.wait() == 7 << 8, f"wait status {host.raw:#x}")


def options(s, shell):
    """What the script passes on is what was given."""
    t = Stage(s, shell)
    t.write("real", "#!/bin/sh\nprintf '%s\\n' \"$CHILDPROOF_OPTIONS\"\n")
    w = t.wrap("w1", "--spare=it's a b,*c", "--dry-run", "--term", "9s", "gw")
    _, lines = t.run([w], t.path("w1", "real"), status=0)
    expect(lines == ["term=9s:spare='it'\"'\"'s a b,*c':dry-run=yes"],
           f"options {lines}")


def wrong(s, args, code, name):
    host = s.spawn([s.part("childproof"), "wrap", *args])
    err = s.read(s.err) if host.wait() == code << 8 else ""
    expect(err.startswith("childproof: ") and name in err,
           f"wait status {host.raw:#x}, stderr {err!r}")
    expect(err.count("\n") == 1, f"stderr is {err!r}")
    expect(s.read(s.out) == "", "something on stdout")


WRONG = {
    "no-command":     ([], 125, "COMMAND"),
    "two":            (["sh", "x"], 125, "x"),
    "option":         (["--no-such=1", "sh"], 125, "no-such"),
    "value":          (["--term=soon", "sh"], 125, "term"),
    "together":       (["--keep=3", "sh"], 125, "keep"),
    "not-found":      (["childproof-no-such"], 127, "childproof-no-such"),
    "not-executable": (["/"], 126, "/"),
    "empty":          ([""], 127, ""),
}


def before(s):
    """The launcher's options don't go before a command of ours."""
    complains(s, [s.part("childproof"), "--term=1s", "wrap", "sh"], 125,
              "wrap: --term=1s")


def program_of_that_name(s):
    """`-- wrap` and `./wrap` are programs."""
    write_program(os.path.join(s.work, "wrap"), "#!/bin/sh\nexit 9\n")
    env = {**s.environment(), "PATH": s.work + ":" + SYSTEM}
    for argv in (["--", "wrap"], ["./wrap"], ["--term=1s", "--", "wrap"]):
        host = s.spawn([s.part("childproof"), *argv], env)
        expect(host.wait() == 9 << 8, f"{argv}: {host.raw:#x}")


def cases():
    P = functools.partial
    for shell in SHELLS:
        for run in (plain, moved, by_path, relative, stacked, edited,
                    rewritten, without_us, other_names, options):
            yield Case(f"wrap/{run.__name__}/{shell}", P(run, shell=shell),
                       False)
        for word, name in NAMES.items():
            yield Case(f"wrap/name-{word}/{shell}",
                       P(named, shell=shell, name=name), False)
    for word, (args, code, name) in WRONG.items():
        yield Case(f"wrap/wrong-{word}",
                   P(wrong, args=args, code=code, name=name), False)
    yield Case("wrap/options-before", before, False)
    yield Case("wrap/program-of-that-name", program_of_that_name, False)
