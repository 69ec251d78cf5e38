// SPDX-License-Identifier: MIT
/*
 * A gateway as the TypeScript SDK of the Model Context Protocol makes them:
 * servers in the gateway's own session, with six variables of the environment.
 *
 *     node gateway.mjs COUNT SERVER
 *
 * Starts COUNT servers, asks each one thing, prints the PID that each answers,
 * then "ready", and serves until it is killed.  One server is behind a shell,
 * as npx and other wrappers put them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const inherited = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

function start(command, args) {
  return spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: Object.fromEntries(
      inherited.filter((k) => k in process.env).map((k) => [k, process.env[k]]),
    ),
  });
}

async function ask(server) {
  const request = { jsonrpc: "2.0", id: 1, method: "initialize" };
  const lines = createInterface({ input: server.stdout });
  server.stdin.write(JSON.stringify(request) + "\n");
  const [line] = await once(lines, "line");
  return JSON.parse(line).result.pid;
}

const [count, path] = process.argv.slice(2);
const servers = Array.from({ length: Number(count) }, (_, i) =>
  i === 0 ? start("sh", ["-c", '"$0"; true', path]) : start(path, []),
);
for (const pid of await Promise.all(servers.map(ask))) console.log(pid);
console.log("ready");
