/* SPDX-License-Identifier: MIT */
/*
 * A world for the judge to look at, made of a few lines: processes, the ends
 * that they hold, and what the guard was told.  One of a fresh test holds init
 * and nobody else; a test adds what it is about, and asks.
 *
 * A case of somebody spared shows the same world twice, the second time with
 * one fact changed and the opposite verdict: so it is that fact that decides.
 */
#ifndef CP_JUDGE_WORLD_H
#define CP_JUDGE_WORLD_H

#include <criterion/criterion.h>

#include "../../tools/guard/judge.h"

/* Who is who.  A lower PID was born earlier. */
enum {
	INIT = 1,
	ELDER = 50, /* older than the host */
	HOST = 100,
	CHILD = 200,
	OTHER = 300,
	ANOTHER = 301,
	THIRD = 302,
};

/* The usual channels: pipe inodes, sockets (host's, child's), a pty. */
enum {
	IN = 501,
	OUT = 502,
	IN_HOST = 601,
	IN_CHILD = 602,
	OUT_HOST = 603,
	OUT_CHILD = 604,
	PTS = 7,
	MARK = 777, /* its birth mark */
	DEVPTS = 24,
};

#define US	1000 /* the uid of everybody but init */
#define GONE_MS 10000 /* when a host dies here */
#define NOW_MS	10100

struct world {
	struct cp_options options;
	struct cp_host host; /* of the ward that is judged */
	struct cp_ward ward;
	uint64_t now_ms;
	bool complete;
	bool hurried;
};
extern struct world world;

/* Empties the world; for .init. */
void world_begin(void);

/*
 * A process: alive, readable, of a program and a session of its own.  Changes
 * to it count as long as no other is added or dies.
 */
struct cp_proc *proc(pid_t pid, pid_t ppid);
struct cp_proc *find(pid_t pid); /* to change a fact */

/* An end that PID holds at FD; for a pty of PTS its mark and devpts are set. */
struct cp_end *end(pid_t pid, int fd, enum cp_kind kind, unsigned int access,
    uint64_t ino);
void drop(pid_t pid, int fd); /* and closes it again */

/* PID is gone, and what it held; its children are init's. */
void dies(pid_t pid);
void host_dies(void); /* and the guard knows it */

/* What the kernel says. */
struct cp_truth *truth(enum cp_kind kind, uint64_t ino);

/* HOST and its ward CHILD, with all that belongs to it. */
void duplex(void);   /* pipes IN and OUT */
void reader(void);   /* pipe IN */
void writer(void);   /* pipe OUT */
void sockets(void);  /* two pairs */
void terminal(void); /* a pty; the child leads its session */

/* One more ward, of a host of its own that lives. */
struct cp_ward *other_ward_at(pid_t pid, pid_t host);

/* One more ward of HOST. */
struct cp_ward *sibling_at(pid_t pid);

/* Remembers that PID was seen to descend from CHILD. */
void remembered(pid_t pid);

/* The world as a census, indexed; to be freed, and good until the next. */
struct cp_index *world_index(void);

/* Asks. */
struct cp_finding judge(void);
bool goes_with(pid_t pid); /* does PID go with the ward? */
size_t members(size_t max); /* how many do, if there is room for MAX */

#define is(v, r)                                                            \
	do {                                                                \
		struct cp_finding f_ = judge();                             \
		cr_assert(f_.verdict == (v) && f_.rule == (r),              \
		    "verdict %d, because %s", (int)f_.verdict,              \
		    cp_rule_text(f_.rule));                                 \
	} while (0)
#define is_live() is(CP_LIVE, CP_RULE_HOST_LIVES)
#define is_gone() is(CP_PARENT_GONE, CP_RULE_HOST_DIED)
#define is_by(v, r, pid)                                                    \
	do {                                                                \
		is(v, r);                                                   \
		cr_assert_eq(judge().who, pid, "%d", (int)judge().who);     \
	} while (0)
#define goes(pid)  cr_assert(goes_with(pid), "%d stays", (int)(pid))
#define stays(pid) cr_assert_not(goes_with(pid), "%d goes", (int)(pid))

#endif
