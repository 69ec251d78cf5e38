/* SPDX-License-Identifier: MIT */
/*
 * procfs.h: the parsers against made-up texts, the lookups against descriptors
 * and children that the test makes itself.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/children.h"

TestSuite(procfs, .timeout = 20);

/* A child that lives until the write end of GATE is closed everywhere. */
static pid_t
waiting_child(int gate[2])
{
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		close(gate[1]);
		_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
	}
	cr_assert(pid > 0);
	return pid;
}

Test(procfs, decimal)
{
	char out[CP_DECIMAL_SIZE];

	cr_assert_eq(cp_procfs_decimal(out, 0), 1);
	cr_assert_str_eq(out, "0");
	cr_assert_eq(cp_procfs_decimal(out, 90210), 5);
	cr_assert_str_eq(out, "90210");
	cr_assert_eq(cp_procfs_decimal(out, UINT64_MAX), 20);
	cr_assert_str_eq(out, "18446744073709551615");
}

Test(procfs, path)
{
	char out[CP_PATH_SIZE];

	cr_assert_eq(cp_procfs_path(out, sizeof(out), 42, "/fd/"), 12);
	cr_assert_str_eq(out, "/proc/42/fd/");
	cr_assert_eq(cp_procfs_path(out, 8, 7, ""), 7);
	cr_assert_str_eq(out, "/proc/7");
	cr_assert_eq(cp_procfs_path(out, 7, 7, ""), 0);
	cr_assert_eq(errno, ENAMETOOLONG);
	cr_assert_eq(cp_procfs_path(out, sizeof(out), 0, ""), 0);
	cr_assert_eq(errno, ESRCH);
}

Test(procfs, number)
{
	static const char text[] = "18446744073709551615 18446744073709551616";
	const char *p = text, *end = text + sizeof(text) - 1;
	uint64_t v = 7;

	cr_assert(cp_procfs_number(&p, end, &v));
	cr_assert_eq(v, UINT64_MAX);
	cr_assert_eq(p, text + 20);
	cr_assert_not(cp_procfs_number(&p, end, &v), "a blank is no digit");
	p++;
	cr_assert_not(cp_procfs_number(&p, end, &v), "too big");
	cr_assert_eq(p, text + 21);
	cr_assert_eq(v, UINT64_MAX);
}

#define TAIL                                                              \
	" S 11 12 13 34816 -1 4194560 0 0 0 0 100 23 0 0 20 -5 3 0 98765 " \
	"4096 77 18446744073709551615 1 2 140724 0 0 0\n"

Test(procfs, parse_stat)
{
	static const struct {
		const char *text;
		const char *comm;
	} good[] = {
		{ "10 (cat)" TAIL, "cat" },
		{ "10 (a b)" TAIL, "a b" },
		{ "10 (x) R 1 (y)" TAIL, "x) R 1 (y" },
		{ "10 ())" TAIL, ")" },
		{ "10 ()" TAIL, "" },
		{ "10 (kworker/u8:2-events_unbound)" TAIL, "kworker/u8:2-ev" },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		const char *text = good[i].text;
		struct cp_stat st;

		cr_assert_eq(cp_procfs_parse_stat(text, strlen(text), &st), 0);
		cr_assert_str_eq(st.comm, good[i].comm);
		cr_assert_eq(st.pid, 10);
		cr_assert_eq(st.state, 'S');
		cr_assert_eq(st.ppid, 11);
		cr_assert_eq(st.pgid, 12);
		cr_assert_eq(st.sid, 13);
		cr_assert_eq(st.cpu, 123);
		cr_assert_eq(st.threads, 3);
		cr_assert_not(st.kernel);
		cr_assert_eq(st.start, 98765);
		cr_assert_eq(st.rss, 77);
		cr_assert_eq(st.image, 140724);
	}
}

Test(procfs, parse_stat_of_a_kernel_thread)
{
	static const char text[] = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 "
	    "0 0 0 0 20 0 1 0 4 0 0 18446744073709551615 0 0 0 0 0\n";
	struct cp_stat st;

	cr_assert_eq(cp_procfs_parse_stat(text, sizeof(text) - 1, &st), 0);
	cr_assert(st.kernel);
	cr_assert_eq(st.image, 0);
}

Test(procfs, parse_stat_refuses)
{
	static const char text[] = "10 (cat)" TAIL;
	static const char *const bad[] = {
		"", " ", ")", "(", "10", "10 ", "10 (cat", "10 (cat)",
		"10 (cat) S", "x (cat)" TAIL, "10 cat)" TAIL, "(cat)" TAIL,
		"10 (cat) S 1 2 3 x", "99999999999 (cat)" TAIL,
	};
	struct cp_stat st, before;
	const char *image = strstr(text, "140724");

	memset(&st, 0x5a, sizeof(st));
	before = st;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		cr_assert_eq(cp_procfs_parse_stat(bad[i], strlen(bad[i]), &st),
		    -1, "%s", bad[i]);
		cr_assert_eq(errno, EINVAL);
	}
	/* Cut off anywhere up to the end of field 28: never half a number. */
	for (size_t len = 0; len <= (size_t)(image - text) + 6; len++)
		cr_assert_eq(cp_procfs_parse_stat(text, len, &st), -1);
	cr_assert_arr_eq(&st, &before, sizeof(st), "untouched");
	cr_assert_eq(cp_procfs_parse_stat(text, (size_t)(image - text) + 7,
	    &st), 0);
}

Test(procfs, parse_link)
{
	static const struct {
		const char *text;
		int kind;
		bool deleted;
		uint64_t ino;
	} rows[] = {
		{ "pipe:[11446]", CP_KIND_PIPE, false, 11446 },
		{ "socket:[7]", CP_KIND_UNIX, false, 7 },
		{ "/dev/pts/0", CP_KIND_PTY, false, 0 },
		{ "/dev/pts/12", CP_KIND_PTY, false, 12 },
		{ "/dev/pts/12 (deleted)", CP_KIND_PTY, true, 12 },
		{ "/dev/ptmx", CP_KIND_PTMX, false, 0 },
		{ "/dev/pts/ptmx", CP_KIND_PTMX, false, 0 },
		{ "", CP_KIND_NONE, false, 0 },
		{ "pipe:[", CP_KIND_NONE, false, 0 },
		{ "pipe:[]", CP_KIND_NONE, false, 0 },
		{ "pipe:[1", CP_KIND_NONE, false, 0 },
		{ "pipe:[1]x", CP_KIND_NONE, false, 0 },
		{ "pipe:[-1]", CP_KIND_NONE, false, 0 },
		{ "pipe:[99999999999999999999]", CP_KIND_NONE, false, 0 },
		{ "/tmp/pipe:[1]", CP_KIND_NONE, false, 0 },
		{ "/dev/pts/", CP_KIND_NONE, false, 0 },
		{ "/dev/pts/x", CP_KIND_NONE, false, 0 },
		{ "/dev/pts/1x", CP_KIND_NONE, false, 0 },
		{ "/dev/pts/1 (deleted) ", CP_KIND_NONE, false, 0 },
		{ "/dev/ptmxs", CP_KIND_NONE, false, 0 },
		{ "/dev/null", CP_KIND_NONE, false, 0 },
		{ "anon_inode:[eventpoll]", CP_KIND_NONE, false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *text = rows[i].text;
		struct cp_end_id end;

		memset(&end, 0x5a, sizeof(end));
		cp_procfs_parse_link(text, strlen(text), &end);
		cr_assert_eq(end.kind, rows[i].kind, "%s", text);
		cr_assert_eq(end.deleted, rows[i].deleted, "%s", text);
		cr_assert_eq(end.ino, rows[i].ino, "%s", text);
		cr_assert_eq(end.access, 0);
	}
}

/* By fstat and by /proc, FD must be the same end. */
static void
expect_end(int fd, int kind, int access)
{
	struct cp_end_id own, seen, at;
	char path[CP_PATH_SIZE], name[CP_DECIMAL_SIZE];
	int dir;

	cr_assert_eq(cp_procfs_own_end(fd, &own), 0);
	cr_assert_eq(own.kind, kind, "kind %d", own.kind);
	cr_assert_eq(own.access, access);
	cr_assert_eq(cp_procfs_end(getpid(), fd, &seen), 0);
	cr_assert_eq(seen.kind, own.kind);
	cr_assert_eq(seen.access, own.access);
	cr_assert_eq(seen.deleted, own.deleted);
	cr_assert_eq(seen.ino, own.ino);

	cp_procfs_path(path, sizeof(path), getpid(), "/fd");
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cp_procfs_decimal(name, (uint64_t)fd);
	cr_assert_eq(cp_procfs_end_at(dir, name, &at), 0);
	cr_assert_eq(at.kind, own.kind);
	cr_assert_eq(at.access, own.access);
	cr_assert_eq(at.ino, own.ino);
	close(dir);
}

Test(procfs, ends_pipe_and_socket)
{
	struct cp_end_id a, b;
	int p[2], s[2];

	cr_assert_eq(pipe(p), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	expect_end(p[0], CP_KIND_PIPE, CP_READ);
	expect_end(p[1], CP_KIND_PIPE, CP_WRITE);
	expect_end(s[0], CP_KIND_UNIX, CP_READ | CP_WRITE);
	cp_procfs_own_end(p[0], &a);
	cp_procfs_own_end(p[1], &b);
	cr_assert_eq(a.ino, b.ino, "a pipe has one inode");
	cp_procfs_own_end(s[0], &a);
	cp_procfs_own_end(s[1], &b);
	cr_assert_neq(a.ino, b.ino, "a socketpair has two");
}

Test(procfs, ends_pty)
{
	struct cp_end_id a, b;
	int m, s, m2, s2;

	cr_assert_eq(openpty(&m, &s, NULL, NULL, NULL), 0);
	cr_assert_eq(openpty(&m2, &s2, NULL, NULL, NULL), 0);
	expect_end(m, CP_KIND_PTMX, CP_READ | CP_WRITE);
	expect_end(s, CP_KIND_PTY, CP_READ | CP_WRITE);
	expect_end(m2, CP_KIND_PTMX, CP_READ | CP_WRITE);
	cp_procfs_own_end(m2, &a);
	cp_procfs_own_end(s2, &b);
	cr_assert_eq(a.ino, b.ino, "both are named by the number");
	cp_procfs_own_end(s, &b);
	cr_assert_neq(a.ino, b.ino);
	cr_assert_not(b.deleted);
	close(m);
	expect_end(s, CP_KIND_PTY, CP_READ | CP_WRITE);
	cp_procfs_own_end(s, &b);
	cr_assert(b.deleted);
}

Test(procfs, ends_that_are_none)
{
	char name[] = "/tmp/cp-fifo-XXXXXX", fifo[sizeof(name) + 2];
	struct cp_end_id end;
	int p[2], fd;

	cr_assert_not_null(mkdtemp(name));
	snprintf(fifo, sizeof(fifo), "%s/f", name);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	expect_end(fd = open(fifo, O_RDWR | O_CLOEXEC), CP_KIND_NONE, 0);
	close(fd);
	unlink(fifo);
	rmdir(name);
	expect_end(open("/dev/null", O_RDWR), CP_KIND_NONE, 0);
	cr_assert_eq(pipe(p), 0);
	snprintf(fifo, sizeof(fifo), "/dev/fd/%d", p[0]);
	expect_end(open(fifo, O_PATH | O_CLOEXEC), CP_KIND_NONE, 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(cp_procfs_own_end(fd, &end), 0);
	cr_assert_eq(end.kind, CP_KIND_NONE);

	close(p[0]);
	cr_assert_eq(cp_procfs_own_end(p[0], &end), -1);
	cr_assert_eq(errno, EBADF);
	cr_assert_eq(cp_procfs_end(getpid(), p[0], &end), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(cp_procfs_end(getpid(), -1, &end), -1);
	cr_assert_eq(errno, EBADF);
}

/* The mode bits of the link, for each way to open a file. */
Test(procfs, access_of_every_kind)
{
	static const struct {
		int flags;
		int access;
	} rows[] = {
		{ O_RDONLY, CP_READ },
		{ O_WRONLY, CP_WRITE },
		{ O_RDWR, CP_READ | CP_WRITE },
		{ O_PATH, 0 },
	};
	char path[CP_PATH_SIZE], name[CP_DECIMAL_SIZE];
	uint8_t access;
	int p[2], fd, dir;

	cr_assert_eq(pipe(p), 0);
	cp_procfs_path(path, sizeof(path), getpid(), "/fd");
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fd = open(path, rows[i].flags | O_CLOEXEC);
		cr_assert_neq(fd, -1);
		cp_procfs_decimal(name, (uint64_t)fd);
		access = 0xff;
		cr_assert_eq(cp_procfs_access_at(dir, name, &access), 0);
		cr_assert_eq(access, rows[i].access, "row %zu", i);
		close(fd);
		cr_assert_eq(cp_procfs_access_at(dir, name, &access), -1);
		cr_assert_eq(errno, ENOENT);
	}
}

/* A buffer has room for about twenty: all are listed, once, whatever is left.
 */
Test(procfs, listing_at_the_edge_of_the_buffer)
{
	enum { FIRST = 300, MOST = 90 };
	char path[CP_PATH_SIZE];
	uint64_t buf[64];
	struct cp_dir dir;
	int fd, fds, seen;

	cp_procfs_path(path, sizeof(path), getpid(), "/fd");
	fds = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int n = 0; n < MOST; n++) {
		cr_assert_eq(lseek(fds, 0, SEEK_SET), 0);
		cp_procfs_dir(&dir, fds, buf, sizeof(buf));
		seen = 0;
		while ((fd = cp_procfs_next(&dir, NULL)) != -1)
			if (fd >= FIRST)
				cr_assert_eq(fd, FIRST + seen++);
		cr_assert_eq(errno, 0);
		cr_assert_eq(seen, n);
		cr_assert_eq(dup2(fds, FIRST + n), FIRST + n);
	}
}

/* Neither learnt as one, nor taken for one by what pipes have taught. */
Test(procfs, a_fifo_is_no_pipe)
{
	char name[] = "/tmp/cp-fifo-XXXXXX", fifo[sizeof(name) + 2];
	struct stat st;
	int p[2], fd;

	cr_assert_not_null(mkdtemp(name));
	snprintf(fifo, sizeof(fifo), "%s/f", name);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDWR | O_CLOEXEC);
	cr_assert_eq(fstat(fd, &st), 0);
	cp_procfs_learn_pipe(fd, st.st_dev);
	expect_end(fd, CP_KIND_NONE, 0);
	cr_assert_eq(pipe(p), 0);
	cr_assert_eq(fstat(p[0], &st), 0);
	cp_procfs_learn_pipe(p[0], st.st_dev);
	expect_end(p[0], CP_KIND_PIPE, CP_READ);
	expect_end(p[1], CP_KIND_PIPE, CP_WRITE);
	expect_end(fd, CP_KIND_NONE, 0);
	unlink(fifo);
	rmdir(name);
}

Test(procfs, stat_of_self_and_fork_copy)
{
	struct cp_stat self, copy;
	int gate[2];
	pid_t pid;

	cr_assert_eq(pipe(gate), 0);
	pid = waiting_child(gate);
	cr_assert_eq(cp_procfs_stat(getpid(), &self), 0);
	cr_assert_eq(cp_procfs_stat(pid, &copy), 0);
	cr_assert_eq(self.pid, getpid());
	cr_assert_eq(self.ppid, getppid());
	cr_assert_eq(self.pgid, getpgrp());
	cr_assert_eq(self.sid, getsid(0));
	cr_assert_eq(self.state, 'R');
	cr_assert(self.rss > 0 && self.start > 0);
	cr_assert_eq(copy.ppid, getpid());
	cr_assert(copy.start >= self.start);
	cr_assert(self.image != 0);
	cr_assert_eq(copy.image, self.image, "a fork copy has our stack");
	close(gate[1]);
	waitpid(pid, NULL, 0);
}

Test(procfs, stat_of_another_image)
{
	struct cp_stat self, other;
	char pad[3000], c;
	int in[2], out[2];
	pid_t pid;

	/* The long argument moves the stack even where ASLR is off. */
	memset(pad, 'x', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		execl("/bin/sh", "sh", "-c", "echo; read x", pad, NULL);
		_exit(127);
	}
	close(out[1]);
	cr_assert_eq(read(out[0], &c, 1), 1);
	cr_assert_eq(cp_procfs_stat(getpid(), &self), 0);
	cr_assert_eq(cp_procfs_stat(pid, &other), 0);
	cr_assert_str_eq(other.comm, "sh");
	cr_assert_neq(other.image, 0);
	cr_assert_neq(other.image, self.image);
	close(in[1]);
	waitpid(pid, NULL, 0);
}

Test(procfs, stat_of_the_dead)
{
	struct cp_stat st;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	cr_assert_eq(st.state, 'Z');
	cr_assert_eq(st.image, 0);
	waitpid(pid, NULL, 0);
	cr_assert_eq(cp_procfs_stat(pid, &st), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(cp_procfs_stat(0, &st), -1);
	cr_assert_eq(errno, ESRCH);
}

/* Skips the test where the kernel was built without the file. */
static int
children_of(pid_t pid, pid_t *out, int max)
{
	int n = cp_children(pid, out, max);

	if (n == -1 && errno == ENOENT)
		cr_skip_test("no /proc/PID/task/TID/children");
	return n;
}

Test(procfs, children_many)
{
	enum { N = 300 }; /* more text than one buffer */
	pid_t made[N], seen[N + 1];
	int gate[2], n;

	cr_assert_eq(pipe(gate), 0);
	cr_assert_eq(children_of(getpid(), seen, N), 0);
	for (int i = 0; i < N; i++)
		made[i] = waiting_child(gate);
	n = children_of(getpid(), seen, N + 1);
	cr_assert_eq(n, N);
	cr_assert_arr_eq(seen, made, sizeof(made), "in the order of birth");
	memset(seen, 0, sizeof(seen));
	cr_assert_eq(children_of(getpid(), seen, 2), 2);
	cr_assert_eq(seen[1], made[1]);
	cr_assert_eq(seen[2], 0, "no more than asked for");
	close(gate[1]);
	for (int i = 0; i < N; i++)
		waitpid(made[i], NULL, 0);
	cr_assert_eq(children_of(made[0], seen, 2), -1);
	cr_assert_eq(errno, ESRCH);
}

struct forker {
	pthread_barrier_t barrier;
	int gate[2];
	pid_t pid;
};

static void *
fork_in_thread(void *arg)
{
	struct forker *f = arg;

	f->pid = waiting_child(f->gate);
	pthread_barrier_wait(&f->barrier);
	pthread_barrier_wait(&f->barrier);
	return NULL;
}

Test(procfs, children_of_every_thread)
{
	struct forker f;
	pthread_t thread;
	pid_t seen[4], mine;
	int n;

	cr_assert_eq(pipe(f.gate), 0);
	pthread_barrier_init(&f.barrier, NULL, 2);
	mine = waiting_child(f.gate);
	cr_assert_eq(pthread_create(&thread, NULL, fork_in_thread, &f), 0);
	pthread_barrier_wait(&f.barrier);
	n = cp_children(getpid(), seen, 4);
	pthread_barrier_wait(&f.barrier);
	pthread_join(thread, NULL);
	close(f.gate[1]);
	waitpid(mine, NULL, 0);
	waitpid(f.pid, NULL, 0);
	if (n == -1 && errno == ENOENT)
		cr_skip_test("no /proc/PID/task/TID/children");
	cr_assert_eq(n, 2);
	cr_assert((seen[0] == mine && seen[1] == f.pid) ||
	    (seen[0] == f.pid && seen[1] == mine));
}
