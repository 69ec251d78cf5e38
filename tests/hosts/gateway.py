#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A gateway as the Python SDK of the Model Context Protocol makes them: each
server in a session of its own, with six variables of the environment.

    gateway.py COUNT SERVER

Starts COUNT servers, asks each one thing, prints the PID that each answers,
then "ready", and serves until it is killed.  One server is behind a shell, as
npx and other wrappers put them.
"""
import asyncio
import json
import os
import sys

INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")


async def start(command):
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={k: os.environ[k] for k in INHERITED if k in os.environ},
        start_new_session=True,
    )


async def ask(server):
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}
    server.stdin.write(json.dumps(request).encode() + b"\n")
    await server.stdin.drain()
    answer = json.loads(await server.stdout.readline())
    return answer["result"]["pid"]


async def main():
    count, path = int(sys.argv[1]), sys.argv[2]
    servers = []
    for i in range(count):
        command = ["sh", "-c", '"$0"; true', path] if i == 0 else [path]
        servers.append(await start(command))
    for pid in await asyncio.gather(*(ask(s) for s in servers)):
        print(pid)
    print("ready", flush=True)
    await asyncio.gather(*(s.wait() for s in servers))


asyncio.run(main())
