#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A gateway that reconnects for ever: its loop runs in a side thread, one
connection works, and the `initialize` of each further one fails.  The error
is swallowed, the pipe stays open, and a moment later it tries again.

    storm.py MEET SERVER CYCLES PAUSE
"""

import asyncio
import json
import os
import sys
import threading
from asyncio.subprocess import PIPE

from parts.talk import PATIENCE, Tally, request, say, tell

MEET, SERVER = sys.argv[1:3]
CYCLES, PAUSE = int(sys.argv[3]), float(sys.argv[4])
INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")

tally = Tally()
over = threading.Event()


class Gateway:
    def __init__(self):
        self.servers = []  # every one that it ever started
        self.refused = 0

    async def connect(self):
        server = await asyncio.create_subprocess_exec(
            SERVER, ".", stdin=PIPE, stdout=PIPE, start_new_session=True,
            env={k: os.environ[k] for k in INHERITED if k in os.environ})
        self.servers.append(server)
        answer = await self.ask(server, 1, "initialize")
        if "error" in answer:
            raise ConnectionError(answer["error"]["message"])
        return server

    async def ask(self, server, number, method):
        server.stdin.write(request(number, method))
        await server.stdin.drain()
        line = await asyncio.wait_for(server.stdout.readline(), PATIENCE)
        return json.loads(line)

    async def keep_asking(self, server):
        number = 1
        while not over.is_set():
            number += 1
            tally.count(sent=1)
            answer = await self.ask(server, number, "ping")
            tally.count(answered="result" in answer
                        and answer["id"] == number)
            await asyncio.sleep(0.1)

    async def reconnect(self):
        for _ in range(CYCLES):
            await asyncio.sleep(PAUSE)
            try:
                await self.connect()
            except ConnectionError:
                pass
            except OSError:  # no process to be had
                self.refused += 1

    async def serve(self):
        live = await self.connect()
        asking = asyncio.create_task(self.keep_asking(live))
        await asyncio.to_thread(say, MEET, "host", live.pid)
        await self.reconnect()
        await asyncio.to_thread(say, MEET, "done")
        over.set()
        await asking


gateway = Gateway()
thread = threading.Thread(target=asyncio.run, args=(gateway.serve(),))
thread.start()
thread.join()
tell(tally, started=len(gateway.servers), refused=gateway.refused)
os._exit(0)  # not by asyncio's own goodbyes, which would end the servers
