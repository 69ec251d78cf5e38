/* SPDX-License-Identifier: MIT */
/*
 * The verdicts: every rule of the judge, and next to each case of somebody
 * spared the one fact that makes it a leak.  What the other ends of the
 * channels say is in test_peers.c, who goes with a ward in test_members.c, the
 * false kills of others in test_field.c.
 */
#include <string.h>

#include "judge_world.h"

TestSuite(judge, .timeout = 20, .init = world_begin);

Test(judge, host_lives)
{
	duplex();
	is_live();
	host_dies();
	is_gone();
	goes(CHILD);
	cr_assert_eq(members(9), 1);
}

Test(judge, one_way)
{
	reader();
	is_live();
	/* Its host has closed its stdin: sort(1) works on. */
	drop(HOST, 5);
	is_live();
	host_dies();
	is_gone();
}

/* EOF has to work off its input: one-way children get the longer grace. */
Test(judge, times)
{
	duplex();
	host_dies();
	cr_assert_eq(judge().act_ms, GONE_MS + 2000);
	world.options.exit_grace_ms = 1;
	cr_assert_eq(judge().act_ms, GONE_MS + 1);
	world.options.exit_grace_ms = 0;
	cr_assert_eq(judge().act_ms, GONE_MS);
	world.host.gone_ms = 0; /* nobody was told when */
	cr_assert_eq(judge().act_ms, NOW_MS);
	world_begin();
	writer();
	host_dies();
	cr_assert_eq(judge().act_ms, GONE_MS + 15000);
	world.options.grace_ms = 7;
	cr_assert_eq(judge().act_ms, GONE_MS + 7);
	world.options.exit_grace_ms = 0; /* is not about it */
	cr_assert_eq(judge().act_ms, GONE_MS + 7);
}

Test(judge, host_execs)
{
	duplex();
	find(HOST)->image = 1;
	is_live(); /* it has kept both */
	drop(HOST, 5);
	is_live(); /* one is enough */
	drop(HOST, 6);
	is(CP_PARENT_GONE, CP_RULE_HOST_EXECD);
	find(HOST)->image = 0; /* can't be read */
	is_live();
	find(HOST)->image = world.ward.image; /* it is what it was */
	is_live();
}

Test(judge, host_execs_one_way)
{
	reader();
	drop(HOST, 5);
	is_live();
	find(HOST)->image = 1;
	is(CP_PARENT_GONE, CP_RULE_HOST_EXECD);
	cr_assert_eq(judge().act_ms, NOW_MS + 15000);
	world.ward.image = 0; /* nobody was told what it was */
	is_live();
}

/* Somebody else talks to the ward since the host became another program. */
Test(judge, host_execs_with_an_heir)
{
	duplex();
	find(HOST)->image = 1;
	drop(HOST, 5);
	drop(HOST, 6);
	is(CP_PARENT_GONE, CP_RULE_HOST_EXECD);
	proc(OTHER, HOST)->image = world.ward.image;
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	is_live();
}

Test(judge, host_leaves)
{
	duplex();
	is_live();
	world.host.leaving = true;
	world.host.gone_ms = GONE_MS;
	is(CP_PARENT_GONE, CP_RULE_HOST_LEAVES);
	cr_assert_eq(judge().act_ms, GONE_MS + 2000);
	stays(HOST);
	host_dies(); /* while we are at it */
	is_gone();
}

/* It is left to the guard what becomes of one-way children. */
Test(judge, host_leaves_one_way)
{
	reader();
	world.host.leaving = true;
	is_live();
	drop(HOST, 5);
	is_live();
	host_dies();
	is_gone();
}

Test(judge, nobody_left)
{
	duplex();
	host_dies();
	is_gone();
	find(CHILD)->state = 'Z';
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	find(CHILD)->state = 'X';
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	dies(CHILD);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	/* npx was killed, the server stayed. */
	proc(OTHER, INIT);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	is_gone();
}

/* A stopped child is alive, and its leak is one. */
Test(judge, stopped_child)
{
	duplex();
	host_dies();
	find(CHILD)->state = 'T';
	is_gone();
}

/*
 * It meant to be a daemon; but what closes its stdio after the host's death and
 * hangs is none.
 */
Test(judge, let_go)
{
	duplex();
	host_dies();
	is_gone();
	drop(CHILD, 0);
	is_gone(); /* has the other one */
	drop(CHILD, 1);
	is(CP_SPARED, CP_RULE_LET_GO);
	for (int step = CP_STEP_DOOMED; step <= CP_STEP_KILL; step++) {
		world.ward.step = (uint8_t)step;
		is_gone();
	}
}

Test(judge, let_go_one_way)
{
	reader();
	host_dies();
	is_gone();
	drop(CHILD, 0);
	end(CHILD, 1, CP_KIND_PIPE, CP_WRITE, OUT); /* of no account */
	is(CP_SPARED, CP_RULE_LET_GO);
}

/* The Python SDK's servers do. */
Test(judge, wire_moved_up)
{
	duplex();
	drop(CHILD, 0);
	drop(CHILD, 1);
	end(CHILD, 7, CP_KIND_PIPE, CP_READ, IN);
	is_live();
	host_dies();
	is_gone();
	drop(CHILD, 7);
	is(CP_SPARED, CP_RULE_LET_GO);
}

Test(judge, let_go_or_unreadable)
{
	duplex();
	host_dies();
	drop(CHILD, 0);
	drop(CHILD, 1);
	is(CP_SPARED, CP_RULE_LET_GO);
	find(CHILD)->readable = false;
	is(CP_DOUBT, CP_RULE_UNSEEN);
	find(CHILD)->readable = true;
	find(CHILD)->image = 0; /* it is exiting */
	is(CP_DOUBT, CP_RULE_UNSEEN);
	/* A holder that we can see: proven. */
	proc(OTHER, CHILD);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	is_gone();
}

Test(judge, spare)
{
	duplex();
	host_dies();
	is_gone();
	world.ward.spare = true;
	is(CP_SPARED, CP_RULE_SPARE);
}

Test(judge, incomplete)
{
	duplex();
	host_dies();
	is_gone();
	world.complete = false;
	is(CP_DOUBT, CP_RULE_INCOMPLETE);
}

/* The host's PID was used again: another process, not the host. */
Test(judge, host_pid_again)
{
	duplex();
	host_dies();
	*proc(HOST, INIT) = (struct cp_proc){ .pid = HOST, .ppid = INIT,
		.uid = US, .state = 'S', .readable = true, .start = 900,
		.image = 1, .exe = 1 };
	end(HOST, 5, CP_KIND_PIPE, CP_WRITE, IN);
	is_gone();
	drop(HOST, 5);
	end(HOST, 1, CP_KIND_PIPE, CP_WRITE, IN);
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, HOST);
}

/* The gateway is PID 1 of its container. */
Test(judge, init_is_the_host)
{
	duplex();
	dies(HOST);
	world.host.pid = INIT;
	world.host.start = find(INIT)->start;
	world.ward.image = world.host.image = find(INIT)->image;
	end(INIT, 5, CP_KIND_PIPE, CP_WRITE, IN);
	is_live();
	stays(INIT);
	find(INIT)->image = 1; /* it execs, and keeps one */
	is_live();
	drop(INIT, 5);
	is(CP_PARENT_GONE, CP_RULE_HOST_EXECD);
	stays(INIT);
}

/* Asking changes nothing, and the answer is the same. */
Test(judge, pure)
{
	struct cp_finding a, b;
	struct world before;

	duplex();
	host_dies();
	before = world;
	a = judge();
	b = judge();
	cr_assert_eq(memcmp(&before, &world, sizeof(world)), 0);
	cr_assert(a.verdict == b.verdict && a.rule == b.rule &&
	    a.who == b.who && a.act_ms == b.act_ms);
}

Test(judge, texts)
{
	for (int r = CP_RULE_HOST_LIVES; r < CP_RULES; r++)
		cr_assert_gt(strlen(cp_rule_text((enum cp_rule)r)), 5);
	cr_assert_str_eq(cp_rule_text(CP_RULES), "?");
}
