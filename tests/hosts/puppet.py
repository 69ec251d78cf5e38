#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A CPython host that does what it is told, one thing at a time.

    puppet.py MEET CONTROL WARD

It calls at the UNIX socket CONTROL, reads lines of JSON, [NAME, [ARG...],
{KEY: VALUE}], and answers each with the result.  Its ends of the channels of
ward TAG are called TAG.in and TAG.out.
"""

import array
import json
import os
import pty
import select
import socket
import subprocess
import sys
import tty

MEET, CONTROL, WARD = sys.argv[1:]
NULL = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
LONG_MS = 10000

ends = {}       # name → descriptor of the host
child_ends = {}  # TAG.in, TAG.out → the child's, until they are closed
boxes = {}      # name → a socket with a descriptor in flight
KEPT = []       # what is collected is waited for


def make(wire, inherited):
    """(stdin, stdout) of the child, (to, of) of the host."""
    if inherited:
        stdin, to = os.pipe2(0)
        of, stdout = os.pipe2(0)
    elif wire == "pipes":
        stdin, to = os.pipe()
        of, stdout = os.pipe()
    elif wire == "reader":
        (stdin, to), (of, stdout) = os.pipe(), (None, NULL)
    elif wire == "writer":
        (stdin, to), (of, stdout) = (NULL, None), os.pipe()
    elif wire == "null":
        (stdin, to), (of, stdout) = (NULL, None), (None, NULL)
    elif wire == "pair":
        a, b = socket.socketpair()
        stdin = stdout = a.detach()
        to = of = b.detach()
    elif wire == "pairs":
        (a, b), (c, d) = socket.socketpair(), socket.socketpair()
        stdin, to, of, stdout = (x.detach() for x in (a, b, c, d))
    else:
        to, stdin = pty.openpty()
        tty.setraw(stdin)
        os.set_inheritable(to, False)
        os.set_inheritable(stdin, False)
        of, stdout = to, stdin
    return stdin, stdout, to, of


def by_popen(argv, stdin, stdout, keep):
    how = {"close_fds": False} if keep == "all" else {
        "pass_fds": [child_ends[k[6:]] if k.startswith("child.") else ends[k]
                     for k in keep]}
    child = subprocess.Popen(argv, stdin=stdin, stdout=stdout, **how)
    KEPT.append(child)
    return child.pid


def by_fork(argv, stdin, stdout, keep):
    pid = os.fork()
    if pid == 0:
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        os.execv(argv[0], argv)
    return pid


def by_posix_spawn(argv, stdin, stdout, keep):
    return os.posix_spawn(argv[0], argv, os.environ, file_actions=[
        (os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)])


HOW = {"popen": by_popen, "fork": by_fork, "posix_spawn": by_posix_spawn}


def spawn(tag, mode="stubborn", wire="pipes", how="popen", script=None,
          keep=(), inherited=False, like=None, after=None, hold=False):
    """A ward.  SCRIPT is a shell's, in which "$@" runs it; KEEP names what it
    inherits besides ("all": what is inheritable); INHERITED: pipes that
    are not close-on-exec; LIKE names a ward whose stdin it shares, AFTER one whose
    stdout is its stdin; HOLD keeps the child's ends."""
    stdin, stdout, to, of = make(wire, inherited)
    if like is not None or after is not None:
        os.close(stdin)
        os.close(to)
        to = None
        stdin = child_ends[like + ".in"] if like else ends[after + ".out"]
    argv = [WARD, mode, MEET, tag]
    if script is not None:
        argv = ["/bin/sh", "-c", script, "sh", *argv]
    pid = HOW[how](argv, stdin, stdout, keep)
    for name, fd in (("in", stdin), ("out", stdout)):
        child_ends[f"{tag}.{name}"] = fd
    if after is not None:
        child_ends[f"{tag}.in"] = NULL
    if not hold:
        let_go(tag)
    for name, fd in (("in", to), ("out", of)):
        if fd is not None:
            ends[f"{tag}.{name}"] = fd
    return pid


def link(name):
    """A pipe besides, to be kept by a child: NAME.of and NAME.to."""
    ends[name + ".of"], ends[name + ".to"] = os.pipe()


def let_go(tag):
    """Closes what the host has of the child's ends."""
    fds = {child_ends.pop(f"{tag}.{n}") for n in ("in", "out")}
    for fd in fds - {NULL, *child_ends.values()}:
        os.close(fd)


def close(*names):
    """Host ends by name, or all of a ward's."""
    fds = {ends.pop(n) for name in names
           for n in list(ends) if n == name or n.startswith(name + ".")}
    for fd in fds - set(ends.values()):
        os.close(fd)


def ask(tag):
    """The ward must answer."""
    os.write(ends[tag + ".in"], b"?")
    of = ends[tag + ".out"]
    p = select.poll()
    p.register(of, select.POLLIN)
    return bool(p.poll(LONG_MS)) and os.read(of, 1) == b"?"


def say(tag, text="x"):
    os.write(ends[tag + ".in"], text.encode())


def dup(name, to, fd=None):
    ends[to] = os.dup(ends[name]) if fd is None else os.dup2(
        ends[name], fd, inheritable=False)


def reopen(name, to, flags):
    ends[to] = os.open(f"/proc/self/fd/{ends[name]}", flags | os.O_CLOEXEC)


def post(box, *names):
    """Puts descriptors in flight: into a socket that nobody reads."""
    a, b = socket.socketpair()
    fds = array.array("i", [ends[n] for n in names])
    a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    boxes[box] = (a, b)


def send(path, *names):
    """The same, to whoever listens at PATH."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        socket.send_fds(s, [b"x"], [ends[n] for n in names])
        s.recv(1)


def burn(box):
    for s in boxes.pop(box):
        s.close()


def meet(name):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(MEET)
        s.sendall(f"{name} {os.getpid()} {os.getppid()}\n".encode())
        s.recv(16)


def worker(tag, *names):
    """A fork copy, which keeps NAMES only."""
    pid = os.fork()
    if pid == 0:
        keep = {ends[n] for n in names}
        for fd in set(ends.values()) - keep:
            os.close(fd)
        control.close()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(MEET)
            s.sendall(f"ward {tag}\n".encode())
            s.recv(16)
        while True:
            select.select([], [], [])
    return pid


def wait(pid):
    os.waitpid(pid, 0)


control = socket.socket(socket.AF_UNIX)
control.connect(CONTROL)
for line in control.makefile():
    name, args, keys = json.loads(line)
    answer = globals()[name](*args, **keys)
    control.sendall(json.dumps(answer).encode() + b"\n")
