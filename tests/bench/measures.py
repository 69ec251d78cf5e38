# SPDX-License-Identifier: MIT
"""The list of all measures, in the order of the table."""

import collections

# `take(setting)` returns a list of figures.Result.
Measure = collections.namedtuple("Measure", "name take")


def collect():
    import burden
    import endings
    import growth
    import messages
    import spawns

    for module in (spawns, messages, endings, burden, growth):
        yield from module.MEASURES


def chosen(names):
    return [Measure(n, t) for n, t in collect()
            if not names or any(part in n for part in names)]
