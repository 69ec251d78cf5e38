/* SPDX-License-Identifier: MIT */
/*
 * Wards at a pty, whose number is no identity: the kernel hands it out again,
 * and each container counts for itself.
 */
#include "judge_world.h"

TestSuite(terminal, .timeout = 20, .init = world_begin);

#define BOTH (CP_READ | CP_WRITE)

Test(terminal, master_held)
{
	terminal();
	is_live();
	host_dies();
	is(CP_DOUBT, CP_RULE_UNSEEN); /* open: somebody has the master */
	proc(OTHER, INIT);
	end(OTHER, 5, CP_KIND_PTMX, BOTH, PTS);
	is_gone(); /* by accident */
	find(OTHER)->exe = world.host.exe;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
	drop(OTHER, 5);
	end(OTHER, 0, CP_KIND_PTMX, BOTH, PTS);
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, OTHER);
}

Test(terminal, master_closed)
{
	terminal();
	host_dies();
	is(CP_DOUBT, CP_RULE_UNSEEN);
	for (int fd = 0; fd < 2; fd++) {
		drop(CHILD, fd);
		end(CHILD, fd, CP_KIND_PTY, BOTH, PTS)->deleted = true;
	}
	is_gone();
	/* The number is another pty's by now, its master is not ours. */
	proc(OTHER, INIT)->exe = world.host.exe;
	end(OTHER, 5, CP_KIND_PTMX, BOTH, PTS);
	is_gone();
	stays(OTHER);
}

/* In another container there is a pty of the same number. */
Test(terminal, of_another_container)
{
	struct cp_end *master;

	terminal();
	host_dies();
	proc(OTHER, INIT);
	master = end(OTHER, 5, CP_KIND_PTMX, BOTH, PTS);
	is_gone();
	master->dev = DEVPTS + 1; /* so ours is held by somebody else */
	is(CP_DOUBT, CP_RULE_UNSEEN);
	master->dev = 0; /* unknown */
	is_gone();
}

/* chmod(2) renews the mark: the child's own word counts. */
Test(terminal, new_mark_of_the_child)
{
	terminal();
	host_dies();
	for (int fd = 0; fd < 2; fd++) {
		struct cp_end *e;

		drop(CHILD, fd);
		e = end(CHILD, fd, CP_KIND_PTY, BOTH, PTS);
		e->birth = MARK + 1;
		e->deleted = true;
	}
	is_gone();
	drop(CHILD, 0);
	drop(CHILD, 1);
	is(CP_SPARED, CP_RULE_LET_GO);
}

static void
leaked_terminal(void)
{
	terminal();
	host_dies();
	for (int fd = 0; fd < 2; fd++) {
		drop(CHILD, fd);
		end(CHILD, fd, CP_KIND_PTY, BOTH, PTS)->deleted = true;
	}
	is_gone();
}

/* The number is used again: the mark tells whose it is. */
Test(terminal, holders)
{
	struct cp_end *e;

	leaked_terminal();
	proc(OTHER, INIT);
	e = end(OTHER, 0, CP_KIND_PTY, BOTH, PTS);
	e->deleted = true;
	goes(OTHER);
	e->birth = MARK + 1; /* an older one, or the next */
	stays(OTHER);
	e->deleted = false;
	stays(OTHER);
	e->birth = 0; /* who knows */
	stays(OTHER);
	e->birth = MARK;
	goes(OTHER);
	e->fd = 3;
	stays(OTHER);
	find(OTHER)->sid = CHILD;
	goes(OTHER);
	e->birth = MARK + 1; /* in the session, at another terminal */
	stays(OTHER);
}

/* `mesg n`: the mark is a new one, for all who have it open. */
Test(terminal, new_mark)
{
	leaked_terminal();
	proc(OTHER, INIT);
	end(OTHER, 0, CP_KIND_PTY, BOTH, PTS)->birth = MARK + 1;
	stays(OTHER);
	drop(CHILD, 1);
	drop(CHILD, 0);
	end(CHILD, 0, CP_KIND_PTY, BOTH, PTS)->birth = MARK + 1;
	goes(OTHER);
	/* The child is gone; who is in its session shows it as well. */
	dies(CHILD);
	stays(OTHER);
	proc(ANOTHER, INIT)->sid = CHILD;
	end(ANOTHER, 0, CP_KIND_PTY, BOTH, PTS)->birth = MARK + 1;
	goes(OTHER);
	goes(ANOTHER);
	find(ANOTHER)->sid = ANOTHER;
	stays(OTHER);
}

/* Only what it talks through says which is its own terminal. */
Test(terminal, another_one_at_hand)
{
	struct cp_end *e;

	leaked_terminal();
	drop(CHILD, 1);
	drop(CHILD, 0);
	proc(OTHER, INIT);
	end(OTHER, 0, CP_KIND_PTY, BOTH, PTS)->birth = MARK + 1;
	e = end(CHILD, 3, CP_KIND_PTY, BOTH, PTS);
	e->birth = MARK + 1;
	stays(OTHER);
	drop(CHILD, 3);
	end(CHILD, 2, CP_KIND_PTY, BOTH, PTS)->birth = MARK + 1;
	goes(OTHER);
}

/* The mark that was told is enough, and so is being the child. */
Test(terminal, by_the_mark_alone)
{
	leaked_terminal();
	proc(OTHER, INIT);
	end(OTHER, 0, CP_KIND_PTY, BOTH, PTS)->deleted = true;
	dies(CHILD);
	is_gone();
	goes(OTHER);
	world_begin();
	terminal();
	host_dies();
	for (int fd = 0; fd < 2; fd++) {
		struct cp_end *e;

		drop(CHILD, fd);
		e = end(CHILD, fd, CP_KIND_PTY, BOTH, PTS);
		e->birth = 0; /* can't be told any more */
		e->deleted = true;
	}
	is_gone();
	proc(OTHER, INIT); /* and neither can that of another's */
	end(OTHER, 0, CP_KIND_PTY, BOTH, PTS)->birth = 0;
	stays(OTHER);
	find(OTHER)->ppid = CHILD;
	goes(OTHER);
}

/* Nobody could tell its mark: only what surely belongs counts. */
Test(terminal, without_a_mark)
{
	terminal();
	host_dies();
	proc(OTHER, INIT);
	end(OTHER, 0, CP_KIND_PTY, BOTH, PTS);
	goes(OTHER);
	world.ward.channel[0].host = world.ward.channel[1].host = 0;
	goes(OTHER); /* the child shows it */
	drop(CHILD, 0);
	drop(CHILD, 1);
	for (int fd = 0; fd < 2; fd++)
		end(CHILD, fd, CP_KIND_PTY, BOTH, PTS)->birth = 0;
	stays(OTHER);
	goes(CHILD);
}
