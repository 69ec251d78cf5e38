/* SPDX-License-Identifier: MIT */
/* The ward table: living children of ours, and nobody else. */
#include <criterion/criterion.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/wire.h"
#include "../../shim/ward.h"

/* A child that does nothing until it is killed. */
static pid_t
sleeper(void)
{
	pid_t pid = fork();

	cr_assert_neq(pid, -1);
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	return pid;
}

static void
end(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static uint64_t
now(void)
{
	struct timespec t;

	cr_assert_eq(clock_gettime(CLOCK_BOOTTIME, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
add_seen(pid_t pid, uint32_t flags, uint64_t seen)
{
	struct cp_record r = { .pid = pid, .flags = flags, .seen = seen };

	cp_ward_add(&r);
}

static void
add(pid_t pid, uint32_t flags)
{
	add_seen(pid, flags, now());
}

static uint64_t
inode(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

struct seen {
	int n;
	pid_t last;
	uint32_t flags;
};

static bool
see(const struct cp_record *r, void *arg)
{
	struct seen *s = arg;

	if (cp_ward_is_over(r))
		return true;
	s->n++;
	s->last = r->pid;
	s->flags = r->flags;
	return true;
}

static struct seen
look(void)
{
	struct seen s = { 0 };

	cp_ward_each(see, &s);
	return s;
}

Test(ward, a_child_is_kept_until_it_dies)
{
	pid_t pid = sleeper();
	struct seen s;

	add(pid, CP_WARD_DUPLEX);
	s = look();
	cr_assert_eq(s.n, 1);
	cr_assert_eq(s.last, pid);
	cr_assert_eq(s.flags, CP_WARD_DUPLEX);
	end(pid);
	cr_assert_eq(look().n, 0);
}

Test(ward, zombies_are_dead)
{
	pid_t pid = sleeper();
	siginfo_t info;

	add(pid, 0);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(look().n, 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid, "it was reaped for the host");
}

/* A child of somebody else's is there for its channels alone. */
Test(ward, no_children_are_over)
{
	pid_t pid = sleeper();

	add_seen(getppid(), 0, 0);
	add_seen(pid, 0, 0);
	cr_assert_eq(cp_ward_count(), 2);
	cr_assert_eq(look().n, 0);
	end(pid);
}

/* Nor is one of ours who only has the number, in whatever /proc. */
Test(ward, strangers_are_over)
{
	add(getppid(), 0);
	add(getpid(), 0);
	add(1, 0);
	cr_assert_eq(cp_ward_count(), 3);
	cr_assert_eq(look().n, 0);
}

/* Whoever bears the PID later is not the child that left the record. */
Test(ward, successors_are_over)
{
	uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	pid_t pid = sleeper();
	struct cp_stat st;

	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	add_seen(pid, 0, st.start * tick - 1);
	cr_assert_eq(look().n, 0);
	add_seen(pid, 0, st.start * tick);
	cr_assert_eq(look().n, 1);
	end(pid);
	add(pid, 0);
	cr_assert_eq(look().n, 0);
}

/* A starter that handed its stdio on is dead, and its channel in use. */
Test(ward, a_holder_keeps_the_ward)
{
	struct cp_record r = { .seen = now() };
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	r.pid = sleeper();
	r.channel[0] = (struct cp_channel){ .kind = CP_KIND_PIPE,
		.access = CP_READ,
		.kept = CP_KEPT_YES,
		.host_fd = fd[1],
		.child = inode(fd[0]),
		.host = inode(fd[0]) };
	cp_ward_add(&r);
	end(r.pid);
	cr_assert_eq(look().n, 1);
	cr_assert_eq(close(fd[0]), 0);
	cr_assert_eq(look().n, 0);
}

Test(ward, undo_forgets)
{
	pid_t a = sleeper(), b = sleeper();

	add(a, 0);
	add(b, 0);
	add(a, CP_WARD_UNDO);
	cr_assert_eq(look().n, 1);
	cr_assert_eq(look().last, b);
	add(a, CP_WARD_UNDO);
	cr_assert_eq(cp_ward_count(), 1);
	end(a);
	end(b);
}

Test(ward, twice_is_once)
{
	pid_t pid = sleeper();

	add(pid, 0);
	add(pid, CP_WARD_DUPLEX);
	cr_assert_eq(cp_ward_count(), 1);
	cr_assert_eq(look().flags, CP_WARD_DUPLEX);
	end(pid);
}

/* Short-lived children do not pile up. */
Test(ward, the_dead_are_swept, .timeout = 60)
{
	pid_t stays = sleeper();

	add(stays, 0);
	for (int i = 0; i < 500; i++) {
		pid_t pid = sleeper();

		add(pid, 0);
		end(pid);
	}
	cr_assert_leq(cp_ward_count(), 32);
	cr_assert_eq(look().n, 1);
	cr_assert_eq(look().last, stays);
	end(stays);
}

static bool
stop(const struct cp_record *r, void *arg)
{
	(void)r;
	++*(int *)arg;
	return false;
}

Test(ward, a_walk_can_be_ended)
{
	pid_t a = sleeper(), b = sleeper();
	int n = 0;

	add(a, 0);
	add(b, 0);
	cp_ward_each(stop, &n);
	cr_assert_eq(n, 1);
	end(a);
	end(b);
}

/* Whether CHECK holds in a child of ours. */
static bool
in_fork(bool (*check)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(check() ? 0 : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
has_none_but_may(void)
{
	bool none = cp_ward_count() == 0 && look().n == 0;
	pid_t pid = sleeper();

	add(pid, 0);
	none = none && look().n == 1;
	end(pid);
	return none;
}

Test(ward, a_fork_child_has_none)
{
	pid_t pid = sleeper();

	add(pid, 0);
	cr_assert(in_fork(has_none_but_may));
	cr_assert_eq(look().n, 1);
	end(pid);
}

static bool
has_two(void)
{
	cp_ward_inherit();
	return cp_ward_count() == 2 && look().n == 2;
}

Test(ward, an_heir_keeps_all)
{
	pid_t pid = sleeper();

	add(pid, 0);
	add(getppid(), 0);
	cr_assert_eq(look().n, 1);
	cp_ward_save();
	cr_assert(in_fork(has_two), "children of who we were");
	cp_ward_forget_saved();
	cr_assert_not(in_fork(has_two));
	end(pid);
}

/*
 * A signal can't find the lock held by its own thread: all are blocked while
 * it is.
 */
static volatile sig_atomic_t handled, stuck;

static void
walk_in_handler(int sig)
{
	struct seen s = { 0 };

	(void)sig;
	cp_ward_each(see, &s);
	if (s.n == 0)
		stuck = 1;
	handled = handled + 1;
}

static void *
pester(void *arg)
{
	pthread_t target = *(pthread_t *)arg;

	while (handled < 500)
		(void)pthread_kill(target, SIGUSR1);
	return NULL;
}

Test(ward, safe_under_signals, .timeout = 60)
{
	struct sigaction sa = { .sa_handler = walk_in_handler };
	pid_t pid = sleeper();
	pthread_t self = pthread_self(), t;

	add(pid, 0);
	cr_assert_eq(sigaction(SIGUSR1, &sa, NULL), 0);
	cr_assert_eq(pthread_create(&t, NULL, pester, &self), 0);
	while (handled < 500)
		add(pid, 0);
	cr_assert_eq(pthread_join(t, NULL), 0);
	cr_assert_eq(stuck, 0);
	end(pid);
}

Test(ward, errno_is_kept)
{
	errno = 77;
	add(1, 0);
	(void)look();
	cr_assert_eq(errno, 77);
}
