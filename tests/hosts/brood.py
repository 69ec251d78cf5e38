#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A host for the end-to-end tests that spawns servers when it is told.

    brood.py < ORDERS > ANSWERS

Each line of ORDERS has one answer:

    spawn NAME THREAD DIR ARG...   the PID, or "error ERRNO"
    ask NAME WORD                  what server NAME answers to WORD
    tell NAME WORD                 "told": no answer is waited for
    gone NAME                      "gone", once server NAME has ended

THREAD "main" is the main thread; any other name is a thread of that name,
which lives on.
"""

import queue
import subprocess
import sys
import threading

wards = {}
threads = {}


def spawn(name, directory, argv):
    try:
        wards[name] = subprocess.Popen(
            argv, cwd=directory, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)
    except OSError as e:
        return f"error {e.errno}"
    return wards[name].pid


def serve(orders, answers):
    while True:
        answers.put(spawn(*orders.get()))


def spawn_from(thread, *job):
    if thread == "main":
        return spawn(*job)
    if thread not in threads:
        threads[thread] = queue.Queue(), queue.Queue()
        threading.Thread(target=serve, args=threads[thread],
                         daemon=True).start()
    orders, answers = threads[thread]
    orders.put(job)
    return answers.get()


def say(name, word):
    wards[name].stdin.write(word + "\n")
    wards[name].stdin.flush()


def obey(verb, name, *words):
    if verb == "spawn":
        return spawn_from(words[0], name, words[1], list(words[2:]))
    if verb == "gone":
        wards[name].wait()
        return "gone"
    say(name, words[0])
    return wards[name].stdout.readline().strip() if verb == "ask" else "told"


def main():
    for line in sys.stdin:
        print(obey(*line.split()), flush=True)


main()
