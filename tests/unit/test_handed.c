/* SPDX-License-Identifier: MIT */
/*
 * child-gone: the host lives, the direct child is dead, and others hold its
 * stdin.  Whether bytes move is not asked here: then it is `handed`.
 */
#include "judge_world.h"

TestSuite(handed, .timeout = 20, .init = world_begin);

#define BOTH	(CP_READ | CP_WRITE)
#define SHUT_MS 9000
#define DIED_MS 9500

#define is_child_gone() is(CP_CHILD_GONE, CP_RULE_CHILD_DIED)

/* npx has died; the server that it started has its stdio, and both are open. */
static void
orphan(void)
{
	duplex();
	proc(OTHER, CHILD);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	dies(CHILD);
	world.ward.dead = true;
	world.ward.died_ms = DIED_MS;
}

static void
says(uint64_t pipe, enum cp_open open)
{
	struct cp_truth *t = truth(CP_KIND_PIPE, pipe);

	t->readers = t->writers = (uint8_t)open;
}

Test(handed, orphan)
{
	orphan();
	is_child_gone();
	goes(OTHER);
	cr_assert_eq(members(9), 1);
	world.ward.dead = false; /* the guard does not know it yet */
	is_live();
}

/* A closed stdin with the child alive proves nothing. */
Test(handed, child_lives)
{
	duplex();
	proc(OTHER, CHILD);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	drop(HOST, 5);
	says(IN, CP_OPEN_NO);
	is_live();
	dies(CHILD);
	world.ward.dead = true;
	is_child_gone();
}

/* Bytes have moved since: a starter that has handed its stdio on. */
Test(handed, handed_on)
{
	orphan();
	is_child_gone();
	world.ward.handed = true;
	is_live();
}

static bool
has(int k)
{
	const struct cp_case c = { .ward = &world.ward,
		.options = &world.options,
		.index = world_index() };

	return cp_judge_has(&c, k);
}

/* The host has put somebody on what one that vanished may have had. */
Test(handed, guess)
{
	orphan();
	cr_assert(has(0) && has(1));
	find(OTHER)->ppid = HOST;
	cr_assert_not(has(0) || has(1));
	proc(ANOTHER, HOST);
	find(OTHER)->ppid = ANOTHER;
	cr_assert_not(has(0) || has(1));
	is_child_gone();
	world.ward.guess = true;
	is_live();
}

/* `$(cmd &)`, a logger: only its stdout is held. */
Test(handed, stdin_only)
{
	orphan();
	is_child_gone();
	drop(OTHER, 1);
	is_child_gone();
	drop(OTHER, 0);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	is_live();
	says(OUT, CP_OPEN_NO); /* nobody reads it; the host still may write */
	is_live();
}

/* The host keeps its end of stdout or not: that says nothing. */
Test(handed, host_s_ends)
{
	orphan();
	is_child_gone();
	drop(HOST, 6);
	is_child_gone();
	drop(HOST, 5);
	is_child_gone(); /* the kernel was not asked */
	says(IN, CP_OPEN_NO);
	says(OUT, CP_OPEN_NO);
	is(CP_PEER_GONE, CP_RULE_CLOSED);
}

/* Both at once: the sooner proven, the sooner it goes. */
Test(handed, peer_gone_decides)
{
	orphan();
	drop(HOST, 5);
	drop(HOST, 6);
	says(IN, CP_OPEN_NO);
	says(OUT, CP_OPEN_NO);
	world.ward.shut_ms = SHUT_MS;
	is(CP_PEER_GONE, CP_RULE_CLOSED);
	cr_assert_eq(judge().act_ms, SHUT_MS + 15000);
	world.ward.handed = true;
	is(CP_PEER_GONE, CP_RULE_CLOSED);
	drop(OTHER, 0); /* its stdout is enough for that */
	is(CP_PEER_GONE, CP_RULE_CLOSED);
}

Test(handed, wire_moved_up)
{
	orphan();
	drop(OTHER, 0);
	is_live();
	end(OTHER, 9, CP_KIND_PIPE, CP_READ, IN);
	is_child_gone(); /* it holds stdout, so it is one of them */
	drop(OTHER, 1);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT); /* a stranger with a leaked fd */
	remembered(OTHER);
	is_child_gone();
}

Test(handed, session)
{
	orphan();
	drop(OTHER, 0);
	drop(OTHER, 1);
	end(OTHER, 9, CP_KIND_PIPE, CP_READ, IN);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	world.ward.leader = true;
	find(OTHER)->sid = CHILD;
	is_child_gone();
}

/* What has let go of everything is a daemon, if nothing was wrong then. */
Test(handed, helpers)
{
	orphan();
	proc(ANOTHER, OTHER); /* a browser */
	proc(THIRD, INIT);    /* it got away before */
	remembered(ANOTHER);
	remembered(THIRD);
	is_child_gone();
	goes(OTHER);
	goes(ANOTHER);
	stays(THIRD);
	find(ANOTHER)->ppid = INIT;
	stays(ANOTHER);
	world.ward.step = CP_STEP_DOOMED;
	goes(ANOTHER);
}

Test(handed, spared)
{
	orphan();
	is_child_gone();
	world.ward.spare = true;
	is_live();
	world.ward.spare = false;
	world.complete = false;
	is(CP_DOUBT, CP_RULE_INCOMPLETE);
	world.complete = true;
	find(OTHER)->uid = 0; /* became another user's: sudo */
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
}

Test(handed, one_way)
{
	reader();
	proc(OTHER, CHILD);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	dies(CHILD);
	world.ward.dead = true;
	is_live(); /* gzip of a job that has ended */
	drop(HOST, 5);
	is_live();
	host_dies();
	is_gone();
}

/* Who took its stdio is a ward of the host's itself, or works for one. */
Test(handed, siblings)
{
	orphan();
	is_child_gone();
	find(OTHER)->ppid = HOST;
	is_child_gone();
	sibling_at(OTHER);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
}

/* The host's own worker has the child's ends: not exec'd yet, or never. */
Test(handed, copy_of_the_host)
{
	orphan();
	is_child_gone();
	find(OTHER)->ppid = HOST;
	find(OTHER)->image = world.host.image;
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
}

Test(handed, unproven)
{
	sockets();
	proc(OTHER, CHILD);
	end(OTHER, 0, CP_KIND_UNIX, BOTH, IN_CHILD);
	dies(CHILD);
	world.ward.dead = true;
	is_child_gone();
	for (int k = 0; k < 2; k++) {
		world.ward.channel[k].kept = CP_KEPT_MAYBE;
		world.ward.channel[k].host = 0;
	}
	is_live();
}

/* The child is a zombie: nobody has waited for it. */
Test(handed, zombie)
{
	orphan();
	proc(CHILD, HOST)->state = 'Z';
	is_child_gone();
	stays(CHILD);
	goes(OTHER);
}

Test(handed, terminal)
{
	terminal();
	proc(OTHER, CHILD)->sid = CHILD;
	end(OTHER, 0, CP_KIND_PTY, BOTH, PTS);
	dies(CHILD);
	world.ward.dead = true;
	is_child_gone();
	drop(OTHER, 0);
	find(OTHER)->sid = OTHER;
	end(OTHER, 0, CP_KIND_PTY, BOTH, PTS)->birth = MARK + 1;
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT); /* another's */
}

/* Once it was signalled it is not let off for what it closes then. */
Test(handed, steps)
{
	orphan();
	remembered(OTHER);
	drop(OTHER, 0);
	is_live();
	world.ward.step = CP_STEP_DOOMED;
	is_live();
	for (int step = CP_STEP_TERM; step <= CP_STEP_KILL; step++) {
		world.ward.step = (uint8_t)step;
		is_child_gone();
		goes(OTHER);
		world.ward.handed = true;
		is_live();
		world.ward.handed = false;
	}
}

/* It is silence that proves it: no hurry makes that shorter. */
Test(handed, times)
{
	orphan();
	cr_assert_eq(judge().act_ms, DIED_MS + 15000);
	world.hurried = true;
	cr_assert_eq(judge().act_ms, DIED_MS + 15000);
	world.options.grace_ms = 7;
	world.options.exit_grace_ms = 1;
	cr_assert_eq(judge().act_ms, DIED_MS + 7);
	world.ward.died_ms = 0;
	cr_assert_eq(judge().act_ms, NOW_MS + 7);
	host_dies();
	is_gone(); /* EOF is there */
	cr_assert_eq(judge().act_ms, GONE_MS);
}

/* daemon(3): the direct child ends first, the one that goes on lets go then. */
Test(handed, daemon_in_the_silence)
{
	orphan();
	remembered(OTHER);
	world.ward.step = CP_STEP_DOOMED;
	world.ward.rule = CP_RULE_CHILD_DIED;
	is_child_gone();
	drop(OTHER, 0);
	drop(OTHER, 1);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	host_dies();
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	world.ward.rule = CP_RULE_HOST_DIED; /* that was proven before */
	is_gone();
	goes(OTHER);
}

/* Its server has registered as the child of the starter that is just dying. */
Test(handed, claimed)
{
	struct cp_ward *claim;

	orphan();
	proc(ANOTHER, INIT);
	claim = other_ward_at(OTHER, ANOTHER);
	claim->looked = false;
	is(CP_DOUBT, CP_RULE_UNSEEN);
	claim->looked = true;
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
}
