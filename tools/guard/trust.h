/* SPDX-License-Identifier: MIT */
/*
 * Whom the guard believes.  The kernel attests who has sent a message; what
 * the message says of others is checked against /proc.  Context: guard.
 */
#ifndef CP_TRUST_H
#define CP_TRUST_H

#include <sys/socket.h>
#include <sys/un.h>

#include <stdbool.h>
#include <stdint.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/wire.h"

/* One message as it was heard. */
struct cp_heard {
	struct cp_msg msg;
	struct ucred from;
	int pidfd; /* of the sender, or -1 */
	bool gone; /* the child that is told of has ended */
	const struct sockaddr_un *address;
	socklen_t address_len;
	int file;	   /* that came with it, or -1 */
	uint64_t told_ns;  /* CLOCK_BOOTTIME of a letter, 0: it is none */
	uint64_t heard_ms; /* when it came */
	uint64_t now_ms;
};

/* The child that it tells of: 0 is who sent it. */
static inline pid_t
cp_heard_child(const struct cp_heard *x)
{
	return x->msg.pid == 0 ? x->from.pid : x->msg.pid;
}

/*
 * Is the sender of our user, or root; or, if we are root, a host of ours that
 * has changed its user, or what descends from one?
 */
bool cp_trust_is_ours(const struct cp_heard *x);

/* Has the sender ended?  Its PID may be another's by now. */
bool cp_trust_has_ended(const struct cp_heard *x);

/* Was there no such process, or only what is left of it? */
bool cp_trust_is_dead(const struct cp_stat *st);

/*
 * Is X a letter, and was it written before this process was?  A start is known
 * by its tick: one of the same tick must have the channels.
 */
bool cp_trust_is_later(const struct cp_heard *x, const struct cp_stat *st);

/*
 * The pidfd of the child that X tells of, taken out of X if that has it; -1
 * with errno, ESRCH if it has ended.  In *KIN whether a host that tells of a
 * living child is seen to be its parent now: it may be dead when the child is
 * looked at.  Of a letter's child the start is entered in X instead.
 */
int cp_trust_pidfd(struct cp_heard *x, bool *kin);

/* Whom CHILD, whose facts are ST, means by the PID HOST; our number for it. */
pid_t cp_trust_host(pid_t child, pid_t host, const struct cp_stat *st);

/* May this sender register PID, whose facts are ST, as a child of HOST? */
bool cp_trust_child(const struct cp_heard *x, pid_t pid, pid_t host,
    const struct cp_stat *st);

/* Whose process PID is, or (uid_t)-1. */
uid_t cp_trust_owner(pid_t pid);

#endif
