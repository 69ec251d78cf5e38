/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of a channel, and what that means.  Pure; context:
 * guard, cli.
 */
#ifndef CP_ACROSS_H
#define CP_ACROSS_H

#include "gather.h"

/* Who is on the other side. */
struct cp_across {
	enum cp_verdict verdict; /* LIVE if nobody stands in the way */
	enum cp_rule rule;
	pid_t who;
	bool host; /* the host itself holds an end */
};

/* Looks across both channels; the one with more reason to wait decides. */
struct cp_across cp_across(const struct gathering *g);

/*
 * Are all host ends closed, in every process but the ward's own and its
 * siblings (wards of the same host, and who descends from them), where they
 * have been inherited by accident?  Only what is positively known counts.
 */
bool cp_peer_gone(const struct gathering *g);

#endif
