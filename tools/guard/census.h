/* SPDX-License-Identifier: MIT */
/*
 * The census: one snapshot of /proc, as plain data for the judge.  Processes
 * with their parents and start ticks, and those open ends that belong to
 * channels of interest.  Takes no decision and keeps no descriptor open.
 *
 * A snapshot is not atomic: a process may have been born or have died while
 * it was taken.  Whoever acts on it must check the start ticks again.
 */
#ifndef CP_CENSUS_H
#define CP_CENSUS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../shim/common/channel_id.h"

struct cp_proc {
	pid_t pid;
	pid_t ppid;
	pid_t pgid;
	pid_t sid;
	uid_t uid; /* owner of /proc/PID: the effective uid */
	/*
	 * As in stat(5); that of a living thread where only the main thread
	 * has ended.  '?': even stat can't be read (hidepid=1), so that nothing
	 * but pid and uid is known.
	 */
	char state;
	bool readable; /* its descriptors were listed to the last */
	pid_t shown;   /* the number by which /proc shows them, see process.h */
	uint64_t start; /* clock ticks since boot */
	uint64_t image; /* see procfs.h; 0 unknown */
	/*
	 * st_dev and st_ino of the program mixed; 0 unknown.  Looked up only
	 * for processes that hold an end of interest above their stdio: what
	 * is held there alone is judged by the program.
	 */
	uint64_t exe;
};

/* One open end of a channel of interest. */
struct cp_end {
	uint32_t proc; /* index into cp_census.procs */
	int32_t fd;
	uint8_t kind; /* enum cp_kind: PIPE, UNIX, PTY or PTMX */
	uint8_t access;
	bool deleted; /* PTY: its master is closed */
	/*
	 * PTY, PTMX: the devpts it belongs to, 0 unknown.  Each container has
	 * one, and each counts from 0: two ends with the same number but with
	 * different known devs have nothing to do with each other.
	 */
	uint32_t dev;
	uint64_t birth; /* PTY: see cp_procfs_birth(); 0 unknown */
	uint64_t ino;
};

enum cp_open {
	CP_OPEN_UNKNOWN = 0,
	CP_OPEN_YES,
	CP_OPEN_NO,
};

/* What is asked of a census: the channel ends that matter. */
struct cp_interest {
	uint8_t kind; /* PIPE, UNIX or PTY (stands for slave and master) */
	uint64_t ino; /* inode, or the pty's number */
};

/*
 * What the kernel itself says of one end, whoever holds it, even if only a
 * message in flight does.
 *
 * PIPE: a side is open (YES) if an end of it was seen.  If none was, an end of
 * the other side is opened anew through its holder's /proc/PID/fd/N for a
 * moment and polled: YES or NO; UNKNOWN where that was not possible.  Closing
 * it again raises IN_CLOSE_NOWRITE on a pipe that has no visible writer, and
 * IN_CLOSE_WRITE on one that has no visible reader: an inotify watch must have
 * just the one bit it waits for, or each census wakes the guard for the next.
 *
 * UNIX: by sock_diag(7).  UNKNOWN for a socket of another network namespace,
 * and for one whose peer has not been accepted yet.
 */
struct cp_truth {
	uint8_t kind;
	uint8_t readers; /* enum cp_open; PIPE only */
	uint8_t writers; /* enum cp_open; PIPE only */
	uint8_t peer;	 /* enum cp_open; UNIX: of the socket `ino` */
	uint64_t ino;
	uint64_t peer_ino; /* UNIX: the peer's inode, 0 if none or unknown */
};

struct cp_census {
	struct cp_proc *procs; /* sorted by pid */
	size_t n_procs;
	struct cp_end *ends; /* grouped by proc, in the order of procs */
	size_t n_ends;
	struct cp_truth *truths; /* sorted by (kind, ino) */
	size_t n_truths;
	/*
	 * Processes that were listed, but had ended or were ending when they
	 * were looked at: what they forked meanwhile may not be listed.
	 */
	size_t n_faded;
	bool complete; /* /proc was read to its end without an error */
};

/*
 * Takes a census.  INTEREST (N entries, any order, duplicates allowed) says
 * which ends are recorded; with N = 0 only processes are.  There is one truth
 * for each PIPE and UNIX asked for.  Returns 0 and fills
 * *C, which the caller frees with cp_census_free; or -1 with errno (ENOMEM,
 * or that of opening /proc), *C empty.  Context: guard, cli.
 */
int cp_census_take(const struct cp_interest *interest, size_t n,
    struct cp_census *c);

/*
 * The same for the channels that process HOST itself holds ends of (as the
 * guard sees them now): the way children of a host are found that never
 * registered.  Channels of the host's own fd 0 to 2 are left out (a child that
 * inherited them is no stdio child).  For UNIX sockets the peers' inodes are
 * added through sock_diag.  errno ENOENT or ESRCH: the host is gone; EACCES:
 * its descriptors are not ours to read.
 */
int cp_census_of_host(pid_t host, struct cp_census *c);

void cp_census_free(struct cp_census *c);

/* The process PID, or NULL.  Binary search. */
const struct cp_proc *cp_census_find(const struct cp_census *c, pid_t pid);

/* What the kernel says of an end, or NULL if it was not asked or not told. */
const struct cp_truth *cp_census_truth(const struct cp_census *c,
    enum cp_kind kind, uint64_t ino);

#endif
