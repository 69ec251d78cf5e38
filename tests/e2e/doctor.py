# SPDX-License-Identifier: MIT
"""childproof doctor: what it finds, and its exit status."""

import functools
import os
import pty
import re
import shutil
import subprocess

from misuse import tells
from runner import Case
from scene import LONG, PARTS, Skipped, expect

LINE = re.compile(r"(ok  |warn|fail)  [^:]\S*[^:]*: .+")
# A sanitizer in the program is no finding: what it needs to run here at all.
SANITIZER = {k: v for k, v in os.environ.items() if k == "ASAN_OPTIONS"}
LEVELS = {"ok": 0, "warn": 1, "fail": 2}


def not_sanitized():
    """Its runtime needs a malloc of its own, and reads /proc."""
    if SANITIZER:
        raise Skipped("not with a sanitizer")


def lines(s):
    return s.read(s.out).splitlines()


def doctor(s, *args, code=0, env=None, before=(), program=None):
    """Runs it to its end; every line has its form, the worst is the code."""
    host = s.spawn([*before, program or s.part("childproof"), "doctor",
                    "--journal=none", *args],
                   {**s.environment(), **SANITIZER, **(env or {})})
    raw = host.wait()
    for line in lines(s):
        expect(LINE.fullmatch(line), f"no finding: {line!r}")
    expect(raw == code << 8, f"wait status {raw:#x}, not exit {code}: "
                             f"{[x for x in lines(s) if x[:2] != 'ok']}")
    worst = max(LEVELS[x.split()[0]] for x in lines(s))
    expect(code in (worst, 126, 127), f"the worst is {worst}")
    expect(not s.guards_now(), "a guard was started")


def finds(s, level, *words):
    """One line of LEVEL has all of WORDS."""
    found = [x for x in lines(s)
             if x.split()[0] == level and all(w in x for w in words)]
    expect(len(found) == 1, f"{len(found)} lines {level} of {words}")


def healthy(s):
    doctor(s)
    for what in ("pidfd:", "inotify on pipes:", "sock_diag:", "descriptors:",
                 "of this PID namespace", "childproof-guard: version",
                 "libchildproof.so: version", "journal none:"):
        finds(s, "ok", what)
    expect(s.read(s.err) == "", "something on stderr")


# --- COMMAND ----------------------------------------------------------------


def reached(s):
    doctor(s, "--", s.program("host"), "--help")
    finds(s, "ok", s.program("host") + ": the shim reaches it")


def static(s):
    doctor(s, "--", s.program("host.static"), code=1)
    finds(s, "warn", "host.static", "statically linked")


def without_dashes(s):
    """As for the launcher, COMMAND ends the options."""
    doctor(s, "sh", "--no-such-option")
    finds(s, "ok", "sh: found,")


def set_id(s):
    """Root's guard looks into it all the same."""
    if os.geteuid() != 0:
        raise Skipped("not root")
    path = os.path.join(s.work, "setid")
    subprocess.run(["cp", s.program("host"), path], check=True)
    try:
        os.chown(path, 65534, -1)
    except OSError as e:
        raise Skipped(f"chown: {e}") from None
    os.chmod(path, 0o4755)
    doctor(s, "--", path, code=1)
    finds(s, "warn", path, "set-id")


def set_id_of_another(s):
    """Anybody else's may not."""
    found = shutil.which("su")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() != 0:
        nobody = []
    if found is None or not os.stat(found).st_mode & 0o4000:
        raise Skipped("no set-user-ID program here")
    host = s.spawn([*nobody, s.part("childproof"), "--version"])
    if host.wait() != 0:
        raise Skipped(f"nobody can't run us: {s.read(s.err)}")
    for path in (s.out, s.err):
        open(path, "w").close()
    doctor(s, "--", found, code=2, before=nobody)
    finds(s, "fail", found, "set-id")


def script(s, line, runners):
    """Each step is told, down to a program."""
    path = os.path.join(s.work, "script")
    with open(path, "w") as f:
        f.write(line + "\nexit 0\n")
    os.chmod(path, 0o755)
    doctor(s, "--", path)
    finds(s, "ok", path + ": a script, run by ", *runners)
    finds(s, "ok", ": the shim reaches it")


def chain(s):
    one, two = (os.path.join(s.work, n) for n in ("one", "two"))
    for path, text in ((one, f"#!{two}\n"), (two, "#!/bin/sh -e\n")):
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)
    doctor(s, "--", one)
    finds(s, "ok", f"{one}: a script, run by {two}")
    finds(s, "ok", f"{two}: a script, run by /bin/sh")


def no_interpreter(s, line, says):
    path = os.path.join(s.work, "script")
    with open(path, "w") as f:
        f.write(line + "\n")
    os.chmod(path, 0o755)
    doctor(s, "--", path, code=127)
    finds(s, "fail", path, says, "No such file")


def cannot_run(s, command, code):
    """The words and the status of the launcher."""
    doctor(s, "--", command, code=code)
    said = [x for x in lines(s) if x.startswith("fail")]
    host = s.spawn([s.part("childproof"), "--", command])
    expect(host.wait() == code << 8, f"the launcher: {host.raw:#x}")
    expect(s.read(s.err) == f"childproof: {said[0][6:]}\n",
           f"{s.read(s.err)!r} is not {said}")


# --- other objects ----------------------------------------------------------


def preload(s, name, level, *words):
    if "malloc" in name:
        not_sanitized()
    path = os.path.join(s.setting.build, "rivals", name)
    doctor(s, code=LEVELS[level], env={"LD_PRELOAD": path})
    finds(s, level, "LD_PRELOAD: " + path, *words)


def preload_text(s):
    path = os.path.join(s.work, "text.so")
    with open(path, "w") as f:
        f.write("no object\n")
    doctor(s, code=1, env={"LD_PRELOAD": path})
    finds(s, "warn", "LD_PRELOAD: " + path, "no object")


def preload_ours(s):
    doctor(s, env={"LD_PRELOAD": s.part("libchildproof.so")})
    finds(s, "ok", "LD_PRELOAD: ", "the shim")


# --- parts ------------------------------------------------------------------


def copy_parts(s, name="parts"):
    parts = os.path.join(s.dir, name)
    os.mkdir(parts)
    for part in PARTS:
        subprocess.run(["cp", s.part(part), parts], check=True)
    return functools.partial(os.path.join, parts)


def part_missing(s, name):
    part = copy_parts(s)
    os.unlink(part(name))
    doctor(s, code=2, program=part("childproof"))
    finds(s, "fail", name, "No such file")


def part_of_another_version(s, name):
    part = copy_parts(s)
    with open(part(name), "rb") as f:
        data = f.read()
    changed = re.sub(rb"(childproof-version=)[0-9]", rb"\g<1>X", data)
    expect(changed != data, "it has no version")
    with open(part(name), "wb") as f:
        f.write(changed)
    doctor(s, code=2, program=part("childproof"))
    finds(s, "fail", name, "version X")


def part_spoilt(s):
    """The version is there, but no loader takes it."""
    part = copy_parts(s)
    with open(part("libchildproof.so"), "r+b") as f:
        f.write(b"\x7fBAD")
    doctor(s, code=2, program=part("childproof"))
    finds(s, "fail", "libchildproof.so", "does not load")


def space_in_path(s):
    part = copy_parts(s, "with space")
    doctor(s, code=2, program=part("childproof"))
    finds(s, "fail", "libchildproof.so", "space")


# --- the system -------------------------------------------------------------


def in_mounts(s, command, code, level, *words):
    """In a mount namespace of its own, after COMMAND."""
    if "umount" in command:
        not_sanitized()
    host = s.spawn(["unshare", "--mount", "sh", "-c", command])
    if host.wait() != 0:
        raise Skipped(f"{command}: {s.read(s.err)}")
    open(s.err, "w").close()
    doctor(s, code=code, before=["unshare", "--mount", "sh", "-c",
                                 command + ' && "$@"', "sh"])
    finds(s, level, *words)


def few_descriptors(s):
    doctor(s, code=1, before=["sh", "-c", 'ulimit -n 200 && exec "$@"', "sh"])
    finds(s, "warn", "descriptors", "hard limit 200")


def journal(s, path, level, code):
    path = path.format(work=s.work)
    doctor(s, f"--journal={path}", code=code)
    finds(s, level, f"journal {path}: ")
    expect(not os.listdir(s.work), "it made a file")


def environment(s):
    doctor(s, code=2, env={"CHILDPROOF_OPTIONS": "exit-grace=soon:term=1s"})
    finds(s, "fail", "CHILDPROOF_OPTIONS: exit-grace=soon: ")


def together(s, args, env):
    doctor(s, *args, code=2, env=env)
    finds(s, "fail", "options: keep needs idle")


def wrong(s, args, name):
    host = s.spawn([s.part("childproof"), "doctor", *args])
    err = s.read(s.err) if host.wait() == 125 << 8 else ""
    expect(err.startswith("childproof: doctor: ") and name in err and
           err.count("\n") == 1,
           f"wait status {host.raw:#x}, stderr {err!r}")
    expect(s.read(s.out) == "", "something on stdout")


def full(s):
    """What could not be said was not found to be well."""
    with open("/dev/full", "w") as out:
        host = s.spawn([s.part("childproof"), "doctor"], stdout=out)
        expect(host.wait() == 125 << 8, f"wait status {host.raw:#x}")


def coloured(s, env):
    """What it prints on a terminal."""
    master, slave = pty.openpty()
    host = s.spawn([s.part("childproof"), "doctor", "--journal=none"],
                   {**s.environment(), "TERM": "xterm", **env}, stdout=slave)
    os.close(slave)
    text = b""
    try:
        while got := os.read(master, 4096):
            text += got
    except OSError:  # EIO: the last slave was closed
        pass
    os.close(master)
    expect(host.wait(LONG) == 0, f"wait status {host.raw:#x}")
    expect(b"pidfd" in text, "no findings")
    return b"\033[32mok  \033[0m" in text


def colour(s):
    expect(coloured(s, {}), "no colour on a terminal")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        expect(not coloured(s, env), f"colour in spite of {env}")
    expect(coloured(s, {"NO_COLOR": ""}), "an empty NO_COLOR counts")


def cases():
    P = functools.partial

    def case(name, run):
        return Case("doctor/" + name, run, False)

    for run in (healthy, reached, static, without_dashes, set_id,
                set_id_of_another, chain,
                preload_text, preload_ours, part_spoilt, space_in_path,
                few_descriptors, environment, full, colour):
        yield case(run.__name__, run)
    for name, line, *runners in (
            ("sh", "#!/bin/sh", "/bin/sh"),
            ("env", "#!/usr/bin/env sh", "/sh"),
            ("env-S", "#!/usr/bin/env -S A=1 sh -e", "/sh"),
            ("none", "true", "/bin/sh")):
        yield case(f"script/{name}",
                   P(script, line=line, runners=runners))
    for name, line, says in (
            ("plain", "#!/nonexistent/x", "/nonexistent/x"),
            ("env", "#!/usr/bin/env childproof-no-such",
             "childproof-no-such")):
        yield case(f"no-interpreter/{name}",
                   P(no_interpreter, line=line, says=says))
    for name, command, code in (("name", "childproof-no-such", 127),
                                ("path", "/nonexistent/x", 127),
                                ("directory", "/", 126),
                                ("file", "/etc/passwd", 126)):
        yield case(f"cannot-run/{name}",
                   P(cannot_run, command=command, code=code))
    yield case("preload/rival", lambda s: preload(
        s, "rival.so", "warn", "fork", "pipe"))
    yield case("preload/malloc", lambda s: preload(
        s, "hostile_malloc.so", "ok", "wraps nothing"))
    yield case("preload/missing", lambda s: preload(
        s, "none.so", "warn", "not there"))
    for name in PARTS[0], PARTS[2]:
        yield case(f"part-missing/{name}", P(part_missing, name=name))
        yield case(f"part-version/{name}",
                   P(part_of_another_version, name=name))
    yield case("proc/outer", lambda s: in_mounts(
        s, "umount -l /proc", 2, "fail", "/proc: of another PID namespace"))
    yield case("proc/missing", lambda s: in_mounts(
        s, "while umount -l /proc 2>/dev/null; do :; done; "
        "[ ! -e /proc/self ]", 2, "fail", "/proc: not mounted"))
    yield case("proc/hidepid", lambda s: in_mounts(
        s, "mount -t proc -o hidepid=2 proc /proc", 0, "ok", "hidepid="))
    for name, path, level in (("file", "{work}/j", "ok"),
                              ("directory", "{work}", "warn"),
                              ("nowhere", "{work}/none/j", "warn"),
                              ("device", "/dev/null", "ok")):
        yield case(f"journal/{name}", P(journal, path=path, level=level,
                                        code=LEVELS[level]))
    for name, args, says in (("option", ["--no-such=1"], "no-such"),
                             ("value", ["--term=soon"], "term")):
        yield case(f"wrong/{name}", P(wrong, args=args, name=says))
    for name, args, env in (
            ("option", ["--keep=2"], {}),
            ("environment", [], {"CHILDPROOF_OPTIONS": "keep=2"})):
        yield case(f"together/{name}", P(together, args=args, env=env))
    yield case("help", P(tells, args=["doctor", "--help"],
                         words=["usage: childproof doctor", "--journal="]))
    yield case("listed", P(tells, args=["--help"],
                           words=["\n  doctor ", "\n  wrap "]))
