#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A CPython host for the end-to-end tests: spawns a ward in one of the ways
that Python programs do, calls at the meeting point, and exits when answered.

    py_host.py WAY MEET WARD MODE
"""

import asyncio
import os
import pty
import socket
import subprocess
import sys
import threading

WAY, MEET, WARD, MODE = sys.argv[1:]
COMMAND = [WARD, MODE, MEET, "g0"]
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
KEPT = []  # what is collected is closed


def popen(**how):
    KEPT.append(subprocess.Popen(COMMAND, **PIPES, **how))


def in_thread(stays):
    started, never = threading.Event(), threading.Event()

    def body():
        popen()
        started.set()
        if stays:
            never.wait()

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    started.wait()
    if not stays:
        thread.join()


def by_shell():
    KEPT.append(subprocess.Popen(" ".join(COMMAND) + "; true", shell=True,
                                 **PIPES))


def by_posix_spawn():
    stdin, to = os.pipe()
    of, stdout = os.pipe()
    os.posix_spawn(WARD, COMMAND, os.environ, file_actions=[
        (os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)])
    os.close(stdin)
    os.close(stdout)
    KEPT.extend((to, of))


def by_pty():
    pid, master = pty.fork()
    if pid == 0:
        os.execv(WARD, COMMAND)
    KEPT.append(master)


def with_stranger():
    """Another child holds the ward's own ends, by accident: fd >= 3."""
    stdin, to = os.pipe()
    of, stdout = os.pipe()
    for fd in (stdin, stdout):
        os.set_inheritable(fd, True)
    KEPT.append(subprocess.Popen(COMMAND, stdin=stdin, stdout=stdout))
    KEPT.append(subprocess.Popen(
        [WARD, "stubborn", MEET, "g1"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, close_fds=False))
    os.close(stdin)
    os.close(stdout)
    KEPT.extend((to, of))


def say(name):
    """Calls at the meeting point; returns when the driver answers."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(MEET)
        s.sendall(f"{name} {os.getpid()} {os.getppid()}\n".encode())
        s.recv(16)


async def by_asyncio():
    KEPT.append(await asyncio.create_subprocess_exec(
        *COMMAND, **PIPES, start_new_session=True))
    await asyncio.get_running_loop().run_in_executor(None, say, "host")
    sys.exit(7)


WAYS = {
    "popen": popen,
    "session": lambda: popen(start_new_session=True),
    "preexec": lambda: popen(preexec_fn=os.setpgrp),
    "no-env": lambda: popen(env={}),
    "worker": lambda: in_thread(True),
    "ended": lambda: in_thread(False),
    "shell": by_shell,
    "posix_spawn": by_posix_spawn,
    "pty": by_pty,
    "stranger": with_stranger,
    "asyncio": lambda: asyncio.run(by_asyncio()),
}

WAYS[WAY]()
say("host")
sys.exit(7)
