/* SPDX-License-Identifier: MIT */
/* Where are we: in the host, in a fork child, in a vfork child? */
#ifndef CP_OWNER_H
#define CP_OWNER_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ring.h"
#include "slot.h"

enum cp_where {
	CP_UNCLAIMED,	/* nobody here ever made a channel or forked */
	CP_OWNER,	/* the process whose wards these are */
	CP_VFORK_CHILD, /* in its memory, on its stack */
	CP_FORK_CHILD,	/* a copy of it that has not exec'd */
};

#define CP_WORTH_BITS 4

/* Memory that an owner shares with its fork and vfork children. */
struct cp_shared {
	void *map;		  /* what of it is ours to unmap */
	_Atomic uint32_t known;	  /* a guard was reached once */
	_Atomic uint32_t broken;  /* the guard can't be started */
	_Atomic uint32_t noted;	  /* kinds of failure the journal knows */
	_Atomic uint32_t strikes; /* sends in a row that were given up */
	_Atomic int64_t mute_ms;  /* until then no send may block */
	_Atomic int64_t made_s;	  /* when CP_MSG_MADE was sent last */
	_Atomic uint64_t worth[1 << CP_WORTH_BITS]; /* see cp_tell_worth() */
	struct cp_slots slots;
	struct cp_ring ring; /* last: most of it is never touched */
};

/* Context: any.  errno is kept. */
enum cp_where cp_where(void);

/*
 * Makes this process an owner, if it can be one; true if this very call did
 * it.  A fork child is promoted only if PROMOTE is set.  Context: host.
 */
bool cp_owner_claim(bool promote);

/*
 * This process goes on as what owner OLD was (daemon(3) has forked): its
 * wards are ours.  Returns false if nothing was to be taken over.
 * Context: host.
 */
bool cp_owner_inherit(pid_t old);

/* The owner whose child we are, or who we are.  0: none.  Context: any. */
pid_t cp_owner_host(void);

/* What /proc calls this memory image (procfs.h), 0 unknown.  Context: any. */
uint64_t cp_owner_image(void);

/* The owner whose fork child this owner once was, or 0.  Context: any. */
pid_t cp_owner_maker(void);

/* The owner's shared memory, or the maker's; NULL if none.  Context: any. */
struct cp_shared *cp_owner_shared(void);
struct cp_shared *cp_owner_maker_shared(void);

/* Does this, or did its copy in the host, run on the main thread?  any. */
bool cp_owner_on_main_thread(void);

/*
 * The host's thread on which this, or its copy, runs: its TID, or 0 if no hook
 * was called on it before.  Context: any.
 */
uint32_t cp_owner_thread(void);

/* Notes the TID, for the children of this thread.  Context: host, owner. */
void cp_owner_note_thread(void);

/* Called by the constructor.  Context: host. */
void cp_owner_init(void);

#endif
