/* SPDX-License-Identifier: MIT */
/*
 * What the guard was told and has learned since: hosts, their wards, and who
 * belongs to them.  It only keeps facts, it decides nothing.
 *
 * All records live in one shared mapping, so that the sentinel, a fork of the
 * guard, sees them at the same addresses when it has to take over.  What is
 * only good in one process (pidfds, the hash) is made anew by
 * cp_facts_adopt() of facts_adopt.h.
 */
#ifndef CP_FACTS_H
#define CP_FACTS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include <sys/queue.h>
#include <sys/tree.h>
#include <uthash.h>

#include "../../shim/common/channel_id.h"
#include "tally.h"

#define CP_HOSTS_MAX   8192
#define CP_WARDS_MAX   65536
#define CP_MEMBERS_MAX 131072

/* A process that was seen to belong to a ward. */
struct cp_member {
	pid_t pid;
	int pidfd; /* -1: none; held once its end matters */
	int sent;  /* the last signal that we sent it, or 0 */
	uint64_t start;
	SLIST_ENTRY(cp_member) link;
};
SLIST_HEAD(cp_members, cp_member);

enum cp_step {
	CP_STEP_WATCH = 0, /* nothing is wrong */
	CP_STEP_DOOMED,	   /* proven, in its grace */
	CP_STEP_TERM,	   /* SIGTERM was sent */
	CP_STEP_KILL,	   /* SIGKILL was sent */
};

/*
 * What nobody has listened to of what was said since the direct child's end:
 * nothing, the first word, or all of it for up to a second.
 */
enum cp_unheard {
	CP_HEARD = 0,
	CP_UNHEARD_START,
	CP_UNHEARD_ALL,
};

struct cp_ward {
	pid_t pid;
	bool used;
	bool dead;	 /* the direct child has ended */
	bool duplex;	 /* both fd 0 and fd 1 are channels to the host */
	bool leader;	 /* it was seen to lead a session of its own */
	bool looked;	 /* the guard has had its first closer look */
	bool announced;	 /* the journal knows it */
	bool spare;	 /* matches spare= */
	bool guess;	 /* its channels are one guess of several */
	uint8_t step;	 /* enum cp_step */
	uint8_t rule;	 /* enum cp_rule behind the step */
	bool missed;	 /* a census that may have overlooked some saw nobody */
	uint8_t rounds;	 /* looks that changed nothing; for backing off */
	uint8_t sent;	 /* the last signal that we sent the child, or 0 */
	uint8_t shut;	 /* bit K: a host end of channel K was closed */
	bool left;	 /* the dead child has left somebody behind */
	bool handed;	 /* the dead child has handed its stdio on */
	bool muted;	 /* its host was stopped when the silence was over */
	bool deaf;	 /* once nobody could be listened to, see left.h */
	uint8_t unheard; /* enum cp_unheard */
	bool retired;	 /* stale: the user's options end it */
	bool any;	 /* children=all: it has no channel */
	bool surplus;	 /* stale, if the user only wants to be told */
	bool dry;	 /* dry-run: it was told of */
	bool urged;	 /* the user wants no grace for it */
	bool linked;	 /* the host talks to it besides, see link.h */
	bool untold;	 /* found, and nobody has told of it since */
	bool unwatched;	 /* no descriptor is left to hear of its end */
	uint32_t serial;
	uint32_t thread;  /* TID of the host's thread that spawned it, or 0 */
	uid_t uid;	  /* of whoever registered it */
	uint64_t start;	  /* clock ticks since boot; 0: never seen alive */
	uint64_t image;	  /* the host's, when the ward was made; procfs.h */
	uint64_t key;	  /* command and directory, see key.h; 0 unknown */
	uint64_t born_ms; /* when we were told */
	uint64_t rank_ms; /* the same, or that of whom it takes the place of */
	uint64_t shut_ms; /* when the host's ends were seen closed, or 0 */
	uint64_t died_ms; /* when the direct child ended, or 0 */
	uint64_t unwaited_ms; /* it is a zombie, and all that is left; or 0 */
	uint64_t due_ms;      /* when to look again, 0: not pending; due.h */
	uint64_t next_ms;     /* when the next step is due */
	uint64_t heir_ms; /* until then its heir is on trial, 0: it is not */
	struct cp_channel channel[2];
	struct cp_members members; /* besides the child itself */
	struct cp_host *host;
	int pidfd;	/* -1: none */
	bool wd_shared; /* with another ward */
	bool swept;	/* no event tells of it: look now and then */
	uint8_t alarms; /* closes that proved nothing */
	int wd[2];	/* see closes.h; -1: none */
	char name[32];
	LIST_ENTRY(cp_ward) sibling; /* host->wards */
	RB_ENTRY(cp_ward) waits;     /* see due.c, which owns these */
	TAILQ_ENTRY(cp_ward) ripe;
	bool is_ripe;
	UT_hash_handle hh; /* by pid, the newest bearer of it */
};

struct cp_host {
	pid_t pid;
	bool used;
	bool dead;
	bool leaving;	/* orderly exit under way: it waits for our answer */
	bool census;	/* guarded by census alone */
	bool attached;	/* by the user, while it ran */
	bool leaky;	/* it has children that never registered */
	bool unwatched; /* no descriptor is left to hear of its end */
	pid_t sid;	/* its session, as first seen */
	uint32_t serial;
	uint64_t start;
	uint64_t image;	  /* see procfs.h, as last seen */
	uint64_t exe;	  /* see procfs.h, as last seen */
	uint64_t gone_ms; /* when it died or began to leave */
	bool dying;	  /* or was at ASKED_MS */
	uint64_t asked_ms;
	uint64_t settle_ms;	 /* its wards die of EOF until then, 0: no */
	uint64_t settle_most_ms; /* to which that may be put off */
	uint64_t look_ms;	 /* when to list its children, 0: not */
	uint64_t calm_ms;	 /* not before this time */
	uint8_t looks;		 /* still to come after that one */
	int pidfd;
	char comm[16];
	uint8_t reply_len; /* where to send CP_MSG_GONE */
	char reply[110];
	uint32_t ended; /* wards ended since it began to leave */
	LIST_HEAD(, cp_ward) wards;
	UT_hash_handle hh;
};

/* Maps the tables.  Returns 0 or -1 with errno.  Context: guard. */
int cp_facts_init(void);

/*
 * The host PID, made if it is not known yet; its start ticks, image and
 * program are read from /proc each time (it may have replaced itself).  A PID
 * without a process gives a dead host.  NULL when the table is full (errno
 * ENOSPC).
 */
struct cp_host *cp_facts_host(pid_t pid, uint64_t now_ms);
struct cp_host *cp_facts_find_host(pid_t pid);

/*
 * A new ward of HOST.  A living record of the same process is reused, with
 * the channels replaced.  NULL when the table is full.
 */
struct cp_ward *cp_facts_ward(struct cp_host *host, pid_t pid, uint64_t start,
    uint64_t now_ms);
struct cp_ward *cp_facts_find_ward(pid_t pid);
/* The same, for the judge. */
const struct cp_ward *cp_facts_find_ward_const(pid_t pid);

/* Moves WARD to HOST. */
void cp_facts_move(struct cp_ward *ward, struct cp_host *host);

/*
 * Remembers that the process belongs to WARD and returns its record; NULL for
 * the child itself, or when the table is full (it may still be found as a
 * holder).
 */
struct cp_member *cp_facts_member(struct cp_ward *ward, pid_t pid,
    uint64_t start);
/* Forgets the members that have no process any more, by CENSUS_HAS. */
void cp_facts_prune(struct cp_ward *ward,
    bool (*alive)(pid_t pid, uint64_t start, const void *arg), const void *arg);

/* Forgets a record; closes its pidfd.  F hears of each ward before. */
void cp_facts_on_forget(void (*f)(struct cp_ward *ward));
void cp_facts_forget_ward(struct cp_ward *ward);
void cp_facts_forget_host(struct cp_host *host);

/* Gives back what the tables no longer need, from their ends. */
void cp_facts_shrink(void);

/* Walking the tables: start with NULL; ends with NULL. */
struct cp_host *cp_facts_next_host(const struct cp_host *after);
struct cp_ward *cp_facts_next_ward(const struct cp_ward *after);

/* What was counted, to be counted on. */
struct cp_tally *cp_facts_tally(void);

uint32_t cp_facts_wards(void); /* how many there are */
uint32_t cp_facts_hosts(void);

/* The record with this index, or NULL if its serial is another by now. */
struct cp_ward *cp_facts_ward_at(uint32_t index, uint32_t serial);
struct cp_host *cp_facts_host_at(uint32_t index, uint32_t serial);
uint32_t cp_facts_ward_index(const struct cp_ward *ward);
uint32_t cp_facts_host_index(const struct cp_host *host);

#endif
