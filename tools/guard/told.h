/* SPDX-License-Identifier: MIT */
/*
 * The first stage: hears what hosts and wards say, checks it, and writes it
 * into the facts.  Nobody is trusted: the kernel attests the sender, senders
 * of another user are heard only about themselves as the child of a process
 * of ours, and a PID that is claimed must be the sender's own child.
 *
 * Context: guard.
 */
#ifndef CP_TOLD_H
#define CP_TOLD_H

#include "facts.h"

/* Hears what waits in the socket, at most MAX messages; returns how many. */
int cp_told_hear(uint64_t now_ms, int max);

/*
 * Something that was told may have been lost: hosts' children will be compared
 * with those known.
 */
void cp_told_missed(uint64_t now_ms);

/*
 * Closes the socket: whoever speaks from now on is told so, and starts another
 * guard.  What had been said before is still heard; returns how many messages.
 */
int cp_told_retire(uint64_t now_ms);

/* The host PID in the facts, with its end watched; see cp_facts_host. */
struct cp_host *cp_told_host(pid_t pid, uint64_t now_ms);

/* Opens the pidfd of a host (WARD NULL) or ward, for cp_facts_adopt(). */
void cp_told_rewatch(struct cp_host *host, struct cp_ward *ward);

struct cp_heard;

/* Answers whoever asked in X whether a child may be: 0, or the errno. */
void cp_told_reply(const struct cp_heard *x, int error);

/* Answers a host whose orderly exit is done, if it waits for it. */
void cp_told_answer(struct cp_host *host);

#endif
