/* SPDX-License-Identifier: MIT */
/*
 * The false kills that others shipped, each as a world in which the judge must
 * not repeat it, and beside it the leak that it must still see.  The numbers
 * are those of the list of such cases that the design is held against; K13 and
 * K17, of the shim, can't be said here.
 */
#include "judge_world.h"

TestSuite(field, .timeout = 20, .init = world_begin);

#define YEAR_MS (UINT64_C(366) * 24 * 3600 * 1000)

/* The thread that spawned it has ended; its process lives. */
Test(field, K1_thread_ended)
{
	duplex();
	/* The census shows a living thread in place of the main one. */
	find(HOST)->state = 'R';
	is_live();
	host_dies();
	is_gone();
}

/* The clock jumps: identity is start ticks, and nothing is timed. */
Test(field, K2_clock_jumps)
{
	duplex();
	world.now_ms += YEAR_MS;
	is_live();
	host_dies();
	is_gone();
	cr_assert_eq(judge().act_ms, GONE_MS + 2000);
	world.now_ms = 1;
	is_gone();
	cr_assert_eq(judge().act_ms, GONE_MS + 2000);
}

/* A parent of PID 1 is no proof, one of another PID is no alibi. */
Test(field, K3_reparented)
{
	duplex();
	find(CHILD)->ppid = INIT;
	is_live();
	host_dies();
	is_gone();
	proc(ELDER, INIT); /* a subreaper */
	find(CHILD)->ppid = ELDER;
	is_gone();
}

/* The number of a process in another PID namespace says nothing here. */
Test(field, K4_host_of_another_namespace)
{
	reader();
	host_dies();
	is_gone();
	/* It is the child of what spawned it, by whatever number. */
	proc(OTHER, INIT)->image = world.ward.image;
	find(CHILD)->ppid = OTHER;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
	find(OTHER)->image++;
	is_gone();
}

/* The number told is that of a living stranger here. */
Test(field, K4_stranger_by_that_number)
{
	reader();
	drop(HOST, 5);
	find(HOST)->image = 1;
	is(CP_PARENT_GONE, CP_RULE_HOST_EXECD);
	proc(OTHER, INIT)->image = world.ward.image;
	find(CHILD)->ppid = OTHER;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
}

/* A ward that never was visible. */
Test(field, K4_child_never_seen)
{
	duplex();
	host_dies();
	is_gone();
	drop(CHILD, 0);
	drop(CHILD, 1);
	is(CP_SPARED, CP_RULE_LET_GO);
	world.ward.pid = 4711;
	world.ward.start = 0;
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	stays(CHILD);
}

/* Each child is judged for itself, on its own channels. */
Test(field, K5_sibling_in_use)
{
	duplex();
	proc(OTHER, HOST);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, 511);
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, 512);
	end(HOST, 7, CP_KIND_PIPE, CP_WRITE, 511);
	proc(ANOTHER, HOST)->image = world.host.image; /* the heir of one */
	end(ANOTHER, 7, CP_KIND_PIPE, CP_WRITE, 511);
	other_ward_at(OTHER, HOST);
	host_dies();
	is_gone();
	goes(CHILD);
	stays(OTHER);
	stays(ANOTHER);
	end(ANOTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	is_by(CP_ADOPT, CP_RULE_HEIR, ANOTHER);
}

/* Unknown is alive; and alive is alive. */
Test(field, K6_both_ways)
{
	duplex();
	is_live();
	world.complete = false;
	is(CP_DOUBT, CP_RULE_INCOMPLETE);
	host_dies();
	is(CP_DOUBT, CP_RULE_INCOMPLETE);
	world.complete = true;
	is_gone();
	drop(CHILD, 0);
	drop(CHILD, 1);
	find(CHILD)->readable = false;
	is(CP_DOUBT, CP_RULE_UNSEEN);
}

/* A signal to the host, or its stop, is not its death. */
Test(field, K7_host_is_draining)
{
	writer();
	find(HOST)->state = 'T';
	is_live();
	world.host.leaving = true;
	world.host.gone_ms = GONE_MS;
	is_live();
	host_dies();
	is_gone();
}

/* A detached helper restarts the host: never ours, whatever it inherited. */
Test(field, K8_restart_helper)
{
	duplex();
	proc(OTHER, HOST);
	end(OTHER, 3, CP_KIND_PIPE, CP_READ, IN);
	end(OTHER, 4, CP_KIND_PIPE, CP_WRITE, OUT);
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	host_dies();
	proc(ANOTHER, OTHER); /* the new host */
	is_gone();
	stays(OTHER);
	stays(ANOTHER);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	goes(OTHER);
}

/* A ward started it, and it got away: nohup, setsid, a double fork. */
Test(field, K8_restart_helper_of_a_ward)
{
	duplex();
	proc(OTHER, CHILD);
	remembered(OTHER);
	find(OTHER)->ppid = INIT;
	host_dies();
	proc(ANOTHER, OTHER);
	is_gone();
	goes(CHILD);
	stays(OTHER);
	stays(ANOTHER);
	find(OTHER)->ppid = CHILD;
	goes(OTHER);
	goes(ANOTHER);
}

/* A process group is no tie. */
Test(field, K9_group)
{
	duplex();
	proc(OTHER, INIT)->pgid = CHILD;
	host_dies();
	is_gone();
	stays(OTHER);
	find(OTHER)->ppid = CHILD;
	goes(OTHER);
}

/* A tool that becomes a daemon. */
Test(field, K9_daemonising_tool)
{
	duplex();
	proc(OTHER, INIT);
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	dies(CHILD);
	host_dies();
	is_gone();
	goes(OTHER);
	drop(OTHER, 1);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	stays(OTHER);
}

/* A wrapper moved the server to a session that nobody tracked. */
Test(field, K10_another_session)
{
	duplex();
	proc(OTHER, INIT);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	proc(ANOTHER, INIT)->sid = CHILD;
	world.ward.leader = true;
	is_live();
	host_dies();
	is_gone();
	goes(OTHER);
	stays(ANOTHER); /* holds nothing */
	end(ANOTHER, 9, CP_KIND_PIPE, CP_READ, IN);
	goes(ANOTHER);
}

/* `docker run -i` gets its EOF, and the time to act on it. */
Test(field, K11_eof_first)
{
	duplex();
	world.options.exit_grace_ms = 60000;
	host_dies();
	is_gone();
	cr_assert_eq(judge().act_ms, GONE_MS + 60000);
	world.ward.spare = true; /* spare=docker */
	is(CP_SPARED, CP_RULE_SPARE);
}

/* The PID is another's by now. */
Test(field, K12_recycled_pid)
{
	duplex();
	host_dies();
	is_gone();
	dies(CHILD);
	proc(CHILD, INIT)->start = 900;
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	stays(CHILD);
	find(CHILD)->start = CHILD;
	end(CHILD, 0, CP_KIND_PIPE, CP_READ, IN);
	goes(CHILD);
	is_gone();
}

/* The orphan is a service that others use: it stays as a daemon on purpose. */
Test(field, K14_service)
{
	duplex();
	proc(OTHER, CHILD);
	host_dies();
	is_gone();
	drop(CHILD, 0);
	drop(CHILD, 1);
	is(CP_SPARED, CP_RULE_LET_GO);
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	is_gone();
}

/* The same program, or the same everything, but no channel. */
Test(field, K15_namesake)
{
	struct cp_proc *p;

	duplex();
	p = proc(OTHER, HOST);
	p->exe = find(CHILD)->exe;
	p->image = find(CHILD)->image;
	host_dies();
	is_gone();
	stays(OTHER);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	goes(OTHER);
}

/* The host's next child, in the moment between vfork and exec. */
Test(field, K16_child_in_the_making)
{
	duplex();
	proc(OTHER, HOST)->image = world.host.image;
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	is_live();
	world.host.leaving = true;
	is(CP_PARENT_GONE, CP_RULE_HOST_LEAVES);
	stays(OTHER);
	find(OTHER)->image++; /* it has exec'd: a child like any */
	goes(OTHER);
}

/* Idle for a year under a living host, with every option on. */
Test(field, K18_idle)
{
	duplex();
	world.options.idle_ms = 1;
	world.options.keep = 1;
	world.options.limit = 1;
	world.now_ms += YEAR_MS;
	is_live();
	host_dies();
	is_gone();
}
