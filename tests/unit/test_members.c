/* SPDX-License-Identifier: MIT */
/*
 * Who goes with a ward: whom the reaper would signal.  Each that stays has a
 * twin that differs in one fact and goes.  Those at a terminal are in
 * test_terminal.c.
 */
#include "judge_world.h"

TestSuite(members, .timeout = 20, .init = world_begin);

#define BOTH (CP_READ | CP_WRITE)

static void
leaked(void)
{
	duplex();
	host_dies();
	is_gone();
	cr_assert_eq(members(9), 1);
}

static void
holds_stdin(pid_t pid, int fd)
{
	end(pid, fd, CP_KIND_PIPE, CP_READ, IN);
}

Test(members, descendants)
{
	leaked();
	proc(OTHER, CHILD);
	proc(ANOTHER, OTHER);
	proc(302, ELDER); /* whose PID is nobody's here */
	goes(CHILD);
	goes(OTHER);
	goes(ANOTHER);
	stays(302);
	stays(INIT);
	cr_assert_eq(members(9), 3);
	find(OTHER)->state = 'Z'; /* its children would be init's */
	stays(OTHER);
	stays(ANOTHER);
	find(OTHER)->state = 'T';
	goes(OTHER);
	goes(ANOTHER);
}

/* Another's setuid child is still a child; who is not seen at all is nobody. */
Test(members, of_another_user)
{
	leaked();
	proc(OTHER, CHILD)->uid = 0;
	goes(OTHER);
	find(OTHER)->ppid = INIT;
	stays(OTHER);
	holds_stdin(OTHER, 0);
	stays(OTHER);
	find(OTHER)->uid = US;
	goes(OTHER);
}

/* Its number is another's by now, in the tick in which it was its own. */
Test(members, successor)
{
	leaked();
	goes(CHILD);
	drop(CHILD, 0);
	drop(CHILD, 1);
	goes(CHILD);
	world.ward.dead = true;
	stays(CHILD);
}

Test(members, holders)
{
	leaked();
	proc(OTHER, INIT);
	stays(OTHER);
	for (int fd = 0; fd < 4; fd++) {
		holds_stdin(OTHER, fd);
		cr_assert_eq(goes_with(OTHER), fd <= 1, "at %d", fd);
		drop(OTHER, fd);
	}
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	goes(OTHER);
	drop(OTHER, 1);
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT + 1); /* another pipe */
	stays(OTHER);
}

Test(members, descendants_of_holders)
{
	leaked();
	proc(OTHER, INIT);
	proc(ANOTHER, OTHER);
	stays(ANOTHER);
	holds_stdin(OTHER, 0);
	goes(OTHER);
	goes(ANOTHER);
	cr_assert_eq(members(9), 3);
}

Test(members, socket_holders)
{
	sockets();
	host_dies();
	proc(OTHER, INIT);
	end(OTHER, 1, CP_KIND_UNIX, BOTH, OUT_HOST);
	stays(OTHER);
	drop(OTHER, 1);
	end(OTHER, 1, CP_KIND_UNIX, BOTH, OUT_CHILD);
	goes(OTHER);
}

/* A PID 1 that holds, a host that holds: never. */
Test(members, host_and_init)
{
	duplex();
	world.host.leaving = true;
	holds_stdin(HOST, 0);
	holds_stdin(INIT, 0);
	find(INIT)->uid = US;
	stays(HOST);
	stays(INIT);
	goes(CHILD);
	find(HOST)->start++; /* another bearer of the PID */
	find(HOST)->image++;
	goes(HOST);
}

/* Not even if whom it descends from goes. */
Test(members, host_below_a_holder)
{
	duplex();
	world.host.leaving = true;
	proc(OTHER, INIT);
	proc(ANOTHER, HOST);
	find(HOST)->ppid = OTHER;
	holds_stdin(OTHER, 0);
	goes(OTHER);
	stays(HOST);
	stays(ANOTHER);
	find(ANOTHER)->ppid = OTHER;
	goes(ANOTHER);
}

/* A double fork leaves the tree, but not the session. */
Test(members, session)
{
	leaked();
	proc(OTHER, INIT)->sid = CHILD;
	world.ward.leader = true;
	stays(OTHER); /* has none of its ends */
	holds_stdin(OTHER, 5);
	goes(OTHER);
	world.ward.leader = false;
	stays(OTHER);
	world.ward.leader = true;
	find(OTHER)->sid = CHILD + 1;
	stays(OTHER);
	find(OTHER)->sid = CHILD;
	dies(CHILD); /* the number stays taken */
	goes(OTHER);
	proc(CHILD, INIT)->start = 900; /* by another process by now */
	stays(OTHER);
}

Test(members, siblings)
{
	struct cp_ward *sibling;

	leaked();
	proc(OTHER, INIT);
	holds_stdin(OTHER, 0);
	goes(OTHER);
	sibling = other_ward_at(OTHER, INIT);
	stays(OTHER);
	sibling->start--; /* the PID's former bearer was one */
	goes(OTHER);
	sibling->start++;
	find(OTHER)->ppid = CHILD; /* a ward of the ward */
	goes(OTHER);
}

/* A pipe shared by two wards: what descends from one goes with that. */
Test(members, child_of_a_sibling)
{
	struct cp_ward *sibling;

	leaked();
	proc(OTHER, INIT);
	proc(ANOTHER, OTHER);
	holds_stdin(ANOTHER, 0);
	goes(ANOTHER);
	sibling = other_ward_at(OTHER, INIT);
	goes(ANOTHER);
	sibling->channel[0] = world.ward.channel[0];
	stays(ANOTHER);
	sibling->channel[0].child++;
	goes(ANOTHER);
}

/* Seen in the tree once: any descriptor will do. */
Test(members, remembered)
{
	leaked();
	proc(OTHER, INIT);
	holds_stdin(OTHER, 9);
	stays(OTHER);
	remembered(OTHER);
	goes(OTHER);
	find(OTHER)->start++; /* it was another's PID */
	stays(OTHER);
	find(OTHER)->start--;
	find(OTHER)->state = 'Z';
	stays(OTHER);
}

/*
 * What has left the tree and let go is a daemon, if it did so while all was
 * well.  Once something is wrong nobody gets away.
 */
Test(members, remembered_daemon)
{
	leaked();
	proc(OTHER, INIT);
	proc(ANOTHER, OTHER);
	remembered(OTHER);
	stays(OTHER);
	stays(ANOTHER);
	find(OTHER)->ppid = CHILD; /* still in the tree */
	goes(OTHER);
	find(OTHER)->ppid = INIT;
	for (int step = CP_STEP_DOOMED; step <= CP_STEP_KILL; step++) {
		world.ward.step = (uint8_t)step;
		goes(OTHER);
		goes(ANOTHER);
	}
}

Test(members, remembered_daemon_of_a_reader)
{
	reader();
	host_dies();
	proc(OTHER, INIT);
	end(OTHER, 9, CP_KIND_PIPE, CP_WRITE, OUT); /* no channel of it */
	remembered(OTHER);
	stays(OTHER);
	holds_stdin(OTHER, 8);
	goes(OTHER);
}

/* A member that has become the host, as an heir: never. */
Test(members, remembered_host)
{
	duplex();
	world.host.leaving = true;
	remembered(HOST);
	proc(OTHER, HOST);
	for (int step = CP_STEP_WATCH; step <= CP_STEP_KILL; step++) {
		world.ward.step = (uint8_t)step;
		stays(HOST);
		stays(OTHER);
	}
	world.host.start++; /* it was another process by its PID */
	goes(HOST);
	goes(OTHER);
}

/* Seen in the tree, but another's ward, which is judged for itself. */
Test(members, remembered_ward)
{
	leaked();
	proc(OTHER, INIT);
	holds_stdin(OTHER, 9);
	remembered(OTHER);
	goes(OTHER);
	other_ward_at(OTHER, INIT);
	stays(OTHER);
	world.ward.step = CP_STEP_DOOMED;
	goes(OTHER);
}

/* A worker of the living host, or its next child a moment before its exec. */
Test(members, fork_of_the_host)
{
	duplex();
	world.host.leaving = true;
	proc(OTHER, HOST);
	holds_stdin(OTHER, 0);
	goes(OTHER);
	find(OTHER)->image = world.ward.image;
	stays(OTHER);
	host_dies();
	goes(OTHER);
}

/* Of what stat(5) can't be read for nothing is known but the PID. */
Test(members, hidden)
{
	leaked();
	proc(OTHER, CHILD)->state = '?';
	stays(OTHER);
	drop(CHILD, 0);
	drop(CHILD, 1);
	find(CHILD)->state = '?';
	find(CHILD)->start = world.ward.start = 0;
	stays(CHILD);
	find(CHILD)->state = 'S'; /* and 0 is nobody's start */
	stays(CHILD);
	find(CHILD)->start = world.ward.start = CHILD;
	goes(CHILD);
}

/* No more than there is room for, whatever the reason to be there. */
Test(members, no_room)
{
	leaked();
	for (pid_t pid = 1000; pid < 1010; pid++)
		proc(pid, CHILD);
	for (pid_t pid = 1010; pid < 1020; pid++) {
		proc(pid, INIT);
		holds_stdin(pid, 0);
	}
	for (pid_t pid = 1020; pid < 1030; pid++) {
		proc(pid, INIT);
		holds_stdin(pid, 9);
		remembered(pid);
	}
	cr_assert_eq(members(50), 31);
	for (size_t max = 0; max <= 31; max++)
		cr_assert_eq(members(max), max);
}

/* Everybody is there once, however many reasons there are. */
Test(members, once)
{
	leaked();
	world.ward.leader = true;
	proc(OTHER, CHILD)->sid = CHILD;
	remembered(OTHER);
	remembered(CHILD);
	holds_stdin(OTHER, 0);
	holds_stdin(OTHER, 9);
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	goes(OTHER);
	goes(CHILD);
	cr_assert_eq(members(9), 2);
}
