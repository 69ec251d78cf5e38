/* SPDX-License-Identifier: MIT */
/*
 * Who is a stdio orphan, and above all who is not.  Each row changes one fact
 * of the same world, in which CHILD is an orphan: a server of HOST, which ran
 * in a session of its own and is gone.
 */
#include "judge_world.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/cli/orphan.h"

enum {
	HELPER = 210, /* of CHILD */
	WORKER = 211, /* of HELPER */
	SCAN = 900,
	TRAITS_MAX = 64,
};

static struct cp_trait traits[TRAITS_MAX];
static size_t n_traits;
static pid_t self;

static struct cp_trait *
trait(pid_t pid)
{
	for (size_t i = 0; i < n_traits; i++)
		if (traits[i].pid == pid)
			return &traits[i];
	abort();
}

static int
by_pid(const void *a, const void *b)
{
	const struct cp_trait *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* A process with nothing to be said of it. */
static struct cp_proc *
plain(pid_t pid, pid_t ppid, pid_t sid)
{
	struct cp_proc *p = proc(pid, ppid);

	p->sid = sid;
	cr_assert_lt(n_traits, TRAITS_MAX);
	traits[n_traits++] = (struct cp_trait){ .pid = pid, .start = p->start };
	qsort(traits, n_traits, sizeof(traits[0]), by_pid);
	return find(pid);
}

/* The ends of PID on fd 0 and 1, of pipes with nobody at the other end. */
static void
cut_off(pid_t pid)
{
	end(pid, 0, CP_KIND_PIPE, CP_READ, IN);
	end(pid, 1, CP_KIND_PIPE, CP_WRITE, OUT);
}

static void
begin(void)
{
	world_begin();
	memset(traits, 0, sizeof(traits));
	n_traits = 0;
	self = SCAN;
	find(INIT)->sid = INIT;
	plain(CHILD, INIT, HOST);
	cut_off(CHILD);
	*truth(CP_KIND_PIPE, IN) = (struct cp_truth){ .kind = CP_KIND_PIPE,
		.ino = IN,
		.readers = CP_OPEN_YES,
		.writers = CP_OPEN_NO };
	*truth(CP_KIND_PIPE, OUT) = (struct cp_truth){ .kind = CP_KIND_PIPE,
		.ino = OUT,
		.readers = CP_OPEN_NO,
		.writers = CP_OPEN_YES };
	plain(ELDER, INIT, ELDER); /* an innocent */
	plain(SCAN, ELDER, ELDER);
}

TestSuite(orphan, .timeout = 20, .init = begin);

static struct cp_orphan
finding(pid_t pid)
{
	struct cp_orphan found = { 0 };
	struct cp_orphans all;
	struct cp_scene s = { .index = world_index(),
		.traits = traits,
		.n_traits = n_traits,
		.self = self };
	const struct cp_proc *procs = s.index->census->procs;

	cr_assert_eq(cp_orphans_judge(&s, &all), 0);
	for (size_t i = 0; i < all.n; i++) {
		cr_assert_neq(procs[all.at[i].proc].pid, INIT);
		cr_assert_neq(procs[all.at[i].proc].pid, ELDER);
		cr_assert(i == 0 || all.at[i - 1].proc < all.at[i].proc);
		if (procs[all.at[i].proc].pid == pid)
			found = all.at[i];
	}
	free(all.at);
	cp_index_free((struct cp_index *)(uintptr_t)s.index);
	return found;
}

#define found_is(pid, w, whom)                                                 \
	do {                                                                   \
		struct cp_orphan f_ = finding(pid);                            \
		cr_assert(f_.why == (w) && f_.who == (whom), "%s: %d: %s, %d", \
		    row_, (int)(pid), cp_why_word((enum cp_why)f_.why),        \
		    (int)f_.who);                                              \
	} while (0)

static const char *row_ = "";

static struct cp_truth *
truth_of(enum cp_kind kind, uint64_t ino)
{
	struct cp_index *x = world_index();
	const struct cp_truth *t = cp_census_truth(x->census, kind, ino);

	cp_index_free(x);
	cr_assert_not_null(t);
	return (struct cp_truth *)(uintptr_t)t;
}

Test(orphan, is_found)
{
	found_is(CHILD, CP_WHY_ORPHAN, 0);
	cr_assert(cp_why_proven(CP_WHY_ORPHAN));
}

/* --- What it takes --------------------------------------------------------- */

static void
writer_lives(void)
{
	truth_of(CP_KIND_PIPE, IN)->writers = CP_OPEN_YES;
}

static void
writer_unknown(void)
{
	truth_of(CP_KIND_PIPE, IN)->writers = CP_OPEN_UNKNOWN;
}

static void
stdin_null(void)
{
	drop(CHILD, 0);
}

static void
stdin_wrong_end(void)
{
	drop(CHILD, 0);
	end(CHILD, 0, CP_KIND_PIPE, CP_WRITE, OUT);
}

static void
stdin_both_ends(void)
{
	drop(CHILD, 0);
	end(CHILD, 0, CP_KIND_PIPE, CP_READ | CP_WRITE, IN);
}

static void
pty_stdio(void)
{
	drop(CHILD, 0);
	end(CHILD, 0, CP_KIND_PTY, CP_READ | CP_WRITE, PTS)->deleted = true;
}

static void
zombie(void)
{
	find(CHILD)->state = 'Z';
}

static void
stdout_null(void)
{
	drop(CHILD, 1);
}

static void
reader_lives(void)
{
	truth_of(CP_KIND_PIPE, OUT)->readers = CP_OPEN_YES;
}

static void
reader_unknown(void)
{
	truth_of(CP_KIND_PIPE, OUT)->readers = CP_OPEN_UNKNOWN;
}

/* --- The parent ------------------------------------------------------------ */

static void
leads_session(void)
{
	find(CHILD)->sid = CHILD;
}

static void
session_of_init(void)
{
	find(CHILD)->sid = INIT;
}

static void
host_lives(void)
{
	plain(HOST, ELDER, HOST);
	find(CHILD)->ppid = HOST;
}

/* A subreaper that leads no session, and never was in that of CHILD. */
static void
under_member(void)
{
	plain(OTHER, ELDER, ELDER)->start = 60;
	find(CHILD)->ppid = OTHER;
}

/* A subreaper that leads one: that may be the second in its life. */
static void
under_leader(void)
{
	find(CHILD)->ppid = ELDER;
}

static void
under_leader_older_session(void)
{
	under_leader();
	trait(ELDER)->autogroup = 7;
	trait(CHILD)->autogroup = 7;
}

static void
under_leader_no_number(void)
{
	under_leader();
	trait(CHILD)->autogroup = 9;
}

static void
under_leader_younger_session(void)
{
	under_leader();
	trait(ELDER)->autogroup = 7;
	trait(CHILD)->autogroup = 8;
}

static void
under_leader_shell_younger(void)
{
	under_leader();
	plain(HOST, ELDER, HOST); /* an interactive shell, say */
}

static void
under_leader_shell_older(void)
{
	under_leader();
	plain(HOST, INIT, HOST)->start = 40;
}

static void
parent_outside(void)
{
	find(CHILD)->ppid = 0;
}

static void
session_outside(void)
{
	find(CHILD)->sid = 0;
}

static void
parent_hidden(void)
{
	find(CHILD)->ppid = 77;
}

static void
parent_unreadable(void)
{
	find(INIT)->state = '?';
}

/* --- What speaks for it ----------------------------------------------------- */

static void
flag(uint32_t f)
{
	trait(CHILD)->flags |= f;
}

static void
terminal_open(void)
{
	flag(CP_TRAIT_TERMINAL);
}
static void
network(void)
{
	flag(CP_TRAIT_NETWORK);
}
static void
listens(void)
{
	flag(CP_TRAIT_LISTENS);
}
static void
nohup(void)
{
	flag(CP_TRAIT_NOHUP);
}
static void namespace(void)
{
	flag(CP_TRAIT_NAMESPACE);
}
static void
traced(void)
{
	flag(CP_TRAIT_TRACED);
}
static void
guarded(void)
{
	flag(CP_TRAIT_GUARDED);
}
static void
spared(void)
{
	flag(CP_TRAIT_SPARED);
}
static void
unknown(void)
{
	flag(CP_TRAIT_UNKNOWN);
}
static void
new_flag(void)
{
	flag(1u << 31);
}

static void
unreadable(void)
{
	find(CHILD)->readable = false;
}

static void
reused(void)
{
	trait(CHILD)->start--;
}

static void
incomplete(void)
{
	world.complete = false;
}

static void
scans(void)
{
	self = CHILD;
}

/* A sibling, whose parent lives, reads the same pipe: they are one job. */
static void
shares_stdin(void)
{
	plain(OTHER, ELDER, ELDER);
	end(OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
}

static void
shares_stdout(void)
{
	plain(OTHER, ELDER, ELDER);
	end(OTHER, 9, CP_KIND_PIPE, CP_WRITE, OUT);
}

/* Another channel, to somebody. */
static void
other_pipe(void)
{
	plain(OTHER, ELDER, ELDER);
	end(CHILD, 5, CP_KIND_PIPE, CP_READ, IN_HOST);
	end(OTHER, 5, CP_KIND_PIPE, CP_WRITE, IN_HOST);
	*truth(CP_KIND_PIPE, IN_HOST) = (struct cp_truth){ .kind = CP_KIND_PIPE,
		.ino = IN_HOST,
		.readers = CP_OPEN_YES,
		.writers = CP_OPEN_YES };
}

static void
pipe_in_flight(void)
{
	other_pipe();
	drop(OTHER, 5);
}

static void
other_socket(void)
{
	end(CHILD, 5, CP_KIND_UNIX, CP_READ | CP_WRITE, IN_CHILD);
	*truth(CP_KIND_UNIX,
	    IN_CHILD) = (struct cp_truth){ .kind = CP_KIND_UNIX,
		.ino = IN_CHILD,
		.peer = CP_OPEN_YES,
		.peer_ino = IN_HOST };
}

static void
socket_unknown(void)
{
	other_socket();
	truth_of(CP_KIND_UNIX, IN_CHILD)->peer = CP_OPEN_UNKNOWN;
}

static void
channel_untold(void)
{
	end(CHILD, 5, CP_KIND_UNIX, CP_READ | CP_WRITE, IN_CHILD);
}

static void
sockets_instead(bool one, enum cp_open peer)
{
	drop(CHILD, 0);
	drop(CHILD, 1);
	end(CHILD, 0, CP_KIND_UNIX, CP_READ | CP_WRITE, IN_CHILD);
	end(CHILD, 1, CP_KIND_UNIX, CP_READ | CP_WRITE,
	    one ? IN_CHILD : OUT_CHILD);
	*truth(CP_KIND_UNIX,
	    IN_CHILD) = (struct cp_truth){ .kind = CP_KIND_UNIX,
		.ino = IN_CHILD,
		.peer = (uint8_t)peer };
	*truth(CP_KIND_UNIX,
	    OUT_CHILD) = (struct cp_truth){ .kind = CP_KIND_UNIX,
		.ino = OUT_CHILD,
		.peer = CP_OPEN_NO };
}

static void
inetd(void)
{
	sockets_instead(true, CP_OPEN_NO);
}
static void
node(void)
{
	sockets_instead(false, CP_OPEN_NO);
}
static void
node_lives(void)
{
	sockets_instead(false, CP_OPEN_YES);
}
static void
not_accepted(void)
{
	sockets_instead(false, CP_OPEN_UNKNOWN);
}

/* A socket that was never connected has no peer either. */
static void
waiting_service(void)
{
	node();
	listens();
}

/* --- What does not speak for it --------------------------------------------- */

static void
stderr_read(void)
{
	other_pipe();
	drop(CHILD, 5);
	end(CHILD, 2, CP_KIND_PIPE, CP_WRITE, IN_HOST);
}

static void
self_pipe(void)
{
	end(CHILD, 5, CP_KIND_PIPE, CP_READ, IN_HOST);
	end(CHILD, 6, CP_KIND_PIPE, CP_WRITE, IN_HOST);
	*truth(CP_KIND_PIPE, IN_HOST) = (struct cp_truth){ .kind = CP_KIND_PIPE,
		.ino = IN_HOST,
		.readers = CP_OPEN_YES,
		.writers = CP_OPEN_YES };
}

static void
self_socket(void)
{
	other_socket();
	end(CHILD, 6, CP_KIND_UNIX, CP_READ | CP_WRITE, IN_HOST);
	*truth(CP_KIND_UNIX, IN_HOST) = (struct cp_truth){ .kind = CP_KIND_UNIX,
		.ino = IN_HOST,
		.peer = CP_OPEN_YES,
		.peer_ino = IN_CHILD };
}

static void
dead_pipe(void)
{
	end(CHILD, 5, CP_KIND_PIPE, CP_READ, IN_HOST);
	*truth(CP_KIND_PIPE, IN_HOST) = (struct cp_truth){ .kind = CP_KIND_PIPE,
		.ino = IN_HOST,
		.readers = CP_OPEN_YES,
		.writers = CP_OPEN_NO };
}

static void
fellow_orphan(void)
{
	plain(OTHER, INIT, HOST);
	cut_off(OTHER);
}

static void
busy(void)
{
	find(CHILD)->state = 'R';
}

struct row {
	const char *name;
	void (*change)(void);
	enum cp_why why;
	pid_t who;
};

static void
each(const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		begin();
		row_ = row[i].name;
		row[i].change();
		found_is(CHILD, row[i].why, row[i].who);
	}
}

#define each_of(rows) each(rows, sizeof(rows) / sizeof((rows)[0]))

Test(orphan, nothing_to_be_said)
{
	static const struct row rows[] = {
		{ "a writer lives", writer_lives, CP_WHY_NONE, 0 },
		{ "writers unknown", writer_unknown, CP_WHY_NONE, 0 },
		{ "stdin is no channel", stdin_null, CP_WHY_NONE, 0 },
		{ "wrong end on stdin", stdin_wrong_end, CP_WHY_NONE, 0 },
		{ "both ends on stdin", stdin_both_ends, CP_WHY_NONE, 0 },
		{ "a pty on stdin", pty_stdio, CP_WHY_NONE, 0 },
		{ "a zombie", zombie, CP_WHY_NONE, 0 },
		{ "a peer lives", node_lives, CP_WHY_NONE, 0 },
		{ "peer unknown", not_accepted, CP_WHY_NONE, 0 },
	};

	each_of(rows);
}

/* `nohup server >log`, `ssh host server >log &`: stdin is dead, it is not. */
Test(orphan, stdout_in_use)
{
	static const struct row rows[] = {
		{ "a file", stdout_null, CP_WHY_STDOUT, 0 },
		{ "a reader lives", reader_lives, CP_WHY_STDOUT, 0 },
		{ "readers unknown", reader_unknown, CP_WHY_STDOUT, 0 },
	};

	each_of(rows);
}

/* K3: PPID 1 is no proof, another PPID no alibi. */
Test(orphan, parent)
{
	static const struct row rows[] = {
		{ "host lives", host_lives, CP_WHY_PARENT, HOST },
		{ "leader", leads_session, CP_WHY_LEADER, 0 },
		{ "init's session", session_of_init, CP_WHY_PARENT, INIT },
		{ "no leader", under_member, CP_WHY_ORPHAN, 0 },
		{ "leader", under_leader, CP_WHY_PARENT, ELDER },
		{ "same session", under_leader_older_session, CP_WHY_PARENT,
		    ELDER },
		{ "no autogroup", under_leader_no_number, CP_WHY_PARENT,
		    ELDER },
		{ "younger session", under_leader_younger_session,
		    CP_WHY_ORPHAN, 0 },
		{ "younger shell", under_leader_shell_younger, CP_WHY_ORPHAN,
		    0 },
		{ "older shell", under_leader_shell_older, CP_WHY_PARENT,
		    ELDER },
		{ "parent outside", parent_outside, CP_WHY_OUTSIDE, 0 },
		{ "session outside", session_outside, CP_WHY_OUTSIDE, 0 },
		{ "parent hidden", parent_hidden, CP_WHY_UNKNOWN, 0 },
		{ "parent unreadable", parent_unreadable, CP_WHY_UNKNOWN, 0 },
	};

	each_of(rows);
}

Test(orphan, of_use)
{
	static const struct row rows[] = {
		{ "terminal", terminal_open, CP_WHY_TERMINAL, 0 },
		{ "K14 network", network, CP_WHY_NETWORK, 0 },
		{ "K14 listens", listens, CP_WHY_LISTENS, 0 },
		{ "waits for one", waiting_service, CP_WHY_LISTENS, 0 },
		{ "shares stdin", shares_stdin, CP_WHY_SHARED, OTHER },
		{ "shares stdout", shares_stdout, CP_WHY_SHARED, OTHER },
		{ "pipe", other_pipe, CP_WHY_CONNECTED, 0 },
		{ "pipe in flight", pipe_in_flight, CP_WHY_CONNECTED, 0 },
		{ "socket", other_socket, CP_WHY_CONNECTED, 0 },
		{ "socket unknown", socket_unknown, CP_WHY_CONNECTED, 0 },
		{ "not told of", channel_untold, CP_WHY_CONNECTED, 0 },
	};

	each_of(rows);
}

Test(orphan, on_purpose_or_not_ours)
{
	static const struct row rows[] = {
		{ "nohup", nohup, CP_WHY_NOHUP, 0 },
		{ "inetd", inetd, CP_WHY_ONE_SOCKET, 0 },
		{ "K4 namespace", namespace, CP_WHY_OUTSIDE, 0 },
		{ "traced", traced, CP_WHY_TRACED, 0 },
		{ "guarded", guarded, CP_WHY_GUARDED, 0 },
		{ "spared", spared, CP_WHY_SPARED, 0 },
		{ "self", scans, CP_WHY_SELF, 0 },
		{ "unknown", unknown, CP_WHY_UNKNOWN, 0 },
		{ "a flag to come", new_flag, CP_WHY_UNKNOWN, 0 },
		{ "unreadable", unreadable, CP_WHY_UNKNOWN, 0 },
		{ "K12 PID reused", reused, CP_WHY_UNKNOWN, 0 },
		{ "K6 incomplete", incomplete, CP_WHY_UNKNOWN, 0 },
	};

	each_of(rows);
}

Test(orphan, still_one)
{
	static const struct row rows[] = {
		{ "sockets", node, CP_WHY_ORPHAN, 0 },
		{ "stderr is read", stderr_read, CP_WHY_ORPHAN, 0 },
		{ "its own pipe", self_pipe, CP_WHY_ORPHAN, 0 },
		{ "its own socket", self_socket, CP_WHY_ORPHAN, 0 },
		{ "another dead pipe", dead_pipe, CP_WHY_ORPHAN, 0 },
		{ "shares with an orphan", fellow_orphan, CP_WHY_ORPHAN, 0 },
		{ "S5 busy", busy, CP_WHY_ORPHAN, 0 },
	};

	each_of(rows);
}

/* --- Trees ------------------------------------------------------------------- */

/* S3: npx, a shell, the server, which have the same stdio or none. */
static void
tree(void)
{
	plain(HELPER, CHILD, HOST);
	plain(WORKER, HELPER, HOST);
	cut_off(WORKER);
}

Test(orphan, tree_goes)
{
	tree();
	found_is(CHILD, CP_WHY_ORPHAN, 0);
	found_is(HELPER, CP_WHY_MEMBER, CHILD);
	found_is(WORKER, CP_WHY_MEMBER, CHILD);
}

static void
worker_flag(uint32_t f)
{
	tree();
	trait(WORKER)->flags |= f;
}

static void
tree_terminal(void)
{
	worker_flag(CP_TRAIT_TERMINAL);
}
static void
tree_network(void)
{
	worker_flag(CP_TRAIT_NETWORK);
}
static void
tree_nohup(void)
{
	worker_flag(CP_TRAIT_NOHUP);
}
static void
tree_spared(void)
{
	worker_flag(CP_TRAIT_SPARED);
}

static void
tree_user(void)
{
	tree();
	find(WORKER)->uid = US + 1;
}

/* K8: a daemon of its own, which let go of the wire. */
static void
tree_daemon(void)
{
	tree();
	drop(WORKER, 0);
	find(WORKER)->sid = WORKER;
}

static void
tree_unreadable(void)
{
	tree();
	find(WORKER)->readable = false;
}

/* Born while we looked. */
static void
tree_newborn(void)
{
	tree();
	proc(ANOTHER, HELPER)->sid = HOST;
}

static void
tree_scans(void)
{
	tree();
	self = WORKER;
}

static void
tree_shared(void)
{
	tree();
	shares_stdin();
}

Test(orphan, tree_is_as_doubtful_as_its_worst)
{
	static const struct row rows[] = {
		{ "terminal", tree_terminal, CP_WHY_TERMINAL, WORKER },
		{ "network", tree_network, CP_WHY_NETWORK, WORKER },
		{ "nohup", tree_nohup, CP_WHY_NOHUP, WORKER },
		{ "spared", tree_spared, CP_WHY_SPARED, WORKER },
		{ "user", tree_user, CP_WHY_USER, WORKER },
		{ "daemon", tree_daemon, CP_WHY_DETACHED, WORKER },
		{ "unreadable", tree_unreadable, CP_WHY_UNKNOWN, WORKER },
		{ "newborn", tree_newborn, CP_WHY_UNKNOWN, ANOTHER },
		{ "K3 its reaper scans", tree_scans, CP_WHY_SELF, WORKER },
		{ "shared", tree_shared, CP_WHY_SHARED, OTHER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		row_ = rows[i].name;
		rows[i].change();
		found_is(CHILD, rows[i].why, rows[i].who);
		found_is(HELPER, CP_WHY_NONE, 0);
		/* Listed, if it is without a channel itself. */
		if (rows[i].change != tree_daemon)
			found_is(WORKER, CP_WHY_TREE, CHILD);
	}
}

/* A server that leads its session may be a service: so may its children. */
Test(orphan, children_of_doubt)
{
	tree();
	leads_session();
	found_is(CHILD, CP_WHY_LEADER, 0);
	found_is(HELPER, CP_WHY_NONE, 0);
	found_is(WORKER, CP_WHY_PARENT, HELPER);
	/* One that was left by its own parent has the doubtful one's stdio. */
	find(WORKER)->ppid = INIT;
	found_is(WORKER, CP_WHY_SHARED, CHILD);
}

/* Doubt travels: A shares with B, which shares with one that is no orphan. */
Test(orphan, sharing_is_followed)
{
	fellow_orphan();
	plain(ANOTHER, INIT, HOST);
	end(ANOTHER, 0, CP_KIND_PIPE, CP_READ, IN_HOST);
	end(ANOTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	*truth(CP_KIND_PIPE, IN_HOST) = (struct cp_truth){ .kind = CP_KIND_PIPE,
		.ino = IN_HOST,
		.readers = CP_OPEN_YES,
		.writers = CP_OPEN_NO };
	found_is(CHILD, CP_WHY_ORPHAN, 0);
	found_is(ANOTHER, CP_WHY_ORPHAN, 0);
	end(ELDER, 9, CP_KIND_PIPE, CP_READ, IN_HOST);
	found_is(ANOTHER, CP_WHY_SHARED, ELDER);
	found_is(CHILD, CP_WHY_SHARED, ANOTHER);
	found_is(OTHER, CP_WHY_SHARED, CHILD);
}

/* A PPID whose number was another's, and a torn snapshot with a circle. */
Test(orphan, torn_snapshot)
{
	tree();
	drop(WORKER, 0);
	drop(WORKER, 1);
	find(WORKER)->start = 1; /* older than its parent */
	found_is(WORKER, CP_WHY_NONE, 0);
	found_is(HELPER, CP_WHY_MEMBER, CHILD);
	find(CHILD)->start = find(HELPER)->start = 5;
	trait(CHILD)->start = trait(HELPER)->start = 5;
	find(CHILD)->ppid = HELPER;
	found_is(CHILD, CP_WHY_PARENT, HELPER);
}

/* PID 1 is never anybody's orphan, whatever it has on its stdio. */
Test(orphan, init)
{
	end(INIT, 0, CP_KIND_PIPE, CP_READ, IN);
	end(INIT, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	found_is(CHILD, CP_WHY_SHARED, INIT);
}

Test(orphan, reasons_have_words)
{
	for (int why = 0; why < CP_WHY_END; why++) {
		cr_assert_not_null(cp_why_word((enum cp_why)why), "%d", why);
		cr_assert_not_null(cp_why_text((enum cp_why)why), "%d", why);
		for (int other = 0; other < why; other++)
			cr_assert_str_neq(cp_why_word((enum cp_why)why),
			    cp_why_word((enum cp_why)other));
	}
}
