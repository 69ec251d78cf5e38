#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A host whose sandbox refuses it a call, and to which SIGTERM comes then.

    refused.py sigaction|gettid
"""

import os
import signal
import subprocess
import sys

import filtered

NUMBERS = {"sigaction": {"x86_64": 13, "aarch64": 134},
           "gettid": {"x86_64": 186, "aarch64": 178}}

child = subprocess.Popen(["cat"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
print("spawned", flush=True)
filtered.install([NUMBERS[sys.argv[1]][os.uname().machine]], filtered.REFUSE)
os.kill(os.getpid(), signal.SIGTERM)
print("not dead", flush=True)
