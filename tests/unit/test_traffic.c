/* SPDX-License-Identifier: MIT */
/*
 * Bytes on pipes, sockets and ptys, all ends of which are ours: the test is
 * the host, and its own ward as well.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/traffic.h"

#define SINCE  1000
#define LATER  2000
#define LATEST 3000

static struct cp_host *host;
static pid_t next_pid;
static int in[2], out[2]; /* the child's ends: in[0], out[1] */

static void
begin(void)
{
	cr_assert_eq(cp_facts_init(), 0);
	host = cp_facts_host(getpid(), 1);
	next_pid = 0x3f000000; /* no kernel gives such PIDs */
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
}

static void
end(void)
{
	cp_traffic_reset();
}

TestSuite(traffic, .timeout = 30, .init = begin, .fini = end);

static uint64_t
inode(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return S_ISCHR(st.st_mode) ? minor(st.st_rdev) : st.st_ino;
}

static struct cp_channel
channel(enum cp_kind kind, unsigned int access, int child)
{
	return (struct cp_channel){ .kind = (uint8_t)kind,
		.access = (uint8_t)access, .kept = CP_KEPT_YES, .host_fd = -1,
		.child = inode(child), .host = inode(child) };
}

/* The ends are with a member, as if the child had handed them on. */
static struct cp_ward *
ward(struct cp_channel c0, struct cp_channel c1)
{
	struct cp_ward *w = cp_facts_ward(host, next_pid++, 1, 1);
	struct cp_stat st;

	cr_assert_not_null(w);
	cr_assert_eq(cp_procfs_stat(getpid(), &st), 0);
	w->dead = true;
	w->channel[0] = c0;
	w->channel[1] = c1;
	cr_assert_not_null(cp_facts_member(w, st.pid, st.start));
	return w;
}

static struct cp_ward *
pipes(void)
{
	return ward(channel(CP_KIND_PIPE, CP_READ, in[0]),
	    channel(CP_KIND_PIPE, CP_WRITE, out[1]));
}

static void
watch(struct cp_ward *w)
{
	cr_assert_eq(cp_traffic_watch(w, CP_TRAFFIC_IDLE, SINCE), 0);
}

static void
put(int fd)
{
	cr_assert_eq(write(fd, "x", 1), 1);
}

static void
get(int fd)
{
	char c;

	cr_assert_eq(read(fd, &c, 1), 1);
}

/* The host sends, and the ward reads. */
static void
ask(void)
{
	put(in[1]);
	get(in[0]);
}

/* What is known of W once all was taken in. */
static const struct cp_traffic *
known(struct cp_ward *w, uint64_t now)
{
	cp_traffic_drain(now, NULL);
	cr_assert_not_null(cp_traffic_of(w));
	return cp_traffic_of(w);
}

#define quiet(w) cr_assert_eq(known(w, LATER)->moved_ms, 0)
#define asked(w) cr_assert_eq(known(w, LATER)->asked_ms, LATER)
#define answered(w)                                             \
	do {                                                    \
		cr_assert_eq(known(w, LATER)->moved_ms, LATER); \
		cr_assert_eq(known(w, LATER)->asked_ms, 0);     \
	} while (0)

Test(traffic, silence)
{
	struct cp_ward *w = pipes();

	put(in[1]); /* before anybody watched */
	watch(w);
	quiet(w);
	cr_assert_eq(cp_traffic_of(w)->since_ms, SINCE);
}

/* It runs already: nobody knows what it was asked before. */
Test(traffic, watched_late)
{
	struct cp_ward *w = pipes();

	watch(w);
	cr_assert_eq(known(w, LATER)->asked_ms, SINCE);
	put(out[1]);
	answered(w);
}

/* A fork copy of the host: nobody has asked it anything. */
Test(traffic, watched_before_its_exec)
{
	struct cp_ward *w;
	struct cp_stat st;
	int gate[2], status;
	pid_t pid;
	char c;

	cr_assert_eq(pipe(gate), 0);
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		_exit(dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1 &&
			    read(gate[0], &c, 1) == 0 ?
			0 :
			1);
	}
	close(gate[0]);
	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	w = cp_facts_ward(host, pid, st.start, 1);
	w->channel[0] = channel(CP_KIND_PIPE, CP_READ, in[0]);
	w->channel[1] = channel(CP_KIND_PIPE, CP_WRITE, out[1]);
	watch(w);
	quiet(w);
	cr_assert_eq(known(w, LATER)->asked_ms, 0);
	ask();
	asked(w);
	close(gate[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

/* Told of late, it could be a request that has been answered. */
Test(traffic, host_sends)
{
	struct cp_ward *w = pipes();

	watch(w);
	put(out[1]);
	answered(w);
	put(in[1]);
	answered(w);
	cr_assert_eq(known(w, LATEST)->moved_ms, LATER);
	put(in[1]);
	cr_assert_eq(known(w, LATEST)->moved_ms, LATEST);
}

Test(traffic, ward_reads)
{
	struct cp_ward *w = pipes();

	put(in[1]);
	watch(w);
	get(in[0]);
	asked(w);
	cr_assert_eq(known(w, LATEST)->asked_ms, LATER);
	cr_assert_eq(known(w, LATEST)->moved_ms, LATER);
}

Test(traffic, ward_answers)
{
	struct cp_ward *w = pipes();

	watch(w);
	ask();
	put(out[1]);
	answered(w);
	ask(); /* the next request */
	asked(w);
}

/* The host may read when it likes. */
Test(traffic, host_reads)
{
	struct cp_ward *w = pipes();

	put(out[1]);
	watch(w);
	get(out[0]);
	quiet(w);
}

Test(traffic, sockets)
{
	struct cp_ward *w;
	int a[2], b[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b), 0);
	w = ward(channel(CP_KIND_UNIX, CP_READ | CP_WRITE, a[1]),
	    channel(CP_KIND_UNIX, CP_READ | CP_WRITE, b[1]));
	watch(w);
	put(a[0]);
	get(a[1]);
	asked(w);
	put(b[1]);
	answered(w);
}

Test(traffic, one_socket_for_both)
{
	struct cp_ward *w;
	int s[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	w = ward(channel(CP_KIND_UNIX, CP_READ | CP_WRITE, s[1]),
	    channel(CP_KIND_UNIX, CP_READ | CP_WRITE, s[1]));
	watch(w);
	put(s[0]);
	get(s[1]);
	asked(w);
	put(s[1]);
	answered(w);
}

Test(traffic, pty)
{
	struct termios raw;
	struct cp_ward *w;
	int master, slave;

	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	cr_assert_eq(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	cr_assert_eq(tcsetattr(slave, TCSANOW, &raw), 0);
	w = ward(channel(CP_KIND_PTY, CP_READ | CP_WRITE, slave),
	    channel(CP_KIND_PTY, CP_READ | CP_WRITE, slave));
	watch(w);
	quiet(w);
	put(master);
	get(slave);
	asked(w);
	put(slave);
	answered(w);
}

/* One inode, one watch descriptor, two wards. */
Test(traffic, siblings_share_a_stdin)
{
	struct cp_ward *a = pipes(), *b = pipes();
	int more[2];

	cr_assert_eq(pipe2(more, O_CLOEXEC), 0);
	b->channel[1] = channel(CP_KIND_PIPE, CP_WRITE, more[1]);
	watch(a);
	watch(b);
	ask();
	asked(a);
	asked(b);
	put(more[1]);
	answered(b);
	asked(a);
	cp_facts_forget_ward(a);
	cp_traffic_drain(LATER, NULL);
	ask();
	asked(b);
	cp_traffic_unwatch(b, CP_TRAFFIC_IDLE);
	cr_assert_null(cp_traffic_of(b));
}

/* `a | b`: what is written by one is read by the other. */
Test(traffic, one_pipe_in_two_roles)
{
	struct cp_ward *a, *b;

	a = ward(channel(CP_KIND_PIPE, CP_READ, in[0]),
	    channel(CP_KIND_PIPE, CP_WRITE, out[1]));
	b = ward(channel(CP_KIND_PIPE, CP_READ, out[0]),
	    (struct cp_channel){ 0 });
	watch(b);
	watch(a); /* wants less of it, and takes nothing away */
	put(out[1]);
	answered(a);
	cr_assert_eq(known(b, LATER)->moved_ms, LATER);
	get(out[0]);
	cr_assert_eq(known(b, LATEST)->asked_ms, LATEST);
	cr_assert_eq(known(a, LATEST)->asked_ms, 0);
}

Test(traffic, each_watches_for_itself)
{
	struct cp_ward *w = pipes();

	watch(w);
	cr_assert_eq(cp_traffic_watch(w, CP_TRAFFIC_GONE, LATER), 0);
	cp_traffic_unwatch(w, CP_TRAFFIC_IDLE);
	ask();
	asked(w);
	cp_traffic_unwatch(w, CP_TRAFFIC_GONE);
	cr_assert_null(cp_traffic_of(w));
}

static int n_moved;
static struct cp_ward *who_moved;
static bool was_asked;

static void
moved(struct cp_ward *w, bool is_asked)
{
	n_moved++;
	who_moved = w;
	was_asked = is_asked;
}

Test(traffic, tells_once_of_each)
{
	struct cp_ward *w = pipes();

	watch(w);
	watch(ward(channel(CP_KIND_PIPE, CP_WRITE, out[1]),
	    (struct cp_channel){ 0 }));
	ask();
	cp_traffic_drain(LATER, moved);
	cr_assert_eq(n_moved, 1);
	cr_assert_eq(who_moved, w);
	cr_assert(was_asked);
	cp_traffic_drain(LATEST, moved);
	cr_assert_eq(n_moved, 1);
}

/* The record has another ward by now. */
Test(traffic, a_successor_starts_anew)
{
	struct cp_ward *w = pipes(), *again;

	watch(w);
	ask();
	asked(w);
	cp_facts_forget_ward(w);
	again = pipes();
	cr_assert_eq(again, w);
	cr_assert_null(cp_traffic_of(again));
	watch(again);
	quiet(again);
	ask();
	asked(again);
}

/* Nothing is known then, which is not the same as silence. */
Test(traffic, ends_that_nobody_has)
{
	struct cp_ward *w = pipes();

	w->channel[1].child = 1;
	cr_assert_eq(cp_traffic_watch(w, CP_TRAFFIC_IDLE, SINCE), -1);
	cr_assert_null(cp_traffic_of(w));
	cp_traffic_drain(LATER, NULL);
	w = pipes();
	watch(w); /* the same stdin */
	ask();
	asked(w);
}

Test(traffic, channels_that_end)
{
	struct cp_ward *w = pipes();

	watch(w);
	close(in[0]);
	close(in[1]);
	put(out[1]);
	answered(w);
	cp_traffic_unwatch(w, CP_TRAFFIC_IDLE);
}

/* More than the kernel keeps: everybody may have been busy. */
Test(traffic, lost_events)
{
	struct cp_ward *w = pipes(), *other;
	int more[2];

	cr_assert_eq(pipe2(more, O_CLOEXEC), 0);
	other = ward(channel(CP_KIND_PIPE, CP_READ, more[0]),
	    (struct cp_channel){ 0 });
	watch(w);
	watch(other);
	for (int i = 0; i < 20000; i++) { /* no two alike in a row */
		ask();
	}
	asked(w);
	asked(other);
	cr_assert_eq(known(w, LATEST)->asked_ms, LATER);
}
