# SPDX-License-Identifier: MIT
"""A stage for the commands that show or do something: its own network.

In it the guards' sockets are named, so that no command here sees, or ends,
what belongs to another case.
"""

import json
import os
import re
import subprocess
import sys
import time

import proc
from runner import Case
from scene import LONG, SLACK, Skipped, expect, parts_alive
from waits import until

# Nobody's grace ends while a case looks.
STUBBORN = "mode=stubborn"
LONGER = {"grace": "1h", "exit-grace": "1h", "term": "1h"}


class Show:
    """A host in a network of its own, and clients there."""

    def __init__(self, s):
        self.s = s
        check = subprocess.run(["unshare", "--net", "true"],
                               capture_output=True)
        if check.returncode != 0:
            raise Skipped("no network namespace can be made here")
        maker = s.spawn(["unshare", "--net", "sleep", "3600"])
        mine = os.readlink("/proc/self/ns/net")
        until(lambda: self.network(maker.pid) not in (None, mine),
              "no namespace")
        self.name = self.network(maker.pid)
        self.fd = os.open(f"/proc/{maker.pid}/ns/net", os.O_RDONLY)
        self.maker = maker

    @staticmethod
    def network(pid):
        try:
            return os.readlink(f"/proc/{pid}/ns/net")
        except OSError:
            return None

    def before(self):
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.fd}"]

    def host(self, death, *specs, **how):
        return self.s.host(death, *specs, before=self.before(), **how)

    def run(self, *args, env=None, before=(), within=LONG):
        """The exit status, stdout and stderr of `childproof ARGS`."""
        done = subprocess.run(
            [*self.before(), *before, self.s.part("childproof"),
             *map(str, args)], env={**self.s.environment(), **(env or {})},
            cwd=self.s.work, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=within)
        return (done.returncode, done.stdout.decode(),
                done.stderr.decode())

    def good(self, *args, **how):
        status, out, err = self.run(*args, **how)
        expect(status == 0, f"{args}: exit {status}, {err!r}")
        return out

    def refused(self, *args, word, status=1, **how):
        """One line on stderr that has WORD in it."""
        got, out, err = self.run(*args, **how)
        expect(got == status, f"{args}: exit {got}, {err!r} {out!r}")
        expect(err.startswith("childproof: ") and err.count("\n") == 1 and
               word in err, f"{args}: stderr is {err!r}, without {word!r}")
        return out

    def json(self, *args, **how):
        return json.loads(self.good("ps", "--json", *args, **how))

    def children(self, *args):
        return {c["pid"]: c for h in self.json(*args)["hosts"]
                for c in h["children"]}

    def is_shown(self, ward, state, within=LONG):
        """Until WARD is in STATE; by the table and by JSON."""
        seen = set()

        def look():
            seen.add(self.children().get(ward.pid, {}).get("state"))
            return state in seen

        until(look, f"{ward} is never shown as {state}", within)
        line = [x for x in self.good("ps").splitlines()
                if re.search(rf"\D{ward.pid} ", x)]
        expect(len(line) == 1 and f" {state} " in line[0],
               f"not {state}: {line}")

    def guards(self):
        """The guards here, with their sentinels."""
        found = []
        for pid in parts_alive():
            held = proc.links(pid).values()
            if (self.network(pid) == self.name and
                    any(to.startswith("socket:") for to in held)):
                try:
                    found.append(proc.Proc(pid, "guard"))
                except ProcessLookupError:  # it has just ended
                    pass
        return found

    def nobody_left(self, within=2.0):
        left = self.guards()
        when = proc.first_deaths(left, time.monotonic() + within + SLACK)
        expect(len(when) == len(left), f"guards: {list(map(str, left))}")
        expect(not self.guards(), "another guard")

    def close(self):
        os.close(self.fd)
        self.maker.kill()
        self.maker.wait()


def case(name, run, bare=False, **how):
    def staged(s):
        stage = Show(s)
        try:
            run(stage, **how)
        finally:
            stage.close()
    return Case(name, staged, bare)


def killed(host):
    host.kill()
    host.wait()


def peer_gone(t, options=None):
    """A host that has given up its first child; the others are well."""
    host = t.host("wait,shut", STUBBORN, "mode=echo",
                  options={**LONGER, **(options or {})})
    t.s.gather(host=1, g0=1, g1=1)
    t.s.go()
    t.s.gather(shut=1)
    return host, t.s.met["g0"][0], t.s.met["g1"][0]


def child_gone(t, **options):
    """npx is killed; the server behind it has its stdin on."""
    host = t.host("wait", "prog=sh", options={**LONGER, **options})
    t.s.gather(host=1, g0=1)
    server = t.s.wards()[0]
    parent = int(proc.status(server.pid, "PPid")["PPid"])
    shell = proc.Proc(parent, "shell")
    t.s.all.append(shell)
    until(lambda: shell.pid in t.children(), "not met")
    shell.kill()
    expect(shell.dead(LONG), "the shell lives")
    return host, shell, server


AS_NOBODY = ("import os, sys\n"
             "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
             "os.setgroups([])\n"
             "os.setresgid(65534, 65534, 65534)\n"
             "os.setresuid(65534, 65534, 65534)\n"
             "os.execve(fd, sys.argv[1:], os.environ)\n")


def as_nobody():
    check = subprocess.run([sys.executable, "-c", AS_NOBODY, "/bin/true"],
                           capture_output=True)
    if check.returncode != 0:
        raise Skipped("nobody else can be played here")
    return [sys.executable, "-c", AS_NOBODY]
