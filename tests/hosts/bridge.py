#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An agent that builds a new client every turn, each with a Node bridge of its
own and a thread that keeps it alive: a bridge that died is replaced a second
later, whoever needs it.  The client of the turn before is forgotten as it is.

    bridge.py MEET TURNS NODE BRIDGE
"""

import subprocess
import sys
import threading
import time
from subprocess import PIPE

from parts.talk import Tally, Wire, say, tell

MEET, TURNS, COMMAND = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
TURN = 0.5

tally = Tally()


class Client:
    def __init__(self):
        self.starts = self.refused = 0
        self.started = threading.Condition()
        threading.Thread(target=self.keep_alive, daemon=True).start()

    def keep_alive(self):
        while True:
            try:
                self.start()
                self.child.wait()
            except OSError:
                self.refused += 1
            time.sleep(1)

    def start(self):
        child = subprocess.Popen(COMMAND, stdin=PIPE, stdout=PIPE)
        with self.started:
            self.child = child
            self.wire = Wire(child.stdin.fileno(), child.stdout.fileno(),
                             tally)
            self.starts += 1
            self.started.notify_all()

    def work(self, starts):
        """A turn's requests, to the bridge that was started as STARTSth."""
        with self.started:
            if not self.started.wait_for(lambda: self.starts >= starts, 10):
                raise OSError("no bridge")
        for _ in range(3):
            pid = self.wire.ask()["result"]["pid"]
        return pid


def main():
    clients = []
    for _ in range(TURNS):
        clients.append(Client())
        pid = clients[-1].work(starts=1)
        time.sleep(TURN)
    say(MEET, "turns", pid)
    say(MEET, "asked", clients[-1].work(starts=1))
    say(MEET, "replaced", clients[-1].work(starts=2))
    tell(tally, starts=[c.starts for c in clients],
         refused=[c.refused for c in clients])


main()
