/* SPDX-License-Identifier: MIT */
/* The reasons of orphan.h in words.  Context: any. */

#include "orphan.h"

static const struct {
	const char *word;
	const char *text;
} reasons[CP_WHY_END] = {
	[CP_WHY_NONE] = { "none", "" },
	[CP_WHY_ORPHAN] = { "orphan", "parent gone" },
	[CP_WHY_MEMBER] = { "member", "goes with %d" },
	[CP_WHY_PARENT] = { "parent", "started by %d?" },
	[CP_WHY_LEADER] = { "leader", "session leader" },
	[CP_WHY_OUTSIDE] = { "outside", "other namespace" },
	[CP_WHY_STDOUT] = { "stdout", "stdout in use" },
	[CP_WHY_SHARED] = { "shared", "shared with %d" },
	[CP_WHY_TERMINAL] = { "terminal", "has a terminal" },
	[CP_WHY_NETWORK] = { "network", "network socket" },
	[CP_WHY_LISTENS] = { "listens", "listens" },
	[CP_WHY_CONNECTED] = { "connected", "talks to others" },
	[CP_WHY_NOHUP] = { "nohup", "ignores SIGHUP" },
	[CP_WHY_ONE_SOCKET] = { "one-socket", "one socket" },
	[CP_WHY_DETACHED] = { "detached", "detached" },
	[CP_WHY_USER] = { "user", "other user" },
	[CP_WHY_TRACED] = { "traced", "is debugged" },
	[CP_WHY_GUARDED] = { "guarded", "has a guard" },
	[CP_WHY_SPARED] = { "spared", "spare=" },
	[CP_WHY_SELF] = { "self", "runs this scan" },
	[CP_WHY_TREE] = { "tree", "goes with %d" },
	[CP_WHY_UNKNOWN] = { "unknown", "not all readable" },
};

const char *
cp_why_word(enum cp_why why)
{
	return reasons[why < CP_WHY_END ? why : CP_WHY_UNKNOWN].word;
}

const char *
cp_why_text(enum cp_why why)
{
	return reasons[why < CP_WHY_END ? why : CP_WHY_UNKNOWN].text;
}
