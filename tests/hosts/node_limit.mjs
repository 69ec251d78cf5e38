// SPDX-License-Identifier: MIT
/*
 * A Node host that does what py_limit.py does.
 *
 *     node node_limit.mjs WAY MEET WARD
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";

const [, meet, ward] = process.argv.slice(2);
const stdio = ["pipe", "pipe", "inherit"];

const attempt = async (tag = "g0", cwd = ".") => {
  const child = spawn(ward, ["stubborn", meet, tag], { stdio, cwd });
  try {
    await once(child, "spawn"); // rejects with what "error" says
    return "ok";
  } catch (error) {
    return error.code;
  }
};

const say = async (name, words) => {
  const call = connect(meet);
  call.write(`${name} ${words.join(" ")}\n`);
  await once(call, "data");
};

const words = [await attempt(), await attempt(), await attempt()];
words.push(await attempt("g1"), await attempt("g0", "/"));
await say("host", words);
await say("again", [await attempt(), await attempt()]);
process.exit(7);
