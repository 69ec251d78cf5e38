/* SPDX-License-Identifier: MIT */
/* What a process has used of the machine so far.  Context: guard. */
#ifndef CP_USAGE_H
#define CP_USAGE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cp_usage {
	uint64_t cpu;	/* user and system time, clock ticks */
	uint64_t bytes; /* read and written, by read(2), write(2) and kin */
	bool busy;	/* runs or waits for a disk right now */
	uint64_t wrote; /* of the bytes; children that it reaped included */
};

enum cp_used {
	CP_USED_KNOWN = 0,
	CP_USED_GONE,	 /* there is no such process any more */
	CP_USED_UNKNOWN, /* it can't be told: it may be busy */
};

/* Fills *U for the process PID that began at START, or says why not. */
enum cp_used cp_usage_read(pid_t pid, uint64_t start, struct cp_usage *u);

/* Does any thread of PID run or wait for a disk?  Yes if that can't be told. */
bool cp_usage_busy(pid_t pid);

/* Fills in what /proc/PID/io (LEN bytes) says.  False: it does not. */
bool cp_usage_parse_io(const char *text, size_t len, struct cp_usage *u);

#endif
