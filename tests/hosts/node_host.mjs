// SPDX-License-Identifier: MIT
/*
 * A Node host for the end-to-end tests: spawns a ward in one of the ways that
 * Node programs do, calls at the meeting point, and exits when answered.
 *
 *     node node_host.mjs WAY MEET WARD MODE
 */
import { exec, execFile, spawn } from "node:child_process";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";

const [way, meet, ward, mode] = process.argv.slice(2);
const args = (tag) => [mode, meet, tag];
const pipes = ["pipe", "pipe", "inherit"];

const inWorker = `
  const { spawn } = require("node:child_process");
  const { workerData: w } = require("node:worker_threads");
  spawn(w.ward, w.args, { stdio: ["pipe", "pipe", "inherit"] });
  setInterval(() => {}, 1000);
`;

const ways = {
  spawn: () => spawn(ward, args("g0"), { stdio: pipes }),
  detached: () => spawn(ward, args("g0"), { stdio: pipes, detached: true }),
  "no-env": () => spawn(ward, args("g0"), { stdio: pipes, env: {} }),
  shell: () => exec([ward, ...args("g0")].join(" ") + "; true"),
  execFile: () => execFile(ward, args("g0")),
  ipc: () => spawn(ward, args("g0"), { stdio: [...pipes, "ipc"] }),
  worker: () => {
    const workerData = { ward, args: args("g0") };
    new Worker(inWorker, { eval: true, workerData });
  },
  daemon: () => {
    spawn(ward, args("g0"), { stdio: pipes });
    spawn(ward, args("g1"), { stdio: "ignore", detached: true }).unref();
  },
};

ways[way]();
const call = connect(meet, () =>
  call.write(`host ${process.pid} ${process.ppid}\n`),
);
call.on("data", () => process.exit(7));
