/* SPDX-License-Identifier: MIT */
/*
 * How the kernel names a channel.  Pure data, compiled into both sides.
 *
 * Both ends of a pipe share one inode and differ in their access mode.  The
 * ends of a UNIX socketpair have one inode each.  The ends of a pty share its
 * number, which the kernel hands out again as soon as the master is closed:
 * the number alone is no identity, so a birth mark goes with it.
 */
#ifndef CP_CHANNEL_ID_H
#define CP_CHANNEL_ID_H

#include <stdint.h>

enum cp_kind {
	CP_KIND_NONE = 0,
	CP_KIND_PIPE,
	CP_KIND_UNIX,
	CP_KIND_PTY,  /* as an open file: the slave */
	CP_KIND_PTMX, /* as an open file: the master of pty `ino` */
};

/* Access of an open end, as a mask. */
#define CP_READ	 1u
#define CP_WRITE 2u

/* How sure the teller is that the host kept the opposite end. */
enum cp_kept {
	CP_KEPT_NO = 0,
	CP_KEPT_MAYBE, /* not verified: the guard must see it before it acts */
	CP_KEPT_YES,   /* seen in the host's descriptor table at the spawn */
};

/* One channel of a ward, as it was on fd 0 or fd 1 when it was exec'd. */
struct cp_channel {
	uint8_t kind;	/* enum cp_kind: PIPE, UNIX, PTY or NONE */
	uint8_t access; /* child end: CP_READ, CP_WRITE or both */
	uint8_t kept;	/* enum cp_kept */
	/*
	 * The host's end is close-on-exec: whoever else has it was given it,
	 * and has not inherited it by accident.
	 */
	uint8_t sealed;
	int32_t host_fd; /* where the host held its end then, or -1 */
	uint64_t child;	 /* child end: inode; pty: its number */
	/*
	 * Host end: inode (pipe: the same); pty: the slave's birth mark, see
	 * cp_procfs_birth().  0 if unknown.
	 */
	uint64_t host;
};

#endif
