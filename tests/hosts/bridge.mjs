// SPDX-License-Identifier: MIT
/*
 * A bridge as a Python program puts in front of a JavaScript library: answers
 * a line with a line.  It obeys SIGTERM; the end of its stdin tells it nothing,
 * because a timer keeps the loop alive.
 */
import { createInterface } from "node:readline";

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id } = JSON.parse(line);
  const answer = { jsonrpc: "2.0", id, result: { pid: process.pid } };
  process.stdout.write(JSON.stringify(answer) + "\n");
});
setInterval(() => {}, 2 ** 30);
