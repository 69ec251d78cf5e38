# SPDX-License-Identifier: MIT
"""Processes by pidfd, and the little of /proc that the tests read."""

import os
import select
import signal
import time


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().rstrip("\n")
    except OSError:
        return ""


def programs(pid):
    """Base names of the program and of its first argument, a script's."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            argv = f.read(4096).split(b"\0")
    except OSError:
        return []
    return [os.path.basename(a.decode(errors="replace")) for a in argv[:2]]


def cwd(pid):
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def pids():
    return [int(p) for p in os.listdir("/proc") if p.isdigit()]


def links(pid):
    """fd → what it is open on; empty if we may not know."""
    found = {}
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
            except OSError:
                pass
    except OSError:
        pass
    return found


def status(pid, *keys):
    out = {}
    try:
        with open(f"/proc/{pid}/status") as f:
            for line in f:
                key, _, value = line.partition(":")
                if key in keys:
                    out[key] = value.strip()
    except OSError:
        pass
    return out


def environ(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            raw = f.read()
    except OSError:
        return {}
    pairs = (item.partition(b"=") for item in raw.split(b"\0") if item)
    return {k.decode(): v.decode(errors="replace") for k, _, v in pairs}


def abstract_sockets():
    """name → inode of the abstract UNIX sockets called childproof/…."""
    found = {}
    with open("/proc/net/unix") as f:
        for line in f:
            words = line.split()
            if len(words) == 8 and words[7].startswith("@childproof/"):
                found[words[7][1:]] = int(words[6])
    return found


class Proc:
    """A process that was alive when this was made, whatever its PID becomes."""

    def __init__(self, pid, name):
        self.pid = pid
        self.name = name
        self.fd = -1
        self.fd = os.pidfd_open(pid)

    def dead(self, within=0.0):
        p = select.poll()
        p.register(self.fd, select.POLLIN)
        return bool(p.poll(max(0, within) * 1000))

    def kill(self, sig=signal.SIGKILL):
        try:
            signal.pidfd_send_signal(self.fd, sig)
        except ProcessLookupError:
            pass

    def close(self):
        if self.fd != -1:
            os.close(self.fd)
            self.fd = -1

    __del__ = close

    def __str__(self):
        if self.fd == -1 or self.dead():
            return f"{self.name}({self.pid}, dead)"
        facts = status(self.pid, "State", "PPid", "SigIgn", "SigBlk")
        wire = {fd: to for fd, to in links(self.pid).items()
                if fd < 3 or to.startswith(("pipe:", "socket:"))}
        return f"{self.name}({self.pid} {comm(self.pid)} {facts} {wire})"


def first_deaths(procs, deadline):
    """Waits until all PROCS are dead or DEADLINE; returns {proc: when}."""
    when = {}
    p = select.poll()
    by_fd = {}
    for proc in procs:
        p.register(proc.fd, select.POLLIN)
        by_fd[proc.fd] = proc
    while len(when) < len(by_fd):
        left = deadline - time.monotonic()
        events = p.poll(max(0, left) * 1000)
        now = time.monotonic()
        for fd, _ in events:
            when[by_fd[fd]] = now
            p.unregister(fd)
        if not events and left <= 0:
            break
    return when
