# SPDX-License-Identifier: MIT
"""The setting of all measures: what is installed, environments, hosts.

Hosts are programs that obey lines on their stdin and answer with lines.  Every
wait has a limit; a host that does not answer ends the run.
"""

import glob
import os
import resource
import select
import shutil
import subprocess
import time

LIMIT = 120.0  # seconds for any one answer: the machine may be busy
TRUE = shutil.which("true") or "/bin/true"

# Peers that stand in front of a host: name -> words before the command.
FRONTS = {
    "tini": ["tini", "-s", "--"],
    "dumb-init": ["dumb-init", "--"],
    "catatonit": ["catatonit", "--"],
    "strace": ["strace", "-f", "-qq", "-o", "/dev/null"],
    "unshare": ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
    "bwrap": ["bwrap", "--unshare-pid", "--die-with-parent", "--dev-bind",
              "/", "/", "--proc", "/proc"],
}


class Setting:
    def __init__(self, build, tmp, long):
        self.build = os.path.abspath(build)
        self.tmp = tmp
        self.long = long
        self.missing = set()
        self.preloads = {"ours": self.part("libchildproof.so"),
                         "empty": self.part("bench/empty.so")}
        eatmydata = [so for d in ("/usr/lib/*", "/usr/lib", "/usr/lib64")
                     for so in glob.glob(d + "/libeatmydata.so*")]
        if eatmydata:
            self.preloads["eatmydata"] = sorted(eatmydata)[0]
        else:
            self.missing.add("eatmydata")

    def part(self, name):
        return os.path.join(self.build, name)

    def program(self, name):
        return self.part("bench/" + name)

    def has(self, way):
        """Is this way of running a host there?  Remembers what is not."""
        if way in FRONTS:
            there = shutil.which(FRONTS[way][0]) is not None
        else:
            there = way == "bare" or way in self.preloads
        if not there:
            self.missing.add(way)
        return there

    def ways(self, *names):
        return [n for n in names if self.has(n)]

    def environment(self, way, options=""):
        env = {"PATH": os.environ["PATH"], "LANG": "C"}
        if way in self.preloads:
            env["LD_PRELOAD"] = self.preloads[way]
        if way == "ours":
            env["CHILDPROOF_OPTIONS"] = ":".join(
                filter(None, ["journal=none", options]))
        return env

    def host(self, way, argv=None, options=""):
        """A host that obeys lines: the spawner, if no other is named."""
        argv = argv or [self.program("spawner")]
        front = FRONTS.get(way, [])
        return Host(front + argv, self.environment(way, options),
                    # unshare 2.38 complains of a harmless failure.
                    subprocess.DEVNULL if front else None)

    def fifo(self, name="fifo"):
        return Fifo(os.path.join(self.tmp, name))


class Host:
    def __init__(self, argv, env, stderr):
        self.argv = argv
        self.child = subprocess.Popen(argv, env=env, bufsize=0, stderr=stderr,
                                      stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)
        self.got = b""

    def send(self, line):
        self.child.stdin.write(line.encode() + b"\n")

    def answer(self, within=LIMIT):
        fd = self.child.stdout.fileno()
        deadline = time.monotonic() + within
        while not self.got.endswith(b"\n"):
            left = max(0, deadline - time.monotonic())
            if not select.select([fd], [], [], left)[0]:
                raise TimeoutError(f"{self.argv} does not answer")
            some = os.read(fd, 4096)
            if not some:
                raise ConnectionError(f"{self.argv} is gone")
            self.got += some
        line, self.got = self.got, b""
        return float(line)

    def ask(self, line, within=LIMIT):
        self.send(line)
        return self.answer(within)

    def close(self):
        """Ends it; what it had is killed with it, or was reaped before."""
        self.child.stdin.close()
        self.child.stdout.close()
        try:
            self.child.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Fifo:
    """Says when the last process that holds its write end is gone."""

    def __init__(self, path):
        self.path = path
        if not os.path.exists(path):
            os.mkfifo(path)
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def closed(self, within=LIMIT):
        """To be asked after somebody has opened it: True at its EOF."""
        p = select.poll()
        p.register(self.fd, select.POLLIN)
        return bool(p.poll(max(0, within) * 1000))

    def close(self):
        os.close(self.fd)


def most_wards(wanted):
    """Two descriptors a ward: so many can one host have here."""
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return min(wanted, (room - 100) // 200 * 100)


def ask_all(hosts, line):
    """All at once: what they are to do is not measured."""
    for host in hosts:
        host.send(line)
    for host in hosts:
        host.answer()


def in_order(ways, turn):
    """A B C, C B A, B C A, A C B ...: who is first, and who comes behind
    whom, is shared out evenly."""
    first = turn // 2 % len(ways)
    order = ways[first:] + ways[:first]
    return order[::-1] if turn % 2 else order


def turns(hosts, what, rounds, warm=2):
    """Asks every host in turn, ROUNDS times; one {way: answer} a turn."""
    rows = []
    ways = list(hosts)
    for i in range(warm + rounds):
        order = in_order(ways, i)
        answers = {way: what(hosts[way]) for way in order}
        if i >= warm:
            rows.append({way: answers[way] for way in ways})
    return rows


def wait_until(condition, within=LIMIT, every=0.005):
    """For what has no event: True as soon as CONDITION() is."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
