/* SPDX-License-Identifier: MIT */
/*
 * Asking the guards that run: which there are, what they know, and to do
 * something.  Every wait is bounded by a second; a guard that does not answer
 * is left out.  Context: cli.
 */
#ifndef CP_ASK_H
#define CP_ASK_H

#include <stddef.h>

#include "../../shim/common/wire.h"
#include "../guard/snapshot.h"

/* The names of the sockets of all guards of this network namespace. */
struct cp_guards {
	char (*name)[CP_NAME_MAX + 1];
	size_t n;
};

/* Returns 0, or -1 with errno; to be freed by cp_guards_free(). */
int cp_guards_find(struct cp_guards *guards);
void cp_guards_free(struct cp_guards *guards);

/* What one guard knows. */
struct cp_facts {
	char name[CP_NAME_MAX + 1];
	void *map;
	size_t size;
	const struct cp_snap_head *head;
	const struct cp_snap_host *hosts;
	const struct cp_snap_ward *wards; /* grouped by nothing */
	const struct cp_snap_member *members;
};

/*
 * Asks all of GUARDS at once, so that those that don't answer cost one second
 * together.  FACTS and ERRORS have room for each.  An error is 0, and then the
 * facts are to be freed by cp_facts_free(); or ECONNREFUSED: there is no such
 * guard (any more); EACCES: it is another user's, or of another PID namespace;
 * ETIMEDOUT; EPROTO: the answer is of another version.
 */
void cp_ask_facts(const struct cp_guards *guards, struct cp_facts *facts,
    int *errors);

/*
 * Maps the snapshot in FILE, which anybody may have written.  Returns 0, or -1
 * with errno (EPROTO: it is none, or not one of this version).  All that is
 * used as an index or a string is good then, and can't change any more.
 */
int cp_facts_map(int file, struct cp_facts *facts);
void cp_facts_free(struct cp_facts *facts);

/*
 * Sends MSG (REAP, ATTACH or DETACH) to the guard NAME.  Returns the count of
 * its answer, or -1 with errno as above.
 */
long cp_ask(const char *name, const struct cp_msg *msg);

#endif
