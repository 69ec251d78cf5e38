/* SPDX-License-Identifier: MIT */
/*
 * The wires of a duplex ward, for tests that ask the same of all of them: V is
 * the one that the world is about.
 */
#ifndef CP_WIRES_H
#define CP_WIRES_H

#include "judge_world.h"

#define BOTH	(CP_READ | CP_WRITE)
#define SHUT_MS 9000

static inline void
one_socket(void)
{
	sockets();
	world.ward.channel[1] = world.ward.channel[0];
	drop(CHILD, 1);
	end(CHILD, 1, CP_KIND_UNIX, BOTH, IN_CHILD);
	drop(HOST, 6);
}

/* A wire, and what is at its host's side; N ends of it. */
static const struct wire {
	const char *name;
	void (*make)(void);
	enum cp_kind kind;
	int n;
	unsigned int access[2];
	uint64_t host[2];
	uint64_t child[2];
} wires[] = {
	{ "pipes", duplex, CP_KIND_PIPE, 2, { CP_WRITE, CP_READ }, { IN, OUT },
	    { IN, OUT } },
	{ "sockets", sockets, CP_KIND_UNIX, 2, { BOTH, BOTH },
	    { IN_HOST, OUT_HOST }, { IN_CHILD, OUT_CHILD } },
	{ "socket", one_socket, CP_KIND_UNIX, 1, { BOTH }, { IN_HOST },
	    { IN_CHILD } },
	{ "pty", terminal, CP_KIND_PTMX, 1, { BOTH }, { PTS }, { PTS } },
};

#define WIRES (sizeof(wires) / sizeof(wires[0]))

static const struct wire *v; /* that of the world as it is now */

static inline void
fresh(void)
{
	world_begin();
	v->make();
}

/* What the kernel says of the host's end of channel K. */
static inline void
said(int k, enum cp_open open)
{
	struct cp_truth *t;

	if (v->kind != CP_KIND_PTMX) {
		t = truth(v->kind, v->child[k]);
		t->peer = t->readers = t->writers = (uint8_t)open;
		return;
	}
	for (int fd = 0; fd < 2; fd++) { /* NO is all that it ever says */
		drop(CHILD, fd);
		end(CHILD, fd, CP_KIND_PTY, BOTH, PTS)->deleted = open ==
		    CP_OPEN_NO;
	}
}

/*
 * A ward whose host has closed all that it has.  The end of channel OPEN is
 * open somewhere else; -1: none is.
 */
static inline void
abandoned(int open)
{
	fresh();
	for (int k = 0; k < v->n; k++) {
		drop(HOST, 5 + k);
		said(k, k == open ? CP_OPEN_YES : CP_OPEN_NO);
	}
	world.ward.shut_ms = SHUT_MS;
}

/* PID has the host's end of channel K at FD. */
static inline void
keeps(pid_t pid, int fd, int k)
{
	end(pid, fd, v->kind, v->access[k], v->host[k]);
}

static inline void
expect(bool gone, const char *who)
{
	struct cp_finding f = judge();
	bool is_closed = f.verdict == CP_PEER_GONE && f.rule == CP_RULE_CLOSED;
	bool lives = f.verdict == CP_LIVE && f.rule == CP_RULE_HOST_LIVES;

	cr_assert(gone ? is_closed : lives, "%s, %s: %d, because %s", v->name,
	    who, (int)f.verdict, cp_rule_text(f.rule));
}

#endif
