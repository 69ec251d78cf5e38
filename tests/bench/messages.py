# SPDX-License-Identifier: MIT
"""Messages between a host and its ward: the pipe must not know of us."""

from figures import Goal, ratio
from spawns import with_hosts

WAYS = ("bare", "ours")


def one(setting, name, line, rounds):
    rows = with_hosts(setting, WAYS, line, rounds)
    return ratio(name, rows, "bare", Goal(1.01), "µs")


def messages(setting):
    return [one(setting, "64 B there and back", "pong 500 64 64", 200),
            one(setting, "1 MiB blocks", "pong 10 1048576 1", 150)]


MEASURES = [("messages", messages)]
