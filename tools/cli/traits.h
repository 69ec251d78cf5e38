/* SPDX-License-Identifier: MIT */
/*
 * What the judge of orphans must know of a process besides the census: what
 * it serves, whose it is, how it was detached.  Reads /proc, decides nothing,
 * keeps no descriptor.  Context: cli.
 */
#ifndef CP_TRAITS_H
#define CP_TRAITS_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "../guard/census.h"
#include "sockets.h"

/* cp_trait.flags */
#define CP_TRAIT_UNKNOWN   0x001u /* not all of it could be read */
#define CP_TRAIT_TERMINAL  0x002u /* has a living terminal open */
#define CP_TRAIT_NETWORK   0x004u /* has a socket that is not UNIX's */
#define CP_TRAIT_LISTENS   0x008u /* has a UNIX socket without connection */
#define CP_TRAIT_NOHUP	   0x010u /* ignores SIGHUP */
#define CP_TRAIT_NAMESPACE 0x020u /* of another PID namespace */
#define CP_TRAIT_TRACED	   0x040u /* somebody debugs it */
#define CP_TRAIT_GUARDED   0x080u /* its environment names a living guard */
#define CP_TRAIT_SPARED	   0x100u /* matches the user's spare= */

struct cp_trait {
	pid_t pid;
	uint32_t flags;
	uint64_t start; /* with pid, the process that this is about */
	/*
	 * The number of its autogroup, sched(7): the kernel makes one in each
	 * setsid(2) and counts them up; a fork inherits it.  0: unknown.
	 */
	uint64_t autogroup;
};

/* Channels to take the census of; grows. */
struct cp_wishes {
	struct cp_interest *at;
	size_t n;
	size_t size;
};

/* Returns 0, or -1 with ENOMEM. */
int cp_wishes_add(struct cp_wishes *w, uint8_t kind, uint64_t ino);

/*
 * Looks at process T->pid: fills in the rest of *T but start, and adds its
 * channels to *W.  SPARE as in the option.  Returns 0, or -1 with ENOMEM;
 * what can't be read is CP_TRAIT_UNKNOWN.
 */
int cp_traits_read(struct cp_trait *t, const struct cp_sockets *sockets,
    const char *spare, struct cp_wishes *w);

/* The number of PID's autogroup, or 0. */
uint64_t cp_traits_autogroup(pid_t pid);

#endif
