#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A dashboard: a terminal with an agent for each browser tab that connects.

    dashboard.py MEET COMMAND...

Serves on a port of the loopback, which it tells at the meeting point.  A tab's
first line says what becomes of its terminal when the connection breaks:
`close` closes it, `kill` kills the agent before.
"""

import asyncio
import os
import pty
import signal
import sys

from parts.talk import say

MEET, COMMAND = sys.argv[1], sys.argv[2:]


class Tab:
    """One connection, one terminal."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.agent, self.master = pty.fork()
        if self.agent == 0:
            os.execv(COMMAND[0], COMMAND)
        os.set_inheritable(self.master, False)
        os.set_blocking(self.master, False)

    async def relay(self):
        loop = asyncio.get_running_loop()
        loop.add_reader(self.master, self.on_output)
        try:
            while data := await self.reader.read(4096):
                os.write(self.master, data)
        except OSError:
            pass
        finally:
            loop.remove_reader(self.master)

    def on_output(self):
        try:
            self.writer.write(os.read(self.master, 4096))
        except OSError:
            asyncio.get_running_loop().remove_reader(self.master)

    def drop(self, how):
        if how == b"kill\n":
            os.kill(self.agent, signal.SIGKILL)
        os.close(self.master)
        self.writer.close()


async def on_tab(reader, writer):
    how = await reader.readline()
    tab = Tab(reader, writer)
    await tab.relay()
    tab.drop(how)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, reap)
    server = await asyncio.start_server(on_tab, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.to_thread(say, MEET, "host", port)
    os._exit(0)  # what asyncio would say of the open tabs is of no interest


asyncio.run(main())
