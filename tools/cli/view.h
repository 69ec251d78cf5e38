/* SPDX-License-Identifier: MIT */
/*
 * What all guards know, joined with what /proc says now: the model behind ps,
 * why and metrics.  Context: cli.
 */
#ifndef CP_VIEW_H
#define CP_VIEW_H

#include "ask.h"
#include "procs.h"

/* What a child is shown as; the order is that of cp_state_name(). */
enum cp_state {
	CP_STATE_LIVE = 0,
	CP_STATE_IDLE,
	CP_STATE_STALE,
	CP_STATE_PEER_GONE,
	CP_STATE_CHILD_GONE,
	CP_STATE_ORPHAN,
	CP_STATE_ENDING,
	CP_STATE_UNWAITED,
	CP_STATE_SPARED,
	CP_STATES,
};

struct cp_seen_ward {
	const struct cp_snap_ward *w;
	size_t host;  /* index */
	size_t guest; /* the host that it is itself, or SIZE_MAX */
	enum cp_state state;
	uint64_t age;		 /* seconds */
	int64_t idle;		 /* seconds; -1: not known */
	int64_t due;		 /* seconds until the next step; -1: none */
	struct cp_sum_used used; /* with its members and descendants */
	char *command;
};

struct cp_seen_host {
	const struct cp_snap_host *h;
	const struct cp_facts *facts;
	size_t first; /* its wards, in wards[] */
	size_t n;
	bool nested; /* it is a ward itself */
	uint64_t age;
	struct cp_used used; /* its own; zeros if it is gone */
	char *command;
};

struct cp_view {
	struct cp_facts *facts; /* of the guards that answered */
	size_t n_facts;
	size_t foreign; /* guards that are others' */
	size_t silent;	/* guards that did not answer */
	struct cp_seen_host *hosts;
	size_t n_hosts;
	struct cp_seen_ward *wards; /* grouped by host, oldest first */
	size_t n_wards;
	struct cp_procs procs;
	uint64_t up; /* of the machine, in seconds */
};

/* Asks and reads.  Returns 0, or -1 with errno; to be freed. */
int cp_view_take(struct cp_view *v);
/* The same, of these guards alone. */
int cp_view_take_of(struct cp_view *v, const struct cp_guards *guards);
void cp_view_free(struct cp_view *v);

/* Its last part: finds the children that are hosts.  0, or -1 with ENOMEM. */
int cp_view_nest(struct cp_view *v);

/* The host PID, or NULL. */
const struct cp_seen_host *cp_view_host(const struct cp_view *v, pid_t pid);
/* The child that PID is or, failing that, belongs to, or NULL. */
const struct cp_seen_ward *cp_view_ward(const struct cp_view *v, pid_t pid);
/* Is PID this child, or one of those that go with it? */
bool cp_view_belongs(const struct cp_view *v, const struct cp_seen_ward *s,
    pid_t pid);

const char *cp_state_name(enum cp_state state);

/* "duplex pipe", "reader socket", "pty" … */
const char *cp_view_channel(const struct cp_snap_ward *w);

#endif
