/* SPDX-License-Identifier: MIT */
/*
 * The judge: facts and a census in, a finding with its reason out.  A pure
 * function: no system call, no clock but the one passed in, nothing changed.
 * Here live the two promises; tests/unit/test_judge.c holds every rule of the
 * design, and every false kill that others shipped, against it.
 */
#ifndef CP_JUDGE_H
#define CP_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "../../shim/common/options.h"
#include "facts.h"
#include "index.h"

/* More than this in one ward are left for the next round. */
#define CP_GATHER_MAX 4096

enum cp_verdict {
	CP_LIVE = 0,	/* nothing is wrong, or nothing is proven */
	CP_SPARED,	/* never to be ended for this; forget it */
	CP_DOUBT,	/* can't be told now; look again later */
	CP_ADOPT,	/* another process has taken the host's place */
	CP_NOBODY,	/* nothing of it is left */
	CP_PARENT_GONE, /* proven, as are those below */
	CP_PEER_GONE,
	CP_CHILD_GONE, /* … once no byte has moved until then */
	CP_STALE,      /* the user's options end it */
};

/* Why.  The order is that of cp_rule_text(). */
enum cp_rule {
	CP_RULE_HOST_LIVES = 0,
	CP_RULE_HOST_DIED,
	CP_RULE_HOST_EXECD,
	CP_RULE_HOST_LEAVES,
	CP_RULE_NOBODY_LEFT,
	CP_RULE_LET_GO,	    /* it dropped its channels: a daemon */
	CP_RULE_NEIGHBOUR,  /* the opposite end is another's fd 0, 1 or 2 */
	CP_RULE_HEIR,	    /* a fork copy of the host, or the same program,
			       holds the host end */
	CP_RULE_UNSEEN,	    /* somebody we can't see holds the host end */
	CP_RULE_INCOMPLETE, /* the census is */
	CP_RULE_SPARE,	    /* spare= */
	CP_RULE_UNPROVEN,   /* the host was never seen at the other end */
	CP_RULE_CLOSED,	    /* the living host has closed all its ends */
	CP_RULE_CHILD_DIED, /* the direct child has, others hold its stdin */
	CP_RULE_STALE,	    /* one of too many, and idle */
	CP_RULES,	    /* how many there are */
};

struct cp_case {
	const struct cp_options *options;
	const struct cp_index *index; /* of a census */
	const struct cp_ward *ward;   /* with ward->host */
	/* Is this process another registered ward?  NULL: there is none. */
	const struct cp_ward *(*find_ward)(pid_t pid);
	uint64_t now_ms;
	bool hurried; /* what is proven gets no grace */
};

struct cp_finding {
	enum cp_verdict verdict;
	enum cp_rule rule;
	pid_t who;	 /* the neighbour or heir that decided it, or 0 */
	uint64_t act_ms; /* proven, STALE: when SIGTERM is due */
};

struct cp_finding cp_judge(const struct cp_case *c);

/*
 * Who goes with the ward: the child itself, the holders of its child ends,
 * and their descendants, as indices into the census, each once.  At most MAX
 * are written to OUT; returns how many.  Never PID 1, the host, or another
 * registered ward that does not descend from this one.  Before anything is
 * wrong (the ward's step is WATCH) remembered members count only while they
 * descend from the child or have one of its ends.
 */
size_t cp_judge_members(const struct cp_case *c, uint32_t *out, size_t max);

/*
 * Does the child hold the child end of the ward's channel K (0 or 1), or
 * anybody that it may have left behind?
 */
bool cp_judge_has(const struct cp_case *c, int k);

/* A sentence for the journal. */
const char *cp_rule_text(enum cp_rule rule);

#endif
