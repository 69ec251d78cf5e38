# SPDX-License-Identifier: MIT
"""A journal that no guard wrote: as many wards as wanted, of every fate.

    python3 synthetic.py COUNT >JOURNAL

The same numbers give the same journal.  Gateways come and go; each starts
servers with arguments of few kinds, and ends leaving some of them behind.
"""

import json
import random
import sys

SERVERS = [
    ["node", "/srv/tools/node_modules/.bin/filesystem-server", "/srv/data"],
    ["python3", "-m", "fetch_server", "--timeout", "30"],
    ["/opt/search/bin/search-server", "--index=/var/lib/search/a very long "
     "name/that/goes/on/and/on/index.db", "--read-only", "--shards=16"],
    ["npx", "-y", "memory-server"],
    ["bash"],
    ["ssh", "-T", "build.example", "language-server", "--stdio"],
    ["/usr/bin/python3", "/srv/tools/sqlite server.py", "größe=große",
     "--title=\x1b[31m</script><b>"],
    ["cat", "-"],
]
DEAD = "the host is dead and nobody has taken its ends of the channels"
# fate: how often of a hundred
FATES = {"end": 50, "EOF": 22, "TERM": 14, "KILL": 6, "spared": 4,
         "live": 3, "gave-up": 1}
BEGIN = 1_790_000_000.0


class Ward:
    def __init__(self, rng, host, pid, born):
        self.host = host
        self.pid, self.start = pid, int((born - BEGIN) * 100) + 5000
        self.born = born
        self.argv = rng.choices(SERVERS, range(len(SERVERS), 0, -1))[0]
        self.channel = rng.choice(["duplex pipe"] * 5 + [
            "duplex socket", "duplex pty", "reader pipe", "writer pipe"])
        self.fate = rng.choices(list(FATES), FATES.values())[0]

    def line(self, time, event, **more):
        child = {"pid": self.pid, "start": self.start,
                 "name": self.argv[0].rsplit("/", 1)[-1][:31],
                 "argv": [] if event in ("end", "ended") else self.argv,
                 "ward": self.pid, "ward_start": self.start,
                 "age": round(time - self.born, 3), "channel": self.channel}
        return time, {"time": round(time, 3), "event": event,
                      "host": self.host, "child": child, **more}

    def lines(self, rng, gone):
        """What a guard says of it; its host is gone at GONE."""
        yield self.line(self.born + 0.05, "ward")
        if self.fate == "end":
            yield self.line(rng.uniform(self.born + 0.06, gone), "end")
        elif self.fate == "spared":
            yield self.line(gone, "spared", reason="it has let go of its "
                            "channels: a daemon")
        elif self.fate != "live":
            yield from self.ending(rng, gone)

    def ending(self, rng, t):
        yield self.line(t, "verdict", reason=DEAD, step="EOF")
        if self.fate == "EOF":
            t += rng.uniform(0.001, 1.9)
            yield self.line(t, "ended", reason=DEAD, step="EOF")
            return
        t += 2
        yield self.line(t, "signal", reason=DEAD, step="TERM", signal=15)
        if self.fate == "TERM":
            t += rng.uniform(0.001, 2.9)
            yield self.line(t, "ended", reason=DEAD, step="TERM")
            return
        t += 3
        yield self.line(t, "signal", reason=DEAD, step="KILL", signal=9)
        if self.fate == "KILL":
            yield self.line(t + 0.004, "ended", reason=DEAD, step="KILL")
        else:
            yield self.line(t + 5, "gave-up",
                            reason="it does not die of SIGKILL")


def journal(count, seed=1):
    """The lines, as objects, in the order of time."""
    rng = random.Random(seed)
    out, pid, at, left = [], 1000, BEGIN, count
    while left > 0:
        n = min(left, rng.randint(1, 40))
        left -= n
        host = {"pid": pid, "start": int((at - BEGIN) * 100) + 4000,
                "comm": rng.choice(["gateway", "agent", "editor"])}
        gone = at + rng.uniform(20, 900)
        out.append((at, {"time": round(at, 3), "event": "guard-start",
                         "host": host}))
        for _ in range(n):
            pid += rng.randint(1, 3)
            ward = Ward(rng, host, pid, rng.uniform(at, gone - 10))
            out += ward.lines(rng, gone)
        pid += 1
        at += rng.uniform(5, 120)
    out.sort(key=lambda pair: pair[0])
    return [line for _, line in out]


def write(lines, to):
    for line in lines:
        to.write(json.dumps(line, ensure_ascii=False,
                            separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write(journal(int(sys.argv[1])), sys.stdout)
