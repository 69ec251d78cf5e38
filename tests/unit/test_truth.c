/* SPDX-License-Identifier: MIT */
/*
 * What the census says in the kernel's name of pipes and sockets, and the
 * census of a host that tells nothing.
 */
#include <sys/inotify.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "filter.h"
#include "holders.h"

TestSuite(truth, .timeout = 30, .init = open_gate, .fini = close_gate);

/* A pipe of which a child alone holds end SIDE; its inode. */
static uint64_t
half_pipe(int side, pid_t *pid)
{
	uint64_t ino;
	int p[2];

	cr_assert_eq(pipe(p), 0);
	cr_assert_eq(write(p[1], "data", 4), 4);
	*pid = holder(&p[side], 1, NULL);
	ino = inode(p[0]);
	close(p[0]);
	close(p[1]);
	return ino;
}

static int
open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Bytes that are left in the pipe don't keep a writer alive. */
Test(truth, pipe_without_writer)
{
	struct cp_interest want = { .kind = CP_KIND_PIPE };
	struct cp_census c;
	int before;
	pid_t pid;

	want.ino = half_pipe(0, &pid);
	before = open_files();
	take(&c, &want, 1);
	expect_pipe(&c, want.ino, CP_OPEN_YES, CP_OPEN_NO);
	cp_census_free(&c);
	cr_assert_eq(open_files(), before, "no descriptor is kept");
}

Test(truth, pipe_without_reader)
{
	struct cp_interest want = { .kind = CP_KIND_PIPE };
	struct cp_census c;
	pid_t pid;

	want.ino = half_pipe(1, &pid);
	take(&c, &want, 1);
	expect_pipe(&c, want.ino, CP_OPEN_NO, CP_OPEN_YES);
	cp_census_free(&c);
}

/* Where ptrace_scope forbids it; and then it is not even tried again. */
Test(truth, without_borrowing)
{
	static const uint32_t verdicts[] = { SECCOMP_RET_ALLOW,
		SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_KILL_PROCESS };
	struct cp_interest want[2] = { { .kind = CP_KIND_PIPE },
		{ .kind = CP_KIND_PIPE } };
	struct cp_census c;
	pid_t pid;

	want[0].ino = half_pipe(0, &pid);
	want[1].ino = half_pipe(1, &pid);
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		int before = open_files();

		if (i > 0)
			borrowing(verdicts[i]);
		take(&c, want, 2);
		expect_pipe(&c, want[0].ino, CP_OPEN_YES, CP_OPEN_NO);
		expect_pipe(&c, want[1].ino, CP_OPEN_NO, CP_OPEN_YES);
		cp_census_free(&c);
		cr_assert_eq(open_files(), before);
	}
}

/* Nothing is opened that others could hear close. */
Test(truth, makes_no_noise)
{
	struct cp_interest want = { .kind = CP_KIND_PIPE };
	int ear = inotify_init1(IN_NONBLOCK), p[2];
	char path[64], buf[1024];
	struct cp_census c;

	cr_assert_eq(pipe(p), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	cr_assert_geq(inotify_add_watch(ear, path, IN_OPEN | IN_CLOSE), 0);
	(void)holder(&p[0], 1, NULL);
	want.ino = inode(p[0]);
	close(p[0]);
	close(p[1]);
	cr_assert_gt(read(ear, buf, sizeof(buf)), 0, "it hears closes");
	take(&c, &want, 1);
	expect_pipe(&c, want.ino, CP_OPEN_YES, CP_OPEN_NO);
	cp_census_free(&c);
	cr_assert_lt(read(ear, buf, sizeof(buf)), 0);
	cr_assert_eq(errno, EAGAIN);
}

Test(truth, pipe_of_nobody)
{
	struct cp_interest want = { .kind = CP_KIND_PIPE };
	struct cp_census c;
	int p[2];

	cr_assert_eq(pipe(p), 0);
	want.ino = inode(p[0]);
	close(p[0]);
	close(p[1]);
	take(&c, &want, 1);
	cr_assert_eq(c.n_ends, 0);
	expect_pipe(&c, want.ino, CP_OPEN_UNKNOWN, CP_OPEN_UNKNOWN);
	cp_census_free(&c);
}

/* Sends FD through a new socketpair and closes it; it stays in flight. */
static void
put_in_flight(int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
			  .cmsg_level = SOL_SOCKET,
			  .cmsg_type = SCM_RIGHTS,
			  .cmsg_len = CMSG_LEN(sizeof(int)),
		      } };
	struct iovec iov = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int s[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	cr_assert_eq(sendmsg(s[0], &msg, 0), 1);
	close(fd);
}

/* An end that no process has in its table, but that is alive. */
Test(truth, ends_in_flight)
{
	struct cp_interest want[2];
	struct cp_census c;
	int p[2], s[2];

	cr_assert_eq(pipe(p), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	want[0] = (struct cp_interest){ CP_KIND_PIPE, inode(p[0]) };
	want[1] = (struct cp_interest){ CP_KIND_UNIX, inode(s[0]) };
	put_in_flight(p[1]);
	put_in_flight(s[1]);
	take(&c, want, 2);
	cr_assert_eq(c.n_ends, 2);
	expect_pipe(&c, want[0].ino, CP_OPEN_YES, CP_OPEN_YES);
	cr_assert_eq(cp_census_truth(&c, CP_KIND_UNIX, want[1].ino)->peer,
	    CP_OPEN_YES);
	cp_census_free(&c);
}

/*
 * The guard watches a ward's stdin for its last writer, and its stdout for its
 * last reader.  A census must set off neither, or it calls for the next one.
 */
Test(truth, no_inotify_echo)
{
	static const uint32_t mask[2] = { IN_CLOSE_WRITE, IN_CLOSE_NOWRITE };

	for (int side = 0; side < 2; side++) {
		struct cp_interest want = { .kind = CP_KIND_PIPE };
		struct pollfd watch = { .events = POLLIN };
		struct cp_census c;
		char path[CP_PATH_SIZE];
		int anew;
		pid_t pid;

		want.ino = half_pipe(side, &pid);
		take(&c, &want, 1);
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid,
		    end_of(&c, pid, CP_KIND_PIPE, want.ino)->fd);
		cp_census_free(&c);
		watch.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		cr_assert_neq(inotify_add_watch(watch.fd, path, mask[side]),
		    -1);
		take(&c, &want, 1);
		expect_pipe(&c, want.ino, side == 0 ? CP_OPEN_YES : CP_OPEN_NO,
		    side == 0 ? CP_OPEN_NO : CP_OPEN_YES);
		cp_census_free(&c);
		cr_assert_eq(poll(&watch, 1, 0), 0);
		/* That the watch works: an end of that side comes and goes. */
		anew = open(path, side == 0 ? O_WRONLY : O_RDONLY);
		cr_assert_neq(anew, -1);
		close(anew);
		cr_assert_eq(poll(&watch, 1, 0), 1);
		close(watch.fd);
	}
}

static void
expect_peer(int fd, enum cp_open peer, uint64_t peer_ino)
{
	struct cp_interest want = { CP_KIND_UNIX, inode(fd) };
	const struct cp_truth *t;
	struct cp_census c;

	take(&c, &want, 1);
	t = cp_census_truth(&c, CP_KIND_UNIX, want.ino);
	cr_assert_not_null(t);
	cr_assert_eq(t->peer, peer, "peer %d", t->peer);
	cr_assert_eq(t->peer_ino, peer_ino);
	cp_census_free(&c);
}

Test(truth, socketpairs)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };

	for (size_t i = 0; i < 3; i++) {
		int s[2];

		cr_assert_eq(socketpair(AF_UNIX, types[i], 0, s), 0);
		expect_peer(s[0], CP_OPEN_YES, inode(s[1]));
		expect_peer(s[1], CP_OPEN_YES, inode(s[0]));
		if (types[i] != SOCK_DGRAM) {
			/* Silent, but there. */
			cr_assert_eq(shutdown(s[1], SHUT_RDWR), 0);
			expect_peer(s[0], CP_OPEN_YES, inode(s[1]));
		}
		close(s[1]);
		expect_peer(s[0], CP_OPEN_NO, 0);
		close(s[0]);
	}
}

/* A connection that waits for accept(2) has a peer without an inode. */
Test(truth, socket_not_accepted)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len;
	int l, c, a;

	l = socket(AF_UNIX, SOCK_STREAM, 0);
	len = sizeof(sun.sun_family);
	cr_assert_eq(bind(l, (struct sockaddr *)&sun, len), 0);
	cr_assert_eq(listen(l, 1), 0);
	len = sizeof(sun);
	cr_assert_eq(getsockname(l, (struct sockaddr *)&sun, &len), 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	expect_peer(c, CP_OPEN_NO, 0);
	cr_assert_eq(connect(c, (struct sockaddr *)&sun, len), 0);
	expect_peer(c, CP_OPEN_UNKNOWN, 0);
	a = accept(l, NULL, NULL);
	expect_peer(c, CP_OPEN_YES, inode(a));
	close(a);
	expect_peer(c, CP_OPEN_NO, 0);
}

Test(truth, socket_of_nobody)
{
	struct cp_interest want = { .kind = CP_KIND_UNIX };
	struct cp_census c;
	int s[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	want.ino = inode(s[0]);
	close(s[0]);
	take(&c, &want, 1);
	cr_assert_eq(cp_census_truth(&c, CP_KIND_UNIX, want.ino)->peer,
	    CP_OPEN_UNKNOWN);
	cp_census_free(&c);
}

/* The descriptors that a host of the next test has, and hands on. */
static struct {
	int own[2];  /* the pipe that is its stdin */
	int in[2];   /* made by it: a child's stdin */
	int both[2]; /* made by it: a child's socketpair */
	int tty[2];  /* master and slave */
} h;

static void
become_host(void)
{
	/* Its stdin twice: what it got must not make its children wards. */
	dup2(h.own[0], 0);
}

Test(truth, census_of_a_host)
{
	int host_has[] = { -1, -1, -1, -1 }, child_has[] = { -1, -1, -1, -1 };
	struct cp_end_id tty;
	struct cp_census c;
	pid_t host, child;

	cr_assert_eq(pipe(h.own), 0);
	cr_assert_eq(pipe(h.in), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, h.both), 0);
	cr_assert_eq(openpty(&h.tty[0], &h.tty[1], NULL, NULL, NULL), 0);
	for (int i = 0; i < 4; i++) {
		host_has[i] = (int[]){ h.own[0], h.in[1], h.both[0],
			h.tty[0] }[i];
		child_has[i] = (int[]){ h.own[0], h.in[0], h.both[1],
			h.tty[1] }[i];
	}
	host = holder(host_has, 4, become_host);
	child = holder(child_has, 4, NULL);
	cr_assert_eq(cp_procfs_own_end(h.tty[0], &tty), 0);

	cr_assert_eq(cp_census_of_host(host, &c), 0);
	cr_assert(c.complete);
	cr_assert_null(cp_census_truth(&c, CP_KIND_PIPE, inode(h.own[0])));
	cr_assert_null(end_of(&c, child, CP_KIND_PIPE, inode(h.own[0])));
	cr_assert_not_null(end_of(&c, child, CP_KIND_PIPE, inode(h.in[0])));
	cr_assert_not_null(end_of(&c, host, CP_KIND_PIPE, inode(h.in[0])));
	expect_pipe(&c, inode(h.in[0]), CP_OPEN_YES, CP_OPEN_YES);
	cr_assert_not_null(end_of(&c, child, CP_KIND_UNIX, inode(h.both[1])),
	    "the peer of what the host has");
	cr_assert_eq(cp_census_truth(&c, CP_KIND_UNIX, inode(h.both[0]))
			 ->peer_ino,
	    inode(h.both[1]));
	cr_assert_not_null(end_of(&c, child, CP_KIND_PTY, tty.ino));
	cr_assert_not_null(end_of(&c, host, CP_KIND_PTMX, tty.ino));
	cp_census_free(&c);
}

Test(truth, census_of_nobody)
{
	struct cp_census c;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(cp_census_of_host(pid, &c), -1, "a zombie");
	cr_assert_eq(errno, ESRCH);
	cr_assert_eq(c.n_procs, 0);
	waitpid(pid, NULL, 0);
	cr_assert_eq(cp_census_of_host(pid, &c), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(cp_census_of_host(0, &c), -1);
	cr_assert_eq(errno, ESRCH);
}
