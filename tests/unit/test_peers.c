/* SPDX-License-Identifier: MIT */
/*
 * The host is gone; who is at the other ends of the channels?  Pipeline's
 * neighbours, heirs, accidents, and somebody who can't be seen.
 */
#include "judge_world.h"

TestSuite(peers, .timeout = 20, .init = world_begin);

#define BOTH (CP_READ | CP_WRITE)

/* `a | b` of a shell that has ended: b reads what a writes. */
Test(peers, neighbour)
{
	writer();
	proc(OTHER, HOST);
	host_dies();
	is_gone();
	for (int fd = 0; fd < 3; fd++) {
		end(OTHER, fd, CP_KIND_PIPE, CP_READ, OUT);
		is_by(CP_SPARED, CP_RULE_NEIGHBOUR, OTHER);
		drop(OTHER, fd);
	}
	end(OTHER, 3, CP_KIND_PIPE, CP_READ, OUT);
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER); /* tee >(gzip) */
	drop(OTHER, 3);
	is_gone();
	end(OTHER, 0, CP_KIND_PIPE, CP_WRITE, OUT);
	is_gone();   /* the other side: not a peer */
	goes(OTHER); /* but one of them */
}

/* The shell lives, and has given the opposite end away. */
Test(peers, neighbour_under_a_living_shell)
{
	writer();
	proc(OTHER, HOST);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, OUT);
	is_live(); /* it has it itself, too */
	drop(HOST, 6);
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, OTHER);
	drop(OTHER, 0);
	is_live();
	host_dies();
	is_gone();
}

Test(peers, neighbour_of_a_duplex)
{
	duplex();
	proc(OTHER, HOST);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, OUT);
	drop(HOST, 6);
	is_live();
	host_dies();
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, OTHER);
	drop(OTHER, 0);
	is_gone();
}

Test(peers, accident)
{
	duplex();
	proc(OTHER, HOST);
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	end(OTHER, 6, CP_KIND_PIPE, CP_READ, OUT);
	host_dies();
	is_gone();
	stays(OTHER);
	drop(OTHER, 6);
	drop(OTHER, 5);
	is_gone();
}

/* What was a fork of the host goes on with its children. */
Test(peers, heir_by_fork)
{
	duplex();
	proc(OTHER, HOST);
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	host_dies();
	is_gone();
	find(OTHER)->image = world.ward.image;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
	stays(OTHER);
	drop(OTHER, 5);
	is_gone();
}

/* A new run of the host's program was handed the ends. */
Test(peers, heir_by_program)
{
	duplex();
	proc(OTHER, HOST);
	end(OTHER, 6, CP_KIND_PIPE, CP_READ, OUT);
	host_dies();
	is_gone();
	find(OTHER)->exe = world.host.exe;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
	world.host.exe = find(OTHER)->exe = 0; /* unknown is not equal */
	is_gone();
}

/* Close-on-exec: what another program has of it was left open on purpose. */
Test(peers, heir_by_seal)
{
	duplex();
	proc(OTHER, INIT);
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	host_dies();
	is_gone();
	world.ward.channel[1].sealed = true;
	is_gone();
	world.ward.channel[0].sealed = true;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
	stays(OTHER);
	other_ward_at(OTHER, INIT);
	is_gone();
}

/* The same program, but a ward of its own: an accident. */
Test(peers, sibling_is_no_heir)
{
	duplex();
	proc(OTHER, HOST)->exe = world.host.exe;
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	host_dies();
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
	struct cp_ward *sibling = other_ward_at(OTHER, INIT);
	is_gone();
	sibling->start--; /* the PID's former bearer */
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
}

/* Nobody has seen the host: who has its ends may be what it forked. */
Test(peers, heir_of_an_unseen_host)
{
	duplex();
	proc(OTHER, HOST);
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	host_dies();
	is_gone();
	world.ward.image = 0;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
}

/* Older than the host: it was handed the end, it can't have inherited it. */
Test(peers, heir_by_age)
{
	duplex();
	proc(ELDER, INIT);
	end(ELDER, 9, CP_KIND_PIPE, CP_WRITE, IN);
	host_dies();
	is_by(CP_ADOPT, CP_RULE_HEIR, ELDER);
	find(ELDER)->start = world.host.start;
	is_gone();
	find(ELDER)->start = CHILD + 1;
	is_gone();
	world.host.start = 0; /* never seen: nobody is older */
	is_gone();
}

/* systemd keeps descriptors for a service that restarts. */
Test(peers, init_holds)
{
	duplex();
	end(INIT, 40, CP_KIND_PIPE, CP_WRITE, IN);
	host_dies();
	is_by(CP_ADOPT, CP_RULE_HEIR, INIT);
	stays(INIT);
	drop(INIT, 40);
	is_gone();
}

/* The child, or what it forked, has inherited its own host ends. */
Test(peers, own_host_end)
{
	duplex();
	proc(OTHER, CHILD)->image = world.ward.image;
	end(CHILD, 5, CP_KIND_PIPE, CP_WRITE, IN);
	end(OTHER, 0, CP_KIND_PIPE, CP_WRITE, IN);
	is_live();
	host_dies();
	is_gone();
	find(OTHER)->ppid = INIT; /* no longer one of them: a peer */
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, OTHER);
}

/* In flight in a message, or held by who can't be looked at. */
Test(peers, unseen)
{
	struct cp_truth *in, *out;

	duplex();
	host_dies();
	is_gone();
	in = truth(CP_KIND_PIPE, IN);
	out = truth(CP_KIND_PIPE, OUT);
	is_gone();				  /* asked, but not told */
	in->readers = out->writers = CP_OPEN_YES; /* the child's own */
	is_gone();
	in->writers = CP_OPEN_YES;
	is(CP_DOUBT, CP_RULE_UNSEEN);
	in->writers = CP_OPEN_NO;
	is_gone();
	out->readers = CP_OPEN_YES;
	is(CP_DOUBT, CP_RULE_UNSEEN);
	proc(OTHER, INIT); /* it is an accident */
	end(OTHER, 6, CP_KIND_PIPE, CP_READ, OUT);
	is_gone();
}

Test(peers, unseen_socket)
{
	struct cp_truth *t;

	sockets();
	is_live();
	host_dies();
	is_gone();
	t = truth(CP_KIND_UNIX, OUT_CHILD);
	is_gone();
	t->peer = CP_OPEN_YES;
	is(CP_DOUBT, CP_RULE_UNSEEN);
	t->peer = CP_OPEN_NO;
	is_gone();
}

Test(peers, sockets)
{
	sockets();
	proc(OTHER, HOST);
	end(OTHER, 0, CP_KIND_UNIX, BOTH, OUT_HOST);
	host_dies();
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, OTHER);
	drop(OTHER, 0);
	end(OTHER, 4, CP_KIND_UNIX, BOTH, OUT_HOST);
	is_gone();
	find(OTHER)->exe = world.host.exe;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
	drop(OTHER, 4);
	end(OTHER, 4, CP_KIND_UNIX, BOTH, OUT_CHILD);
	is_gone(); /* the child's own side */
}

/* One socket on both is duplex. */
Test(peers, one_socket)
{
	sockets();
	world.ward.channel[1] = world.ward.channel[0];
	drop(CHILD, 1);
	end(CHILD, 1, CP_KIND_UNIX, BOTH, IN_CHILD);
	drop(HOST, 6);
	is_live();
	host_dies();
	is_gone();
	cr_assert_eq(judge().act_ms, GONE_MS + 2000);
}

/* A connection that was accepted: the host had but this end of it. */
Test(peers, socket_of_somebody)
{
	sockets();
	host_dies();
	is_gone();
	for (int k = 0; k < 2; k++) {
		world.ward.channel[k].kept = CP_KEPT_MAYBE;
		is_gone();
	}
	world.ward.channel[0].host = 0;
	is_gone(); /* the other one is known */
	world.ward.channel[1].host = 0;
	is(CP_SPARED, CP_RULE_UNPROVEN);
	world.ward.channel[1].kept = CP_KEPT_YES;
	is_gone();
}

/* Of two channels the one with more reason to wait decides. */
Test(peers, two_channels)
{
	struct cp_truth *out;

	duplex();
	proc(OTHER, HOST)->exe = world.host.exe;
	proc(ANOTHER, HOST);
	host_dies();
	out = truth(CP_KIND_PIPE, OUT);
	out->readers = CP_OPEN_YES;
	is(CP_DOUBT, CP_RULE_UNSEEN);
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN);
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
	end(ANOTHER, 0, CP_KIND_PIPE, CP_READ, OUT);
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, ANOTHER);
	dies(OTHER);
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, ANOTHER);
	dies(ANOTHER);
	is(CP_DOUBT, CP_RULE_UNSEEN);
	out->readers = CP_OPEN_NO;
	is_gone();
}

/* Opened for both through /proc: who has it so may be at either end. */
Test(peers, pipe_opened_for_both)
{
	reader();
	proc(OTHER, HOST);
	host_dies();
	is_gone();
	end(OTHER, 0, CP_KIND_PIPE, BOTH, IN);
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, OTHER);
	stays(OTHER);
	drop(OTHER, 0);
	is_gone();
	/* And as the child's own end, where its pipe never says EOF. */
	world.ward.channel[0].access = BOTH;
	drop(CHILD, 0);
	end(CHILD, 0, CP_KIND_PIPE, BOTH, IN);
	truth(CP_KIND_PIPE, IN)->writers = CP_OPEN_YES;
	is_gone();
	end(OTHER, 1, CP_KIND_PIPE, CP_WRITE, IN);
	is_by(CP_SPARED, CP_RULE_NEIGHBOUR, OTHER);
	stays(OTHER);
}
