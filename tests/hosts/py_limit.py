#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A CPython host that tries one command three times, another one, and the
first one in another directory, and says what came of each; when it is
answered, the first one twice more, and exits at the next answer.

    py_limit.py WAY MEET WARD
"""

import errno
import os
import socket
import subprocess
import sys

WAY, MEET, WARD = sys.argv[1:]
KEPT = []  # what is collected is closed


def popen(command, cwd):
    KEPT.append(subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE))


def by_name(command, cwd):
    """By name, which CPython looks for in every directory of PATH."""
    os.environ["PATH"] = f"/nowhere:{os.path.dirname(command[0])}:/usr/bin"
    popen([os.path.basename(command[0]), *command[1:]], cwd)


def become(command, cwd, stdin, stdout, failed):
    """The child's part; never returns."""
    try:
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        os.chdir(cwd)
        os.execv(command[0], command)
    except OSError as e:
        os.write(failed, bytes([e.errno]))
    os._exit(127)


def fork(command, cwd):
    stdin, to = os.pipe()
    of, stdout = os.pipe()
    why, failed = os.pipe()
    pid = os.fork()
    if pid == 0:
        become(command, cwd, stdin, stdout, failed)
    for fd in (stdin, stdout, failed):
        os.close(fd)
    error = os.read(why, 1)
    os.close(why)
    if error:
        os.waitpid(pid, 0)
        raise OSError(error[0], "exec")
    KEPT.extend((to, of))


def posix_spawn(command, cwd):
    stdin, to = os.pipe()
    of, stdout = os.pipe()
    here = os.getcwd()
    os.chdir(cwd)
    try:
        os.posix_spawn(command[0], command, os.environ, file_actions=[
            (os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)])
    finally:
        os.chdir(here)
        os.close(stdin)
        os.close(stdout)
    KEPT.extend((to, of))


SPAWN = {"popen": popen, "by-name": by_name, "fork": fork,
         "posix_spawn": posix_spawn}[WAY]


def attempt(tag="g0", cwd="."):
    try:
        SPAWN([WARD, "stubborn", MEET, tag], cwd)
        return "ok"
    except OSError as e:
        return errno.errorcode[e.errno]


def say(name, words):
    """Calls at the meeting point; returns when the driver answers."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(MEET)
        s.sendall(f"{name} {' '.join(words)}\n".encode())
        s.recv(16)


say("host", [attempt(), attempt(), attempt(), attempt("g1"),
             attempt(cwd="/")])
say("again", [attempt(), attempt()])
sys.exit(7)
