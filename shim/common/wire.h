/* SPDX-License-Identifier: MIT */
/*
 * What is said to the guard: one fixed-size datagram per message, in native
 * byte order (both ends are on one machine and come from one build; the
 * version is checked).  The kernel attests the sender (SCM_CREDENTIALS), so
 * no message carries the sender's own PID.
 */
#ifndef CP_WIRE_H
#define CP_WIRE_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <stdint.h>

#include "channel_id.h"

/* Stands before the version in the file of each part. */
#define CP_VERSION_MARK "childproof-version="

#define CP_WIRE_VERSION 2u
#define CP_WIRE_MAGIC	(0x43500000u | CP_WIRE_VERSION)

/* Environment: the guard's abstract socket name, without the leading NUL. */
#define CP_ENV_GUARD   "CHILDPROOF_GUARD"
#define CP_ENV_OPTIONS "CHILDPROOF_OPTIONS"

/* Longest socket name; the shim's copies have this size plus a NUL. */
#define CP_NAME_MAX 63
/* The guard finds its bound socket on this descriptor when it is exec'd. */
#define CP_GUARD_FD 3

enum cp_msg_type {
	/*
	 * A ward: sent by the ward itself just before exec (pid 0), or by the
	 * host right after posix_spawn, popen or forkpty (pid set).
	 */
	CP_MSG_WARD = 1,
	/*
	 * The sender made a channel: look at its children soon.  With
	 * CP_WARD_GUESS: one of them has an end of one, and is to become a
	 * ward.
	 */
	CP_MSG_MADE,
	/*
	 * The sender is a host that is leaving in an orderly way: it has given
	 * up its host ends.  End its duplex wards, then answer CP_MSG_GONE.
	 */
	CP_MSG_LEAVE,
	/*
	 * The sender left its session or group (setsid, setpgid).  If its
	 * parent belongs to a ward, so does it.
	 */
	CP_MSG_MEMBER,
	/* The sender is what host `pid` became: daemon(3) forked it. */
	CP_MSG_HEIR,
	/*
	 * The sender will be a host that the shim can't reach or see through:
	 * guard it by census alone (the launcher, just before it execs).
	 */
	CP_MSG_CENSUS_HOST,
	/*
	 * The sender is a host about to exec.  Nothing is taken back if that
	 * fails: the guard compares the image it finds a moment later.
	 */
	CP_MSG_EXEC,
	/* Guard to host, the answer to CP_MSG_LEAVE: count = wards ended. */
	CP_MSG_GONE,
	/*
	 * The sender is a host about to posix_spawn the command `key`: may it?
	 * Nothing is registered; a place is kept free for a moment.  With
	 * CP_WARD_UNDO that place is given back, and nothing is answered: the
	 * spawn failed, or the child is none of those that are counted.
	 */
	CP_MSG_ASK,
	/*
	 * The guard's answer to ASK, and to a WARD with CP_WARD_ASK: count = 0,
	 * or the errno that the exec is to fail with.  Of a ward that is
	 * refused nothing is kept.
	 */
	CP_MSG_ANSWER,
	/*
	 * The sender is host `pid`, as it knows itself, and shares the memory
	 * whose file comes with this: see mailbox.h.
	 */
	CP_MSG_MAILBOX,
	/*
	 * What a user asks for, who is the guard's or root: all that is known
	 * (answered by CP_MSG_FACTS with a file, see snapshot.h); to end what
	 * is proven of ward or host `pid`, 0: of all, now (CP_MSG_ANSWER,
	 * count = wards); to guard process `pid` by census, or no more
	 * (CP_MSG_ANSWER, count = errno).
	 */
	CP_MSG_QUERY,
	CP_MSG_FACTS,
	CP_MSG_REAP,
	CP_MSG_ATTACH,
	CP_MSG_DETACH,
};

/* cp_msg.flags */
#define CP_WARD_DUPLEX 0x1u /* fd 0 and fd 1 are channels to the host */
#define CP_WARD_UNDO   0x2u /* the exec failed: forget the sender */
/* It was gone too soon: the channels may be another's; held ones count. */
#define CP_WARD_GUESS 0x4u
/* Answer with CP_MSG_ANSWER; the sender's address is bound (autobind). */
#define CP_WARD_ASK 0x8u
/* children=all: a child without channels. */
#define CP_WARD_ANY 0x10u

/* cp_msg.flags of CP_MSG_REAP: what is stale, too. */
#define CP_REAP_STALE 0x1u

struct cp_msg {
	uint32_t magic;	 /* CP_WIRE_MAGIC */
	uint16_t type;	 /* enum cp_msg_type */
	uint16_t flags;	 /* CP_WARD_* */
	int32_t pid;	 /* WARD: the child or 0 = sender; HEIR: the old host */
	int32_t host;	 /* WARD: the host's PID, checked by the guard */
	uint32_t count;	 /* GONE, ANSWER */
	uint32_t thread; /* WARD, ASK: TID of the spawning thread, 0 unknown */
	uint64_t key;	 /* WARD, ASK: see key.h; 0 unless an option needs it */
	uint64_t image;	 /* WARD: the host's, see procfs.h; 0 unknown */
	/*
	 * WARD by the host, of a child without channels: when that was
	 * started, in clock ticks since boot; 0 unknown.
	 */
	uint64_t start;
	struct cp_channel channel[2]; /* WARD: of fd 0 and fd 1 */
	char name[32]; /* WARD: base name of the program, for the journal */
};

/*
 * Fills *SUN for the abstract socket NAME; returns the address length, or 0
 * if the name is empty or too long.  Context: any.
 */
socklen_t cp_wire_address(const char *name, struct sockaddr_un *sun);

#endif
