// SPDX-License-Identifier: MIT
/*
 * The same in Node, whose pipes are socketpairs; see puppet.py.
 *
 *     node puppet.mjs MEET CONTROL WARD
 */
import { spawn as start } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";

const [meet, control, ward] = process.argv.slice(2);
const children = {};

const calls = {
  spawn: (tag, { mode, script, after, ipc }) => {
    const argv = [ward, mode ?? "stubborn", meet, tag];
    const shell = script ? ["/bin/sh", "-c", script, "sh"] : [];
    const [file, ...args] = [...shell, ...argv];
    const child = start(file, args, {
      stdio: [after ? children[after].stdout : "pipe", "pipe", "inherit",
        ...(ipc ? ["ipc"] : [])],
    });
    children[tag] = child;
    for (const s of [child.stdin, child.stdout]) s?.on("error", () => {});
    return child.pid;
  },
  close: (...names) => {
    names.pop(); // the keys
    for (const [tag, end] of names.map((n) => n.split("."))) {
      const child = children[tag];
      if (end !== "out") child.stdin?.destroy();
      if (end !== "in") child.stdout.destroy();
    }
  },
  disconnect: (tag) => void children[tag].disconnect(),
  ask: (tag) =>
    new Promise((done) => {
      children[tag].stdout.once("data", (d) => done(d.toString() === "?"));
      children[tag].stdin.write("?");
    }),
  say: (tag) => void children[tag].stdin.write("x"),
};

const socket = connect(control);
createInterface({ input: socket }).on("line", async (line) => {
  const [name, args, keys] = JSON.parse(line);
  const answer = (await calls[name](...args, keys)) ?? null;
  socket.write(JSON.stringify(answer) + "\n");
});
