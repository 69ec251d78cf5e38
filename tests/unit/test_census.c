/* SPDX-License-Identifier: MIT */
/*
 * The census's walk: which processes and which ends of theirs it finds.  The
 * processes are real ones; what the kernel says of ends is in test_truth.c.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/process.h"
#include "holders.h"

TestSuite(census, .timeout = 30, .init = open_gate, .fini = close_gate);

Test(census, processes_alone)
{
	const struct cp_proc *p;
	struct cp_census c;
	struct cp_stat st;
	pid_t child = holder(NULL, 0, NULL);

	take(&c, NULL, 0);
	cr_assert_eq(c.n_ends, 0);
	cr_assert_eq(c.n_truths, 0);
	for (size_t i = 1; i < c.n_procs; i++)
		cr_assert_lt(c.procs[i - 1].pid, c.procs[i].pid);
	cr_assert_not_null(cp_census_find(&c, getpid()));
	p = cp_census_find(&c, child);
	cr_assert_not_null(p);
	cr_assert_eq(cp_procfs_stat(child, &st), 0);
	cr_assert_eq(p->ppid, getpid());
	cr_assert_eq(p->pgid, getpgrp());
	cr_assert_eq(p->sid, getsid(0));
	cr_assert_eq(p->uid, geteuid());
	cr_assert_eq(p->start, st.start);
	cr_assert_eq(p->image, st.image);
	cr_assert_eq(p->exe, 0, "not asked for");
	cp_census_free(&c);
	cr_assert_null(cp_census_find(&c, child), "empty");
}

Test(census, both_ends_of_a_pipe)
{
	const struct cp_end *r, *w;
	struct cp_interest want;
	struct cp_census c;
	pid_t reader, writer;
	int p[2];

	cr_assert_eq(pipe(p), 0);
	reader = holder(&p[0], 1, NULL);
	writer = holder(&p[1], 1, NULL);
	want = (struct cp_interest){ CP_KIND_PIPE, inode(p[0]) };
	take(&c, &want, 1);
	r = end_of(&c, reader, want.kind, want.ino);
	w = end_of(&c, writer, want.kind, want.ino);
	cr_assert(r != NULL && w != NULL);
	cr_assert_eq(r->fd, p[0]);
	cr_assert_eq(r->access, CP_READ);
	cr_assert_eq(w->fd, p[1]);
	cr_assert_eq(w->access, CP_WRITE);
	cr_assert_eq(c.n_ends, 4, "theirs and ours");
	for (size_t i = 0; i < c.n_ends; i++)
		cr_assert(i == 0 || c.ends[i - 1].proc <= c.ends[i].proc);
	cr_assert(c.procs[r->proc].readable);
	cr_assert_neq(c.procs[r->proc].exe, 0);
	cr_assert_eq(c.procs[r->proc].exe, c.procs[w->proc].exe);
	cp_census_free(&c);
}

static void
exec_cat(void)
{
	dup2(gate[0], 0);
	(void)!write(MAX_FD, "", 1);
	close(MAX_FD);
	execl("/bin/cat", "cat", NULL);
	_exit(127);
}

/* Another program has another exe and another image. */
Test(census, program_of_a_holder)
{
	const struct cp_proc *copy, *other;
	struct cp_interest want;
	struct cp_census c;
	pid_t a, b;
	int p[2];

	cr_assert_eq(pipe(p), 0);
	a = holder(&p[1], 1, NULL);
	b = holder(&p[1], 1, exec_cat); /* its MAX_FD is closed: in exec */
	want = (struct cp_interest){ CP_KIND_PIPE, inode(p[0]) };
	for (;;) {
		take(&c, &want, 1);
		copy = cp_census_find(&c, a);
		other = cp_census_find(&c, b);
		cr_assert(copy != NULL && other != NULL);
		if (other->image != copy->image && other->exe != 0)
			break;
		cp_census_free(&c); /* the exec is under way */
	}
	cr_assert_neq(other->exe, copy->exe);
	cp_census_free(&c);
}

static int stdin_of_child;

static void
use_as_stdin(void)
{
	dup2(stdin_of_child, 0);
	close(stdin_of_child);
}

/* Who holds ends as its stdio alone is not asked for its program. */
Test(census, program_only_above_stdio)
{
	const struct cp_proc *low, *high;
	struct cp_interest want;
	struct cp_census c;
	pid_t a, b;
	int p[2];

	cr_assert_eq(pipe(p), 0);
	stdin_of_child = p[0];
	a = holder(p, 1, use_as_stdin);
	b = holder(p, 1, NULL);
	want = (struct cp_interest){ CP_KIND_PIPE, inode(p[0]) };
	take(&c, &want, 1);
	low = cp_census_find(&c, a);
	high = cp_census_find(&c, b);
	cr_assert(low != NULL && high != NULL);
	cr_assert_eq(end_of(&c, a, want.kind, want.ino)->fd, 0);
	cr_assert_eq(low->exe, 0);
	cr_assert_neq(high->exe, 0);
	cp_census_free(&c);
}

/* What several threads have found is put together in order. */
Test(census, many_at_once)
{
	enum { MANY = 300 };
	struct cp_interest want[MANY];
	const struct cp_end *e;
	struct cp_census c;
	pid_t pid[MANY];
	int p[2];

	for (int i = 0; i < MANY; i++) {
		cr_assert_eq(pipe(p), 0);
		pid[i] = holder(&p[i % 2], 1, NULL);
		want[i] = (struct cp_interest){ CP_KIND_PIPE, inode(p[0]) };
		close(p[0]);
		close(p[1]);
	}
	take(&c, want, MANY);
	cr_assert_eq(c.n_ends, MANY);
	for (size_t i = 1; i < c.n_procs; i++)
		cr_assert_lt(c.procs[i - 1].pid, c.procs[i].pid);
	for (size_t i = 1; i < c.n_ends; i++)
		cr_assert_lt(c.ends[i - 1].proc, c.ends[i].proc);
	for (int i = 0; i < MANY; i++) {
		e = end_of(&c, pid[i], CP_KIND_PIPE, want[i].ino);
		cr_assert_not_null(e);
		cr_assert_eq(e->access, i % 2 == 0 ? CP_READ : CP_WRITE);
		expect_pipe(&c, want[i].ino,
		    i % 2 == 0 ? CP_OPEN_YES : CP_OPEN_NO,
		    i % 2 == 0 ? CP_OPEN_NO : CP_OPEN_YES);
	}
	cp_census_free(&c);
}

Test(census, only_what_is_wanted)
{
	struct cp_interest want[4];
	struct cp_census c;
	int p[2], q[2], s[2];

	cr_assert_eq(pipe(p), 0);
	cr_assert_eq(pipe(q), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	holder(&q[0], 1, NULL);
	/* In no order, one twice, and one of a kind that it is not. */
	want[0] = (struct cp_interest){ CP_KIND_UNIX, inode(s[1]) };
	want[1] = (struct cp_interest){ CP_KIND_PIPE, inode(p[0]) };
	want[2] = want[0];
	want[3] = (struct cp_interest){ CP_KIND_UNIX, inode(q[0]) };
	take(&c, want, 4);
	cr_assert_eq(c.n_ends, 3);
	cr_assert_not_null(end_of(&c, getpid(), CP_KIND_UNIX, inode(s[1])));
	cr_assert_eq(c.n_truths, 3);
	for (size_t i = 1; i < c.n_truths; i++)
		cr_assert(c.truths[i - 1].kind < c.truths[i].kind ||
		    (c.truths[i - 1].kind == c.truths[i].kind &&
			c.truths[i - 1].ino < c.truths[i].ino));
	cr_assert_null(cp_census_truth(&c, CP_KIND_PIPE, inode(q[0])));
	cp_census_free(&c);
}

Test(census, o_path_holds_nothing)
{
	struct cp_interest want;
	struct cp_census c;
	char path[64];
	int p[2], fd;

	cr_assert_eq(pipe(p), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	fd = open(path, O_PATH | O_CLOEXEC);
	cr_assert_neq(fd, -1);
	want = (struct cp_interest){ CP_KIND_PIPE, inode(p[0]) };
	take(&c, &want, 1);
	cr_assert_eq(c.n_ends, 2);
	cp_census_free(&c);
}

Test(census, pty)
{
	const struct cp_end *m, *s;
	struct cp_interest want;
	struct cp_end_id id;
	struct cp_census c;
	struct stat st;
	pid_t master, slave;
	int a[2], b[2];

	cr_assert_eq(openpty(&b[0], &b[1], NULL, NULL, NULL), 0);
	cr_assert_eq(openpty(&a[0], &a[1], NULL, NULL, NULL), 0);
	master = holder(&a[0], 1, NULL);
	slave = holder(&a[1], 1, NULL);
	cr_assert_eq(cp_procfs_own_end(a[1], &id), 0);
	want = (struct cp_interest){ CP_KIND_PTY, id.ino };
	take(&c, &want, 1);
	m = end_of(&c, master, CP_KIND_PTMX, id.ino);
	s = end_of(&c, slave, CP_KIND_PTY, id.ino);
	cr_assert(m != NULL && s != NULL);
	cr_assert_null(end_of(&c, master, CP_KIND_PTY, id.ino));
	cr_assert_not(s->deleted);
	cr_assert_eq(fstat(a[1], &st), 0);
	cr_assert_eq(s->dev, st.st_dev);
	cr_assert(m->dev == 0 || m->dev == s->dev);
	cr_assert_eq(cp_procfs_own_end(b[1], &id), 0);
	for (size_t i = 0; i < c.n_ends; i++)
		cr_assert_neq(c.ends[i].ino, id.ino, "the other pty");
	cr_assert_null(cp_census_truth(&c, CP_KIND_PTY, want.ino));
	cp_census_free(&c);
}

Test(census, pty_without_master)
{
	const struct cp_end *s;
	struct cp_interest want;
	struct cp_end_id id;
	struct cp_census c;
	pid_t slave;
	int a[2];

	cr_assert_eq(openpty(&a[0], &a[1], NULL, NULL, NULL), 0);
	slave = holder(&a[1], 1, NULL);
	cr_assert_eq(cp_procfs_own_end(a[1], &id), 0);
	close(a[0]);
	want = (struct cp_interest){ CP_KIND_PTY, id.ino };
	take(&c, &want, 1);
	s = end_of(&c, slave, CP_KIND_PTY, id.ino);
	cr_assert_not_null(s);
	cr_assert(s->deleted);
	cp_census_free(&c);
}

Test(census, zombie)
{
	const struct cp_proc *p;
	struct cp_interest want;
	struct cp_census c;
	siginfo_t info;
	pid_t pid;
	int a[2];

	cr_assert_eq(pipe(a), 0);
	pid = fork();
	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert(cp_process_is_dying(pid));
	want = (struct cp_interest){ CP_KIND_PIPE, inode(a[0]) };
	take(&c, &want, 1);
	p = cp_census_find(&c, pid);
	cr_assert_not_null(p);
	cr_assert_eq(p->state, 'Z');
	cr_assert(p->readable);
	cr_assert_eq(c.n_ends, 2, "ours");
	cp_census_free(&c);
	waitpid(pid, NULL, 0);
	cr_assert(cp_process_is_dying(pid));
	cr_assert(!cp_process_is_dying(getpid()));
	take(&c, &want, 1);
	cr_assert_null(cp_census_find(&c, pid));
	cp_census_free(&c);
}

static void *
outlive_main(void *arg)
{
	char path[CP_PATH_SIZE];
	struct cp_stat st;

	(void)arg;
	/* The main thread's end is a state, not an event: look for it. */
	cp_procfs_path(path, sizeof(path), getpid(), "/stat");
	do
		if (cp_procfs_stat_at(AT_FDCWD, path, &st) == -1)
			_exit(1);
	while (st.state != 'Z');
	(void)!write(MAX_FD, "", 1);
	close(MAX_FD);
	wait_at_gate();
	return NULL;
}

static void
end_main_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, outlive_main, NULL) != 0)
		_exit(1);
	pthread_exit(NULL);
}

/* It looks like a zombie, but it runs and holds what it held. */
Test(census, main_thread_ended)
{
	const struct cp_proc *p, *self;
	const struct cp_end *e;
	struct cp_interest want;
	struct cp_census c;
	pid_t pid;
	int a[2];

	cr_assert_eq(pipe(a), 0);
	pid = holder(&a[1], 1, end_main_thread);
	want = (struct cp_interest){ CP_KIND_PIPE, inode(a[0]) };
	take(&c, &want, 1);
	e = end_of(&c, pid, CP_KIND_PIPE, want.ino);
	cr_assert_not_null(e);
	cr_assert_eq(e->access, CP_WRITE);
	p = &c.procs[e->proc];
	self = cp_census_find(&c, getpid());
	cr_assert_neq(p->state, 'Z');
	cr_assert(p->readable);
	cr_assert_eq(p->image, self->image);
	cr_assert_eq(p->exe, self->exe);
	cr_assert(!cp_process_is_dying(pid));
	cp_census_free(&c);
}

static void
hide(void)
{
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		_exit(1);
}

/* Gives up root's right to look at everybody; others never had it. */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { { 0 } };

	return (int)syscall(SYS_capset, &header, none);
}

/* Run in a child, so that it can't assert: 0 if all is as expected. */
static int
look_at_hidden(pid_t pid, uint64_t ino)
{
	struct cp_interest want = { CP_KIND_PIPE, ino };
	const struct cp_truth *t;
	const struct cp_proc *p;
	struct cp_census c;

	if (drop_capabilities() == -1 || cp_census_take(&want, 1, &c) == -1)
		return 1;
	p = cp_census_find(&c, pid);
	if (p == NULL || p->readable || p->start == 0 || p->uid != geteuid())
		return 2;
	t = cp_census_truth(&c, CP_KIND_PIPE, ino);
	if (t->readers != CP_OPEN_UNKNOWN || t->writers != CP_OPEN_UNKNOWN)
		return 3;
	p = cp_census_find(&c, getpid());
	if (p == NULL || !p->readable)
		return 4;
	return c.n_ends == 0 && c.complete ? 0 : 5;
}

Test(census, not_ours_to_read)
{
	pid_t pid, taker;
	uint64_t ino;
	int a[2], status;

	cr_assert_eq(pipe(a), 0);
	pid = holder(a, 2, hide);
	ino = inode(a[0]);
	close(a[0]);
	close(a[1]);
	taker = fork();
	if (taker == 0)
		_exit(look_at_hidden(pid, ino));
	cr_assert_eq(waitpid(taker, &status, 0), taker);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}

#define NOBODY 65534

static void
become_nobody(void)
{
	if (setresuid(NOBODY, NOBODY, NOBODY) == -1)
		_exit(1);
}

/*
 * Who has changed its uid is not dumpable: its "fd" belongs to root then, the
 * directory above does not.
 */
Test(census, owner_of_who_is_not_dumpable)
{
	struct cp_interest want;
	const struct cp_proc *p;
	struct cp_census c;
	char path[CP_PATH_SIZE];
	struct stat st;
	pid_t pid;
	int a[2];

	if (geteuid() != 0)
		cr_skip_test("only root can become another");
	cr_assert_eq(pipe(a), 0);
	pid = holder(&a[1], 1, become_nobody);
	cp_procfs_path(path, sizeof(path), pid, "/fd");
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_uid, 0);
	want = (struct cp_interest){ CP_KIND_PIPE, inode(a[0]) };
	take(&c, &want, 1);
	p = cp_census_find(&c, pid);
	cr_assert_not_null(p);
	cr_assert(p->readable);
	cr_assert_eq(p->uid, NOBODY);
	cr_assert_not_null(end_of(&c, pid, CP_KIND_PIPE, want.ino));
	cp_census_free(&c);
	take(&c, NULL, 0);
	p = cp_census_find(&c, pid);
	cr_assert_not_null(p);
	cr_assert_eq(p->uid, NOBODY);
	cp_census_free(&c);
}

static int storm_fd;

static void
fork_storm(void)
{
	pid_t pid = fork();

	if (pid != 0)
		return;
	close(MAX_FD);
	/* Ends by SIGPIPE when the test is over. */
	do {
		pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	} while (write(storm_fd, "", 1) == 1);
	_exit(1);
}

/* Processes that vanish while they are looked at are no error. */
Test(census, storm)
{
	struct cp_interest want;
	struct cp_census c;
	char buf[4096];
	int a[2];

	cr_assert_eq(pipe(a), 0);
	storm_fd = a[1];
	holder(&a[1], 1, fork_storm);
	want = (struct cp_interest){ CP_KIND_PIPE, inode(a[0]) };
	for (int i = 0; i < 50; i++) {
		/* At least one was born and died since the last round. */
		cr_assert_gt(read(a[0], buf, sizeof(buf)), 0);
		take(&c, &want, 1);
		cr_assert_not_null(cp_census_find(&c, getpid()));
		cr_assert_geq(c.n_ends, 4, "ours, the holder's, the storm's");
		cp_census_free(&c);
	}
	close(a[0]);
}

/* Whoever was ending may have forked somebody who was not listed yet. */
Test(census, counts_who_faded)
{
	struct cp_interest want = { .kind = CP_KIND_PIPE };
	struct cp_census c;
	size_t zombies = 0;
	struct stat st;
	siginfo_t si;
	int fd[2];
	pid_t pid;

	cr_assert_eq(pipe(fd), 0);
	cr_assert_eq(fstat(fd[0], &st), 0);
	want.ino = st.st_ino;
	pid = fork();
	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	cr_assert_eq(cp_census_take(&want, 1, &c), 0);
	for (size_t i = 0; i < c.n_procs; i++)
		zombies += c.procs[i].state == 'Z';
	cr_assert_geq(zombies, 1);
	cr_assert_geq(c.n_faded, zombies);
	cr_assert_leq(c.n_faded, c.n_procs, "not everybody is");
	cp_census_free(&c);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}
