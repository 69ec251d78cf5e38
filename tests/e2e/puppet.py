# SPDX-License-Identifier: MIT
"""The strings of the puppet hosts: what they are told, from here."""

import json
import os
import shutil
import socket
import sys

from scene import LONG, TREE, expect

HOSTS = os.path.join(TREE, "tests", "hosts")
LANGUAGES = {
    "python": [sys.executable, os.path.join(HOSTS, "puppet.py")],
    "node": [shutil.which("node") or "node", os.path.join(HOSTS, "puppet.mjs")],
}


class Puppet:
    """A host: p.close("g0") makes it close what it has of ward g0."""

    def __init__(self, scene, language="python", **how):
        path = scene.meet + ".control"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            self.host = scene.start([*LANGUAGES[language], scene.meet, path,
                                     scene.program("ward")], **how)
            listener.settimeout(LONG)
            self.socket = listener.accept()[0]
        self.socket.settimeout(2 * LONG)
        self.lines = self.socket.makefile()
        self.scene = scene
        scene.waiting.setdefault("puppet", []).append(self.socket)

    def __getattr__(self, name):
        def call(*args, **keys):
            line = json.dumps([name, args, keys]) + "\n"
            self.socket.sendall(line.encode())
            answer = self.lines.readline()
            expect(answer, f"the host failed at {line.strip()}")
            return json.loads(answer)
        return call

    def ward(self, tag, **how):
        """Spawns one and waits for it.  Returns it, and its direct child."""
        pid = self.spawn(tag, **how)
        self.scene.gather(**{tag: 1})
        return self.scene.met[tag][0], pid

    def hand_over(self, *names):
        """The host sends its ends to us: their copies here."""
        path = self.scene.meet + ".post"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            self.socket.sendall(json.dumps(
                ["send", [path, *names], {}]).encode() + b"\n")
            conn = listener.accept()[0]
        with conn:
            _, fds, _, _ = socket.recv_fds(conn, 1, len(names))
        expect(self.lines.readline(), "the host failed to send")
        return fds
