/* SPDX-License-Identifier: MIT */
/*
 * The judge of orphans: a census and traits in, verdicts with reasons out.
 * No system call, no clock.  Context: any.
 *
 * A stdio orphan is proven by the kernel's tables alone:
 *  - fd 0 is a pipe that nobody can write to, or a socket whose peer is gone,
 *    and fd 1 likewise has nobody at the other end;
 *  - its parent can't be the process that started it.  See cp_orphan_parent;
 *  - neither it nor a descendant has a sign of being of use to somebody, or
 *    of having been left behind on purpose (enum cp_why says which);
 *  - nobody else has those ends of the channels open.
 * Its descendants go with it.  Of what fails a single one of these something
 * may depend: it is doubtful.
 */
#ifndef CP_ORPHAN_H
#define CP_ORPHAN_H

#include "../guard/index.h"
#include "traits.h"

enum cp_why {
	CP_WHY_NONE = 0,
	/* Proven. */
	CP_WHY_ORPHAN,
	CP_WHY_MEMBER, /* descends from the orphan `who` */
	/* Doubtful: the parent may be who started it. */
	CP_WHY_PARENT,	/* nothing proves that `who` is not */
	CP_WHY_LEADER,	/* it leads its session */
	CP_WHY_OUTSIDE, /* its parent, or it, is in another PID namespace */
	/* Doubtful: it may be of use. */
	CP_WHY_STDOUT, /* its standard output leads somewhere */
	CP_WHY_SHARED, /* `who` has the same channel, and is no orphan */
	CP_WHY_TERMINAL,
	CP_WHY_NETWORK,
	CP_WHY_LISTENS,
	CP_WHY_CONNECTED, /* another channel leads to somebody */
	/* Doubtful: it may have been left behind on purpose. */
	CP_WHY_NOHUP,
	CP_WHY_ONE_SOCKET, /* the same socket on fd 0 and 1, as of inetd(8) */
	CP_WHY_DETACHED,   /* `who` left the session and the channels */
	/* Doubtful: it is somebody else's business. */
	CP_WHY_USER, /* `who` runs as another user */
	CP_WHY_TRACED,
	CP_WHY_GUARDED,
	CP_WHY_SPARED,
	CP_WHY_SELF, /* it runs this scan */
	CP_WHY_TREE, /* it goes with `who`, which is doubtful */
	CP_WHY_UNKNOWN,
	CP_WHY_END,
};

enum cp_side {
	CP_SIDE_OTHER = 0, /* no channel: a file, say, or not open */
	CP_SIDE_OPEN,
	CP_SIDE_CLOSED, /* proven: nobody is at the other end */
	CP_SIDE_UNKNOWN,
};

struct cp_scene {
	const struct cp_index *index;
	const struct cp_trait *traits; /* sorted by pid */
	size_t n_traits;
	pid_t self; /* who asks: neither it nor what it descends from goes */
};

struct cp_orphan {
	uint32_t proc; /* index into the census */
	uint8_t why;   /* enum cp_why */
	pid_t who;     /* whom the reason is about; 0 nobody else */
};

struct cp_orphans {
	struct cp_orphan *at; /* by PID */
	size_t n;
};

/* Returns 0 with *OUT to be freed (OUT->at), or -1 with ENOMEM. */
int cp_orphans_judge(const struct cp_scene *s, struct cp_orphans *out);

static inline bool
cp_why_proven(enum cp_why why)
{
	return why == CP_WHY_ORPHAN || why == CP_WHY_MEMBER;
}

/* A word for programs, a short phrase for people: "%d" stands for `who`. */
const char *cp_why_word(enum cp_why why);
const char *cp_why_text(enum cp_why why);

/* What is at the other end of descriptor FD of census->procs[PROC]. */
enum cp_side cp_orphan_side(const struct cp_index *x, uint32_t proc, int fd);

/* The end itself, or NULL. */
const struct cp_end *cp_orphan_end(const struct cp_census *c, uint32_t proc,
    int fd);

/*
 * Can the parent of P have started it?  CP_WHY_NONE: no, proven; else the
 * reason for doubt.
 *
 * A fork inherits its session, and setsid(2) is the only way to another, of
 * one's own.  So a parent that never was in the session of P, which P did not
 * make itself, is not who forked it.  That is so for PID 1 (whatever session
 * has a number here is younger than it), for one that leads no session (it
 * has been in the same one since its birth), and for one whose own session is
 * older than that of P.
 */
enum cp_why cp_orphan_parent(const struct cp_scene *s, const struct cp_proc *p);

/*
 * Writes the indices of ROOT and all that descend from it to OUT, which has
 * room for all processes; SEEN, of the same length, is all false, and again so
 * afterwards.  Returns how many.
 */
size_t cp_orphan_tree(const struct cp_index *x, uint32_t root, uint32_t *out,
    bool *seen);

#endif
