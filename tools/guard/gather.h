/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the judge share: the processes that go with a ward,
 * and what is asked of them.  Pure; context: guard, cli.
 */
#ifndef CP_GATHER_H
#define CP_GATHER_H

#include "judge.h"

/* How far up it is looked whom a holder descends from. */
#define CP_ANCESTORS_MAX 64

/* The processes that go with a ward, as indices into the census. */
struct gathering {
	const struct cp_case *c;
	uint32_t *out;
	size_t max;
	size_t n;
};

/* Is it running?  PID 1 may well be a host, or hold what it was given. */
bool cp_runs(const struct cp_proc *p);

/*
 * Is it the process PID that began at START?  0 is the start of one that
 * nobody has seen.
 */
bool cp_is_process(const struct cp_proc *p, pid_t pid, uint64_t start);

/* Is it the ward's host? */
bool cp_is_host(const struct cp_case *c, const struct cp_proc *p);

/* The process PID that began at START, if it runs; NULL if not, or for init. */
const struct cp_proc *cp_living(const struct cp_case *c, pid_t pid,
    uint64_t start);

/* The other registered ward that P is, or NULL. */
const struct cp_ward *cp_other_ward(const struct cp_case *c,
    const struct cp_proc *p);

/*
 * Does somebody hold a child end who has registered as another's ward, and
 * nobody has looked yet whether that is so?
 */
bool cp_is_claimed(const struct gathering *g);

/* Does P, which is not the child, descend from the host? */
bool cp_is_of_host(const struct cp_case *c, const struct cp_proc *p);

/*
 * Is it too late for those who go with the ward to let go?  Silence after the
 * end of the direct child proves nothing before it is over: what has forked
 * off may be about to become a daemon.
 */
bool cp_is_frozen(const struct cp_ward *w);

bool cp_gathered(const struct gathering *g, const struct cp_proc *p);

/*
 * Descent that outlives a double fork: membership of the session that the
 * child led.  A session's number stays taken while anybody is in it.
 */
bool cp_in_session(const struct cp_case *c, const struct cp_proc *p);

/*
 * Is the open end E a child end of channel CH?  (Its number fits already.)  A
 * pipe's end that was opened anew for both reading and writing is none: it is
 * a host end as well.
 */
bool cp_is_child_end(const struct gathering *g, const struct cp_channel *ch,
    const struct cp_end *e);

/*
 * Does anybody gathered, or just P if it isn't NULL, have the child end of
 * channel K, at any number?
 */
bool cp_holds(const struct gathering *g, int k, const struct cp_proc *p);

/*
 * The open slave of our pty, or NULL if its master is closed (all links say
 * deleted) or nobody holds it.
 */
const struct cp_end *cp_open_slave(const struct gathering *g,
    const struct cp_channel *ch);

#endif
