# SPDX-License-Identifier: MIT
"""What the Python hosts of the field scenarios share: the call at the meeting
point, and a client of a line-wise JSON server that counts what it asked.
"""

import json
import os
import select
import socket
import threading
import time

PATIENCE = 10.0  # seconds for an answer, before it counts as lost


class Tally:
    """Requests sent and answered, of all clients of a host together."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = self.answered = 0

    def count(self, sent=0, answered=0):
        with self.lock:
            self.sent += sent
            self.answered += answered


class Wire:
    """One request at a time over two descriptors."""

    def __init__(self, to, of, tally):
        self.to, self.of, self.tally = to, of, tally
        self.number = 0
        self.rest = b""

    def ask(self, method="ping"):
        """The server's answer; OSError if there is none."""
        self.number += 1
        self.tally.count(sent=1)
        os.write(self.to, request(self.number, method))
        answer = json.loads(self.line(time.monotonic() + PATIENCE))
        if answer["id"] != self.number:
            raise OSError(f"answer {answer['id']} to {self.number}")
        self.tally.count(answered=1)
        return answer

    def line(self, deadline):
        p = select.poll()
        p.register(self.of, select.POLLIN)
        while b"\n" not in self.rest:
            if not p.poll(max(0, deadline - time.monotonic()) * 1000):
                raise OSError("no answer")
            got = os.read(self.of, 4096)
            if not got:
                raise OSError("end of file")
            self.rest += got
        line, _, self.rest = self.rest.partition(b"\n")
        return line


def request(number, method):
    message = {"jsonrpc": "2.0", "id": number, "method": method}
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def say(meet, name, *words):
    """Calls at the meeting point; returns when the driver answers."""
    line = " ".join(map(str, (name, os.getpid(), os.getppid(), *words)))
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(meet)
        s.sendall(line.encode() + b"\n")
        s.recv(16)


def tell(tally, **more):
    """The last line of a host's output: what it has counted."""
    print(json.dumps({"sent": tally.sent, "answered": tally.answered,
                      **more}), flush=True)
