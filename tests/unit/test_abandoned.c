/* SPDX-License-Identifier: MIT */
/*
 * peer-gone: the host lives, and has closed all its ends of a duplex ward.
 * Each rule is asked of a ward at pipes, at sockets and at a pty.  Who keeps an
 * end, and whether that is a peer, is in test_keepers.c.
 */
#include "wires.h"

TestSuite(abandoned, .timeout = 20, .init = world_begin);

static void
sibling(void)
{
	proc(OTHER, HOST);
	sibling_at(OTHER);
}

Test(abandoned, closed)
{
	for (v = wires; v < wires + WIRES; v++) {
		fresh();
		expect(false, "in use");
		abandoned(-1);
		expect(true, "closed");
		goes(CHILD);
		stays(HOST);
		cr_assert_eq(members(9), 1);
	}
}

/* communicate() closes stdin first; a logger may read no more. */
Test(abandoned, half)
{
	for (v = wires; v < wires + WIRES; v++)
		for (int k = 0; v->n == 2 && k < 2; k++) {
			abandoned(k);
			keeps(HOST, 5 + k, k);
			expect(false, k == 0 ? "writes on" : "reads on");
			abandoned(-1);
			expect(true, "and no more");
		}
}

/* --- What is not known ---------------------------------------------------- */

/* The kernel was not asked, or did not tell; a pty's is never told. */
Test(abandoned, untold)
{
	for (v = wires; v < wires + WIRES; v++)
		for (int k = 0; k < v->n; k++) {
			abandoned(-1);
			expect(true, "told");
			if (v->kind == CP_KIND_PTMX)
				continue;
			fresh();
			for (int i = 0; i < v->n; i++) {
				drop(HOST, 5 + i);
				said(i, i == k ? CP_OPEN_UNKNOWN : CP_OPEN_NO);
			}
			expect(false, "not told of one");
			fresh();
			for (int i = 0; i < v->n; i++)
				drop(HOST, 5 + i);
			expect(false, "not asked");
		}
}

/* What is told of a link beside the channels decides, until it is signalled. */
Test(abandoned, linked)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		expect(true, "no link");
		world.ward.linked = true;
		expect(false, "a link");
		world.ward.linked = false;
	}
}

/* Nobody of ours has one channel's end: all know that nobody else has. */
Test(abandoned, untold_and_unheld)
{
	struct cp_proc *p;

	duplex();
	drop(HOST, 5);
	drop(HOST, 6);
	truth(CP_KIND_PIPE, IN);
	truth(CP_KIND_PIPE, OUT)->readers = CP_OPEN_NO;
	is_live();
	drop(CHILD, 0); /* now there is no such pipe any more */
	is(CP_PEER_GONE, CP_RULE_CLOSED);
	p = proc(OTHER, INIT);
	p->readable = false; /* if it were not in here */
	is_live();
	p->uid = 0; /* it can't be: nobody could have given it to root's */
	is(CP_PEER_GONE, CP_RULE_CLOSED);
}

/* An accident decides only if there is nobody who could be the peer. */
Test(abandoned, hidden)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(0);
		sibling();
		keeps(OTHER, 9, 0);
		expect(true, "an accident");
		proc(THIRD, INIT)->readable = false;
		expect(false, "one of ours is hidden");
		find(THIRD)->state = 'Z';
		expect(true, "a zombie has nothing");
		find(THIRD)->state = 'S';
		find(THIRD)->uid = 0;
		expect(true, "root's always are");
		find(THIRD)->uid = US;
		find(THIRD)->readable = true;
		expect(true, "it is not");
		find(HOST)->uid = 0;
		expect(true, "the host can be seen");
		find(HOST)->readable = false;
		expect(false, "the host can't");
	}
}

Test(abandoned, incomplete)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		expect(true, "closed");
		world.complete = false;
		is(CP_DOUBT, CP_RULE_INCOMPLETE);
	}
}

/* --- What the ward is ----------------------------------------------------- */

/* sort(1) works off its input; a server's start-up line was read. */
Test(abandoned, one_way)
{
	for (int step = CP_STEP_WATCH; step <= CP_STEP_KILL; step++) {
		world_begin();
		reader();
		drop(HOST, 5);
		truth(CP_KIND_PIPE, IN)->writers = CP_OPEN_NO;
		world.ward.step = (uint8_t)step;
		is_live();
		world_begin();
		writer();
		drop(HOST, 6);
		truth(CP_KIND_PIPE, OUT)->readers = CP_OPEN_NO;
		world.ward.step = (uint8_t)step;
		is_live();
		host_dies();
		is_gone();
	}
}

Test(abandoned, spare)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		expect(true, "closed");
		world.ward.spare = true;
		expect(false, "spare=");
	}
}

/* Nobody saw the host at the other end, nor does its name say so. */
Test(abandoned, unproven)
{
	sockets();
	drop(HOST, 5);
	drop(HOST, 6);
	truth(CP_KIND_UNIX, IN_CHILD)->peer = CP_OPEN_NO;
	truth(CP_KIND_UNIX, OUT_CHILD)->peer = CP_OPEN_NO;
	is(CP_PEER_GONE, CP_RULE_CLOSED);
	for (int k = 0; k < 2; k++) {
		world.ward.channel[k].kept = CP_KEPT_MAYBE;
		is(CP_PEER_GONE, CP_RULE_CLOSED);
		world.ward.channel[k].host = 0;
	}
	is_live();
	world.ward.channel[1].kept = CP_KEPT_YES;
	is(CP_PEER_GONE, CP_RULE_CLOSED);
}

/* The Python SDK's servers do. */
Test(abandoned, wire_moved_up)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		drop(CHILD, 0);
		drop(CHILD, 1);
		expect(false, "let go: a daemon");
		if (v->kind == CP_KIND_PTMX)
			end(CHILD, 9, v->kind - 1, BOTH, PTS)->deleted = true;
		else
			end(CHILD, 9, v->kind,
			    v->n == 2 && v->access[0] != BOTH ? CP_READ : BOTH,
			    v->child[0]);
		expect(true, "moved");
	}
}

/* One channel that it has is enough; what closes both meanwhile is a daemon. */
Test(abandoned, lets_go)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		drop(CHILD, 0);
		expect(true, "has the other");
		drop(CHILD, 1);
		expect(false, "has none");
		world.ward.step = CP_STEP_DOOMED;
		expect(false, "in its grace");
		for (int step = CP_STEP_TERM; step <= CP_STEP_KILL; step++) {
			world.ward.step = (uint8_t)step;
			expect(true, "too late");
		}
	}
}

/* The direct child is dead, or a zombie: who holds its ends goes. */
Test(abandoned, holder_of_a_dead_child)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		proc(OTHER, CHILD);
		find(CHILD)->state = 'Z';
		world.ward.dead = true;
		for (int fd = 0; fd < 2; fd++)
			drop(CHILD, fd);
		is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
		if (v->kind == CP_KIND_PTMX)
			end(OTHER, 0, CP_KIND_PTY, BOTH, PTS)->deleted = true;
		else
			end(OTHER, 0, v->kind,
			    v->access[0] == BOTH ? BOTH : CP_READ, v->child[0]);
		expect(true, "it has its ends");
		goes(OTHER);
		stays(CHILD);
	}
}

/* Who holds the ward's ends besides: each is judged for itself. */
Test(abandoned, company)
{
	duplex();
	drop(HOST, 5);
	drop(HOST, 6);
	truth(CP_KIND_PIPE, IN)->writers = CP_OPEN_NO;
	truth(CP_KIND_PIPE, OUT)->readers = CP_OPEN_NO;
	sibling(); /* they share a stdin */
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	proc(ANOTHER, HOST)->image = world.host.image;
	end(ANOTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	proc(THIRD, INIT);
	end(THIRD, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	is(CP_PEER_GONE, CP_RULE_CLOSED);
	goes(CHILD);
	stays(OTHER);
	stays(ANOTHER);
	goes(THIRD);
	stays(HOST);
}

/* --- Terminals ------------------------------------------------------------ */

/* Another container's pty of that number, and the next of ours. */
Test(abandoned, other_terminals)
{
	struct cp_end *e;

	v = &wires[3];
	abandoned(0);
	sibling();
	keeps(OTHER, 9, 0);
	expect(true, "an accident");
	proc(THIRD, HOST);
	e = end(THIRD, 9, CP_KIND_PTMX, BOTH, PTS);
	expect(false, "a keeper");
	e->dev = DEVPTS + 1;
	expect(true, "of another container's");
	e->dev = 0;
	expect(false, "who knows of which");
	said(0, CP_OPEN_NO); /* it has hung up: that is the next one's master */
	expect(true, "of the next terminal");
}

/* One slave is open still: so is the master, whoever may have it. */
Test(abandoned, terminal_marks)
{
	struct cp_end *e;

	v = &wires[3];
	abandoned(-1);
	proc(OTHER, CHILD);
	e = end(OTHER, 0, CP_KIND_PTY, BOTH, PTS);
	expect(false, "open");
	e->birth = MARK + 1; /* the next terminal of that number */
	expect(true, "another's");
	e->birth = MARK;
	e->deleted = true;
	expect(true, "all have hung up");
}

/* --- When ----------------------------------------------------------------- */

Test(abandoned, times)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		cr_assert_eq(judge().act_ms, SHUT_MS + 15000);
		world.options.grace_ms = 7;
		world.options.exit_grace_ms = 1; /* is not about it */
		cr_assert_eq(judge().act_ms, SHUT_MS + 7);
		world.ward.shut_ms = 0; /* nobody was told when */
		cr_assert_eq(judge().act_ms, NOW_MS + 7);
		world.options.grace_ms = 0;
		cr_assert_eq(judge().act_ms, NOW_MS);
	}
}

/* The guard was told to hurry: EOF is there already. */
Test(abandoned, hurry)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		cr_assert_eq(judge().act_ms, SHUT_MS + 15000);
		world.hurried = true;
		cr_assert_eq(judge().act_ms, SHUT_MS);
		abandoned(0);
		keeps(HOST, 5, 0);
		expect(false, "nothing is proven by that");
	}
}

/* The host dies or leaves meanwhile: that decides, by its own grace. */
Test(abandoned, host_dies_too)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		world.host.leaving = true;
		world.host.gone_ms = GONE_MS;
		is(CP_PARENT_GONE, CP_RULE_HOST_LEAVES);
		cr_assert_eq(judge().act_ms, GONE_MS + 2000);
		host_dies();
		is_gone();
	}
}

/* Its descriptors are gone before it is: EOF is not all that is to come. */
Test(abandoned, host_is_dying)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		find(HOST)->image = 0;
		expect(false, "it has lost its memory");
		world.ward.image = 0;
		expect(true, "nobody may look at that");
		world.ward.image = find(HOST)->image = 7;
		expect(true, "it lives");
		find(HOST)->state = 'Z';
		expect(false, "a zombie");
		find(HOST)->state = 'S';
		find(HOST)->start++;
		expect(false, "another process");
		dies(HOST);
		expect(false, "it is gone, and nobody was told");
	}
}

Test(abandoned, host_execs)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(-1);
		find(HOST)->image = 1;
		is(CP_PARENT_GONE, CP_RULE_HOST_EXECD);
		find(HOST)->image = world.ward.image;
		expect(true, "it is what it was");
	}
}
