/* SPDX-License-Identifier: MIT */
/*
 * Closes on pipes, sockets and ptys, all ends of which are ours: the test is
 * the host, and its own ward as well.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/closes.h"
#include "../../tools/guard/journal.h"
#include "../../tools/guard/watch.h"

#define WATCHED 1000
#define HEARD	2000
#define BOTH	(CP_READ | CP_WRITE)
#define NOBODY	0x3ffffff /* no kernel gives such a PID */
/* As many events as the kernel keeps, and more. */
#define FLOOD 20000

static struct cp_host *host;
static int in[2], out[2]; /* the child's ends: in[0], out[1] */

static void
begin(void)
{
	cr_assert_eq(cp_facts_init(), 0);
	cp_journal_open("none");
	cr_assert_eq(cp_watch_init(), 0);
	cp_closes_init();
	host = cp_facts_host(getpid(), 1);
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
}

TestSuite(closes, .timeout = 30, .init = begin);

static uint64_t
inode(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return S_ISCHR(st.st_mode) ? minor(st.st_rdev) : st.st_ino;
}

static struct cp_channel
channel(enum cp_kind kind, unsigned int access, int child, int at_host)
{
	return (struct cp_channel){ .kind = (uint8_t)kind,
		.access = (uint8_t)access,
		.kept = CP_KEPT_YES,
		.host_fd = at_host,
		.child = inode(child),
		.host = kind == CP_KIND_PTY ? 0 : inode(at_host) };
}

/* Each is another record of this process. */
static struct cp_ward *
ward(struct cp_channel c0, struct cp_channel c1)
{
	static uint64_t start = 1;
	struct cp_ward *w = cp_facts_ward(host, getpid(), start++, 1);

	cr_assert_not_null(w);
	w->channel[0] = c0;
	w->channel[1] = c1;
	w->duplex = w->looked = true;
	return w;
}

static struct cp_ward *
pipes(void)
{
	return ward(channel(CP_KIND_PIPE, CP_READ, in[0], in[1]),
	    channel(CP_KIND_PIPE, CP_WRITE, out[1], out[0]));
}

static struct cp_ward *
watched(struct cp_ward *w)
{
	cp_closes_watch(w, WATCHED);
	cr_assert(w->wd[0] >= 0 && w->wd[1] >= 0);
	cr_assert_not(w->swept);
	cr_assert_eq(w->shut, 0);
	cr_assert_eq(w->due_ms, 0);
	return w;
}

/* What is known of W once all was heard: the mask, and if that is both. */
static void
is_shut(struct cp_ward *w, unsigned int mask)
{
	cp_closes_hear(HEARD);
	cr_assert_eq(w->shut, mask, "%u", w->shut);
	cr_assert_eq(w->shut_ms, mask == 3 ? HEARD : 0);
	cr_assert_eq(w->due_ms, mask == 3 ? HEARD : 0);
}

Test(closes, pipes)
{
	struct cp_ward *w = watched(pipes());

	is_shut(w, 0);
	close(in[1]);
	is_shut(w, 1);
	close(out[0]);
	is_shut(w, 3);
}

/* The last close is what counts, and begins its looks anew. */
Test(closes, again)
{
	struct cp_ward *w = watched(pipes());

	w->shut = 3; /* a false alarm */
	w->shut_ms = 7;
	w->rounds = 5;
	close(in[1]);
	is_shut(w, 3);
	cr_assert_eq(w->rounds, 0);
}

/*
 * A dead host, and one in the middle of its end, has closed everything; that
 * is not news yet, for its end will be.
 */
Test(closes, host_is_dying)
{
	struct cp_ward *w;
	int go[2];
	char c;
	siginfo_t info;
	pid_t pid;

	cr_assert_eq(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		_exit(read(go[0], &c, 1) == 0 ? 0 : 1);
	}
	host = cp_facts_host(pid, 1);
	w = watched(pipes());
	close(in[1]);
	close(out[0]);
	is_shut(w, 0);
	close(go[1]);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cp_closes_hear(HEARD);
	cr_assert_eq(w->shut, 3);
	cr_assert_eq(w->shut_ms, HEARD);
	cr_assert_gt(w->due_ms, HEARD);
	cr_assert_lt(w->due_ms, HEARD + 1000);
	waitpid(pid, NULL, 0);
}

/* It is in its steps, or nobody has looked at it: then it is only noted. */
Test(closes, not_due)
{
	struct cp_ward *w = watched(pipes());

	w->step = CP_STEP_DOOMED;
	close(in[1]);
	close(out[0]);
	cp_closes_hear(HEARD);
	cr_assert_eq(w->shut_ms, HEARD);
	cr_assert_eq(w->due_ms, 0);
}

/* The census opens the child's side anew, and closes it. */
Test(closes, probes_are_not_heard)
{
	struct cp_ward *w = watched(pipes());
	char path[64];
	int fd;

	for (int k = 0; k < 2; k++) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
		    k == 0 ? in[0] : out[1]);
		fd = open(path, k == 0 ? O_RDONLY : O_WRONLY);
		cr_assert_geq(fd, 0);
		close(fd);
	}
	is_shut(w, 0);
	close(in[0]); /* and so does the child */
	close(out[1]);
	is_shut(w, 0);
}

/* dup(2): the last of them; an open(2) of its own: each. */
Test(closes, more_than_one)
{
	struct cp_ward *w = watched(pipes());
	char path[64];
	int copy = dup(in[1]), anew;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", in[1]);
	close(in[1]);
	is_shut(w, 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	anew = open(path, O_WRONLY);
	cr_assert_geq(anew, 0);
	close(copy);
	is_shut(w, 1);
	w->shut = 2;
	close(anew);
	is_shut(w, 3);
}

Test(closes, one_socket)
{
	struct cp_channel c;
	struct cp_ward *w;
	int s[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	c = channel(CP_KIND_UNIX, BOTH, s[1], s[0]);
	w = watched(ward(c, c));
	cr_assert_eq(w->wd[0], w->wd[1]);
	close(s[1]); /* the child's */
	is_shut(w, 0);
	close(s[0]);
	is_shut(w, 3);
}

Test(closes, two_sockets)
{
	struct cp_ward *w;
	int s[2], t[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, t), 0);
	w = watched(ward(channel(CP_KIND_UNIX, BOTH, s[1], s[0]),
	    channel(CP_KIND_UNIX, BOTH, t[1], t[0])));
	close(t[0]);
	is_shut(w, 2);
	close(s[0]);
	is_shut(w, 3);
}

Test(closes, terminals)
{
	int master[2], slave[2];
	struct cp_ward *w[2];

	for (int i = 0; i < 2; i++) {
		struct cp_channel c;

		cr_assert_eq(openpty(&master[i], &slave[i], NULL, NULL, NULL),
		    0);
		c = channel(CP_KIND_PTY, BOTH, slave[i], master[i]);
		/* Its own fd 0 to 2 show whose devpts it is. */
		cr_assert_eq(dup2(slave[i], 0), 0);
		w[i] = watched(ward(c, c));
	}
	cr_assert_eq(w[0]->wd[0], w[1]->wd[0]);
	close(master[1]);
	is_shut(w[1], 3);
	is_shut(w[0], 0);
	cp_closes_unwatch(w[1]); /* the watch is for all */
	close(master[0]);
	is_shut(w[0], 3);
}

/* The child can't show that the terminal is of our devpts. */
Test(closes, terminal_of_somebody)
{
	struct cp_channel c;
	struct cp_ward *w;
	int master, slave;

	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	c = channel(CP_KIND_PTY, BOTH, slave, master);
	w = ward(c, c);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	cp_closes_watch(w, WATCHED);
	cr_assert(w->swept);
	cr_assert_eq(w->shut, 0);
}

/* Siblings share a stdin: one watch, which lasts as long as any of them. */
Test(closes, shared_stdin)
{
	struct cp_ward *a = watched(pipes()), *b;
	int more[2];

	cr_assert_eq(pipe2(more, O_CLOEXEC), 0);
	b = watched(ward(a->channel[0],
	    channel(CP_KIND_PIPE, CP_WRITE, more[1], more[0])));
	cr_assert_eq(a->wd[0], b->wd[0]);
	cr_assert_neq(a->wd[1], b->wd[1]);
	cr_assert(a->wd_shared && b->wd_shared);
	cp_closes_unwatch(a);
	cr_assert(a->wd[0] == -1 && a->wd[1] == -1);
	close(in[1]);
	is_shut(b, 1);
	is_shut(a, 0);
	close(more[0]);
	is_shut(b, 3);
}

/* `a | b` through the host: one pipe, awaited for both directions. */
Test(closes, one_pipe_in_two_directions)
{
	struct cp_ward *a = watched(pipes()), *b;

	b = ward(channel(CP_KIND_PIPE, CP_READ, out[0], out[1]),
	    channel(CP_KIND_PIPE, CP_WRITE, in[1], in[0]));
	cp_closes_watch(b, WATCHED);
	cr_assert(b->swept);
	cr_assert(b->wd[0] == -1 && b->wd[1] == -1);
	close(in[1]);
	is_shut(a, 1);
}

Test(closes, unwatched)
{
	struct cp_ward *w = watched(pipes());

	cp_closes_unwatch(w);
	close(in[1]);
	close(out[0]);
	is_shut(w, 0);
}

/* There is nothing more to hear: it is due at once. */
Test(closes, closed_before)
{
	struct cp_ward *w = pipes();

	close(in[1]);
	cp_closes_watch(w, WATCHED);
	cr_assert_eq(w->shut, 1);
	cr_assert_eq(w->shut_ms, 0);
	close(out[0]);
	is_shut(w, 3);
	cr_assert_not(w->swept); /* the child's ends show the same inodes */
}

/* A socket of the host's that is gone, or at another number: can't watch. */
Test(closes, socket_closed_before)
{
	struct cp_channel c;
	struct cp_ward *w;
	int s[2], copy;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	c = channel(CP_KIND_UNIX, BOTH, s[1], s[0]);
	w = ward(c, c);
	copy = fcntl(s[0], F_DUPFD_CLOEXEC, 50);
	cr_assert_geq(copy, 50);
	close(s[0]);
	cp_closes_watch(w, WATCHED);
	cr_assert(w->swept);
	cr_assert_eq(w->shut, 3);
	cr_assert_eq(w->shut_ms, WATCHED);
	cr_assert_eq(w->due_ms, WATCHED);
}

/* One-way, or of a host that is dead: other rules see to that. */
Test(closes, not_watched)
{
	struct cp_ward *w = pipes();

	w->duplex = false;
	cp_closes_watch(w, WATCHED);
	w->duplex = true;
	host->dead = true;
	cp_closes_watch(w, WATCHED);
	cr_assert(w->wd[0] == -1 && w->wd[1] == -1);
	cr_assert_not(w->swept);
	host->dead = false;
	(void)watched(w);
}

/* A pipe opened for both says nothing about either. */
Test(closes, pipe_for_both)
{
	struct cp_ward *w = pipes();

	w->channel[0].access = BOTH;
	cp_closes_watch(w, WATCHED);
	cr_assert(w->swept);
	cr_assert_geq(w->wd[1], 0);
}

/* No instance is to be had. */
Test(closes, no_inotify)
{
	struct cp_ward *w = pipes();
	struct rlimit was, none;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cp_closes_init();
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	cp_closes_hear(HEARD);
	cp_closes_watch(w, WATCHED);
	cr_assert(w->swept);
	cr_assert(w->wd[0] == -1 && w->wd[1] == -1);
}

/* Events were lost: anybody's may be among them. */
Test(closes, overflow)
{
	struct cp_ward *a = watched(pipes()), *b;
	char path[2][64];
	int more[4];

	cr_assert(
	    pipe2(more, O_CLOEXEC) == 0 && pipe2(more + 2, O_CLOEXEC) == 0);
	b = watched(ward(channel(CP_KIND_PIPE, CP_READ, more[0], more[1]),
	    channel(CP_KIND_PIPE, CP_WRITE, more[3], more[2])));
	(void)snprintf(path[0], sizeof(path[0]), "/proc/self/fd/%d", in[1]);
	(void)snprintf(path[1], sizeof(path[1]), "/proc/self/fd/%d", out[0]);
	for (int i = 0; i < FLOOD; i++) /* the same twice is told once */
		close(open(path[i % 2], i % 2 == 0 ? O_WRONLY : O_RDONLY));
	is_shut(a, 3);
	is_shut(b, 3);
}

/* A new guard: what the old one watched is of no use. */
Test(closes, begun_anew)
{
	struct cp_ward *w = watched(pipes());

	cp_closes_init();
	w->wd[0] = w->wd[1] = -1;
	(void)watched(w);
	close(in[1]);
	close(out[0]);
	is_shut(w, 3);
}

/* Its end is another matter. */
Test(closes, host_is_gone)
{
	struct cp_ward *w = pipes();

	host = cp_facts_host(NOBODY, 1);
	cr_assert(host->dead);
	cp_facts_move(w, host);
	cp_closes_watch(w, WATCHED);
	cr_assert_eq(w->shut, 0);
	cr_assert_not(w->swept);
}
