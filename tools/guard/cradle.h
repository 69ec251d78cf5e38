/* SPDX-License-Identifier: MIT */
/*
 * Where those lie whose registration waits (newborn.h): in three lists, each in
 * the order of coming.  The records are in memory shared with the sentinel:
 * who becomes the guard finds them.  Context: guard.
 */
#ifndef CP_CRADLE_H
#define CP_CRADLE_H

#include <sys/queue.h>

#include "trust.h"

struct cp_newborn {
	struct cp_msg msg;
	struct ucred from;
	int pidfd;	 /* of the child */
	uint32_t serial; /* 0: not in use */
	bool kin;	 /* it was seen to be the child of who told of it */
	uint64_t heard_ms;
	uint64_t died_ms;
	TAILQ_ENTRY(cp_newborn) link;
};

enum cp_cradle {
	CP_CRADLE_WAITING,
	CP_CRADLE_ENDING, /* it has ended, what it left is to be seen */
	CP_CRADLE_DEAD,	  /* for the next census */
	CP_CRADLES
};

/* Until this succeeds there is none.  Returns 0 or -1 with errno. */
int cp_cradle_init(void);

/* Has it? */
bool cp_cradle_is_there(void);

/* A record that is not in use, or NULL: so many wait already. */
struct cp_newborn *cp_cradle_take(void);

/* It is not in use any more; it is on no list. */
void cp_cradle_give_back(struct cp_newborn *b);

/* B waits from now on: for what X says of the child whose PIDFD this is. */
void cp_cradle_lay(struct cp_newborn *b, const struct cp_heard *x, int pidfd,
    bool kin);

/*
 * Takes B off the list; its pidfd is the caller's, who gives B back when nobody
 * has to find it any more, should this guard die.
 */
struct cp_heard cp_cradle_take_off(enum cp_cradle from, struct cp_newborn *b,
    uint64_t now_ms);

/* Appends B to another list. */
void cp_cradle_move(struct cp_newborn *b, enum cp_cradle from,
    enum cp_cradle to);

/* The first of a list, who comes after B; or NULL. */
struct cp_newborn *cp_cradle_first(enum cp_cradle which);
struct cp_newborn *cp_cradle_next(const struct cp_newborn *b);

/* What a record is called in events (watch.h), and whose name that is. */
uint32_t cp_cradle_index(const struct cp_newborn *b);
struct cp_newborn *cp_cradle_at(uint32_t index, uint32_t serial);

/* Lists anew what a dead guard left, of which only what was said is known. */
void cp_cradle_adopt(void);

/* All that were listed so are given back: all records are free. */
void cp_cradle_adopted(void);

#endif
