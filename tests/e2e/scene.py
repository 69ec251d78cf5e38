# SPDX-License-Identifier: MIT
"""One case's stage: a directory, a meeting point, hosts, wards, a guard.

Times are in seconds.  Nothing here sleeps: every wait is on an event, with a
limit.  `spared` alone has to wait for something *not* to happen.
"""

import itertools
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import time

import proc

TREE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# What the contract allows on top of the graces.
PROMPT = 0.250
# What we allow on top of that, because the machine is busy with other cases:
# the one place for it.  Twelve of 100 wards each at a time, on one processor,
# were in time with this.  How quick it is on an idle machine is the bench's;
# here it is below the 5 s after which a guard looks again for what it missed.
SLACK = 1.0
# How long somebody must live to count as not ended.
SPARE = 0.300
# For what has no promised time, and only hangs if something is broken.
LONG = 10.0

QUICK = {"exit-grace": "200ms", "term": "200ms", "grace": "200ms"}
GRACE, TERM = 0.200, 0.200

# No directory that another user may not search: that would be EACCES.
PATH = ":".join([os.path.dirname(sys.executable), "/usr/bin", "/bin"])

COUNTER = itertools.count(1)


class Failed(Exception):
    """What a case says when it does not hold."""


class Skipped(Exception):
    """What a case says when this machine lacks what it is about."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


PARTS = ("libchildproof.so", "childproof", "childproof-guard")


class Setting:
    """What all scenes share: where the programs are, where files go."""

    def __init__(self, tmp):
        self.tmp = tmp
        self.build = os.path.abspath(
            os.environ.get("BUILD") or os.path.join(TREE, "build"))
        self.hosts = os.path.join(self.build, "hosts")
        self.script = os.path.join(tmp, "tree", "scripts", "childproof")
        self.installed = os.path.join(tmp, "prefix", "bin", "childproof")
        self.lay_out()

    def lay_out(self):
        """The launcher script beside this build, and as it is installed."""
        for script in (self.script, self.installed):
            os.makedirs(os.path.dirname(script))
            shutil.copy(os.path.join(TREE, "scripts", "childproof"), script)
        os.symlink(self.build, os.path.join(self.tmp, "tree", "build"))
        lib = os.path.join(self.tmp, "prefix", "lib", "childproof")
        os.makedirs(lib)
        for part in PARTS:
            if os.path.exists(os.path.join(self.build, part)):
                shutil.copy(os.path.join(self.build, part), lib)


class Host(proc.Proc):
    """A process that the scene started itself, and may wait for."""

    def __init__(self, child, name):
        super().__init__(child.pid, name)
        self.child = child
        self.raw = None

    def wait(self, within=LONG):
        """The raw wait status."""
        if self.raw is None:
            expect(self.dead(within), f"{self} did not end")
            self.raw = os.waitpid(self.pid, 0)[1]
            self.child.returncode = self.raw
        return self.raw


class Scene:
    def __init__(self, name, setting):
        self.name = name
        self.setting = setting
        self.dir = os.path.join(setting.tmp, str(next(COUNTER)))
        self.work = os.path.join(self.dir, "work")
        os.makedirs(self.work)
        self.meet = os.path.join(self.dir, "meet")
        self.journal = os.path.join(self.dir, "journal")
        self.out = os.path.join(self.dir, "out")
        self.err = os.path.join(self.dir, "err")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.meet)
        self.listener.listen(256)
        self.hosts = []
        self.all = []      # every Proc that ever called
        self.met = {}      # tag → [Proc]
        self.waiting = {}  # tag → [connection] to be answered
        self.guard = []    # parts of childproof that serve this scene
        self.sockets = set()
        self.commands = []

    # --- starting ---------------------------------------------------------

    def program(self, name):
        return os.path.join(self.setting.hosts, name)

    def part(self, name):
        return os.path.join(self.setting.build, name)

    def environment(self):
        return {"PATH": PATH,
                "HOME": self.work, "TMPDIR": self.work, "LANG": "C",
                # A shell adds it where it is missing.
                "PWD": self.work,
                # Nothing of it reaches a command; for what outlives us.
                "CP_E2E_CASE": self.name}

    def options(self, options):
        all_of_them = {"journal": self.journal, **QUICK, **(options or {})}
        return {k: v for k, v in all_of_them.items() if v is not None}

    def start(self, argv, how="launcher", options=None, before=(), env=None,
              **popen):
        """Starts ARGV: bare, or guarded in one of four ways."""
        env = {**self.environment(), **(env or {})}
        options = self.options(options)
        if how == "preload":
            env["LD_PRELOAD"] = self.part("libchildproof.so")
            env["CHILDPROOF_OPTIONS"] = ":".join(
                f"{k}={v}" for k, v in options.items())
        elif how != "bare":
            launcher = {"launcher": self.part("childproof"),
                        "script": self.setting.script,
                        "installed": self.setting.installed}[how]
            argv = [launcher, *(f"--{k}={v}" for k, v in options.items()),
                    "--", *argv]
        return self.spawn([*before, *argv], env, **popen)

    def spawn(self, argv, env=None, **popen):
        """Starts ARGV as it is, its output in files."""
        self.commands.append(argv)
        with open(self.out, "ab") as out, open(self.err, "ab") as err:
            how = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err,
                   "cwd": self.work, "env": env or self.environment(),
                   **popen}
            child = subprocess.Popen(argv, **how)
        host = Host(child, f"host{len(self.hosts)}")
        self.hosts.append(host)
        return host

    def host(self, death, *specs, prog="host", **how):
        """Starts the test host; see tests/hosts/host.c for the words."""
        return self.start([self.program(prog), self.meet, death, *specs],
                          **how)

    # --- meeting ----------------------------------------------------------

    def gather(self, within=LONG, **wanted):
        """Waits until WANTED[tag] processes of each tag have called."""
        deadline = time.monotonic() + within
        p = select.poll()
        p.register(self.listener, select.POLLIN)
        fds = {h.fd: h for h in self.hosts if h.raw is None}
        for fd in fds:
            p.register(fd, select.POLLIN)
        while any(len(self.met.get(t.replace("_", "."), [])) < n
                  for t, n in wanted.items()):
            left = deadline - time.monotonic()
            ready = {fd for fd, _ in p.poll(max(0, left) * 1000)}
            expect(ready or left > 0, f"only {self.present()} came, not "
                                      f"{wanted}")
            if self.listener.fileno() in ready:
                self.answer_one()
                continue
            for fd in ready:  # a host may end well while its wards call
                p.unregister(fd)
                raw = fds[fd].wait()
                expect(raw == 0 or "host" not in wanted,
                       f"{fds[fd]} ended early, raw status {raw:#x}")

    def answer_one(self):
        conn, _ = self.listener.accept()
        conn.settimeout(LONG)
        line = b""
        while not line.endswith(b"\n"):
            got = conn.recv(256)
            if not got:
                conn.close()
                return
            line += got
        words = line.decode().split()
        cred = conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid = struct.unpack("3i", cred)[0]
        if words[0] == "ward":
            ward = proc.Proc(pid, words[1])
            self.all.append(ward)
            self.met.setdefault(words[1], []).append(ward)
            conn.sendall(b"ok\n")
            conn.recv(1)  # EOF: it has closed its end, and has no fd of ours
            conn.close()
            return
        met = proc.Proc(pid, words[0])
        met.words = words[1:]
        met.since = time.monotonic()
        self.all.append(met)
        self.met.setdefault(words[0], []).append(met)
        self.waiting.setdefault(words[0], []).append(conn)

    def go(self, tag="host"):
        """Answers those who wait for a word: now they go on."""
        for conn in self.waiting.pop(tag, []):
            try:
                conn.sendall(b"go\n")
            except OSError:
                pass
            conn.close()

    def wards(self, *tags):
        hosts = ("host", "again", "early")
        return [w for t in tags or sorted(self.met) if t not in hosts
                for w in self.met.get(t, [])]

    def present(self):
        return {tag: len(procs) for tag, procs in self.met.items()}

    # --- the guard --------------------------------------------------------

    def find_guard(self):
        """Remembers the parts of childproof that serve this scene."""
        deadline = time.monotonic() + LONG
        while not self.guard:
            self.guard = self.guards_now()
            expect(self.guard or time.monotonic() < deadline,
                   "no guard runs")
            if not self.guard:
                time.sleep(0.002)  # between its start and its exec
        return self.guard

    def guards_now(self):
        mine = self.hosts + self.all
        names = {proc.environ(p.pid).get("CHILDPROOF_GUARD") for p in mine}
        names |= self.sockets
        numbers = {p.pid for p in mine}
        sockets = {n: i for n, i in proc.abstract_sockets().items()
                   if n in names or n.split("/")[1] in map(str, numbers)}
        parts = [p for p in parts_alive() if p not in numbers]
        serving = set()
        # Abstract names are shared with other PID namespaces, which use the
        # same numbers: ours are those that a process of ours holds.
        for name, inode in sockets.items():
            holders = {p for p in parts
                       if f"socket:[{inode}]" in proc.links(p).values()}
            if holders:
                self.sockets.add(name)
                serving |= holders
        family = {p for p in parts if serving & set(relatives(p, parts))}
        found = []
        for pid in serving | family:
            try:
                found.append(proc.Proc(pid, "guard"))
            except ProcessLookupError:
                pass
        return found

    def nothing_of_ours(self, within=1.0):
        """After the last host and ward: no process, socket or file."""
        deadline = time.monotonic() + within + SLACK
        self.guard += self.guards_now()  # one may have been replaced
        when = proc.first_deaths(self.guard, deadline)
        left = [str(g) for g in self.guard if g not in when]
        expect(not left, f"still there {within}s after the last ward: {left}")
        names = self.sockets & set(proc.abstract_sockets())
        expect(not names, f"abstract sockets left: {names}")
        files = set(os.listdir(self.work)) - {"daemon.log"}
        expect(not files, f"files left: {files}")
        known = {"work", "meet", "journal", "out", "err"}
        files = {f for f in os.listdir(self.dir)
                 if not f.startswith("meet.")} - known
        expect(not files, f"files left: {files}")

    # --- telling ----------------------------------------------------------

    def read(self, path):
        try:
            with open(path, errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def journal_lines(self):
        return [json.loads(line) for line in
                self.read(self.journal).splitlines()]

    def describe(self):
        """All that is known, on one line."""
        facts = {"commands": [" ".join(map(str, c)) for c in self.commands],
                 "status": [h.raw for h in self.hosts],
                 "alive": [str(p) for p in self.everyone() if not p.dead()],
                 "stdout": self.read(self.out)[-300:],
                 "stderr": self.read(self.err)[-600:],
                 "journal": self.read(self.journal)[-3000:]}
        return " | ".join(f"{k}={v!r}" for k, v in facts.items() if v)

    def everyone(self):
        return self.hosts + self.all + self.guard

    def close(self):
        """Ends whatever the case left, the hosts first."""
        for p in self.everyone():
            p.kill()
        for h in self.hosts:
            if h.dead(LONG):
                h.wait()
        for conns in self.waiting.values():
            for conn in conns:
                conn.close()
        for p in self.everyone():
            p.close()
        self.listener.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def parts_alive():
    return [p for p in proc.pids() if proc.comm(p).startswith("childproof")]


def relatives(pid, among):
    """Parent and children of PID among the processes AMONG."""
    parent = {p: int(proc.status(p, "PPid").get("PPid", 0)) for p in among}
    return [p for p in among if parent[p] == pid or parent.get(pid) == p]
