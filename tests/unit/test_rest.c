/* SPDX-License-Identifier: MIT */
/*
 * How long a real child has been at rest, by a clock that the test winds.  The
 * child does what it is told by the bytes that it reads, and then waits.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include <fcntl.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/rest.h"
#include "../../tools/guard/traffic.h"

#define SINCE 1000
#define TEN_MINUTES 600000

static int in[2], out[2]; /* the child's ends: in[0], out[1] */
static int work[2];	  /* orders that are no requests */
static struct cp_ward *ward;
static struct cp_rest *rest;

/* Each order moves a byte, but on no channel; 'b' uses the processor. */
static void
child(void)
{
	struct cp_stat st;
	uint64_t cpu;
	char c;

	close(in[1]);
	close(work[1]);
	if (dup2(in[0], 0) != 0 || dup2(out[1], 1) != 1)
		_exit(1);
	while (read(work[0], &c, 1) == 1) {
		if (c == 'r' && read(0, &c, 1) != 1)
			_exit(1);
		if (c == 'w' && write(1, "x", 1) != 1)
			_exit(1);
		if (c != 'b' || cp_procfs_stat(getpid(), &st) != 0)
			continue;
		for (cpu = st.cpu; st.cpu == cpu;)
			(void)cp_procfs_stat(getpid(), &st);
	}
	_exit(0);
}

/* Sleeping, with nothing left to read. */
static void
wait_until_it_waits(void)
{
	int left = 1;

	while (left > 0)
		cr_assert_eq(ioctl(work[0], FIONREAD, &left), 0);
	while (cp_usage_busy(ward->pid))
		continue;
}

static void
order(char c)
{
	cr_assert_eq(write(work[1], &c, 1), 1);
	wait_until_it_waits();
}

static uint64_t
at(uint64_t now)
{
	cp_traffic_drain(now, NULL);
	return cp_rest_sample(ward, rest, true, now);
}

static struct cp_channel
pipe_end(unsigned int access, int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return (struct cp_channel){ .kind = CP_KIND_PIPE,
		.access = (uint8_t)access, .kept = CP_KEPT_YES, .host_fd = -1,
		.child = st.st_ino, .host = st.st_ino };
}

static void
begin(void)
{
	struct cp_stat st;
	pid_t pid;

	cr_assert_eq(cp_facts_init(), 0);
	cr_assert(pipe(in) == 0 && pipe(out) == 0 && pipe(work) == 0);
	pid = fork();
	if (pid == 0)
		child();
	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	ward = cp_facts_ward(cp_facts_host(getpid(), 1), pid, st.start, 1);
	ward->channel[0] = pipe_end(CP_READ, in[0]);
	ward->channel[1] = pipe_end(CP_WRITE, out[1]);
	cr_assert_eq(cp_traffic_watch(ward, CP_TRAFFIC_IDLE, SINCE), 0);
	order('x'); /* it has begun */
	rest = cp_rest_of(ward);
	cr_assert_not_null(rest);
	cr_assert_eq(at(SINCE), 0);
}

static void
end(void)
{
	int status;

	close(work[1]);
	cr_assert_eq(waitpid(ward->pid, &status, 0), ward->pid);
	cr_assert_eq(status, 0);
	cp_rest_reset();
	cp_traffic_reset();
}

TestSuite(rest, .timeout = 30, .init = begin, .fini = end);

Test(rest, silence)
{
	cr_assert_eq(at(SINCE + 500), 500);
	cr_assert_eq(at(SINCE + 700), 700);
	cr_assert_eq(cp_rest_since(ward, rest), SINCE);
	cr_assert_eq(cp_rest_find(ward), rest);
}

Test(rest, bytes_of_any_kind)
{
	order('x');
	cr_assert_eq(at(SINCE + 500), 0);
	cr_assert_eq(at(SINCE + 700), 200);
}

Test(rest, processor)
{
	order('b');
	cr_assert_eq(at(SINCE + 500), 0);
	cr_assert_eq(at(SINCE + 700), 200);
}

/* The host has sent what the ward does not read. */
Test(rest, bytes_on_the_channel)
{
	cr_assert_eq(write(in[1], "x", 1), 1);
	cr_assert_eq(at(SINCE + 500), 0);
	cr_assert_eq(at(SINCE + 700), 200);
}

Test(rest, request_without_an_answer)
{
	cr_assert_eq(write(in[1], "x", 1), 1);
	order('r');
	cr_assert_eq(at(SINCE + 500), 0);
	cr_assert_eq(at(SINCE + 700), 0);
	cr_assert_eq(at(SINCE + TEN_MINUTES), 0);
	/* It was a notification: at rest since then. */
	cr_assert_eq(at(SINCE + 500 + TEN_MINUTES), TEN_MINUTES);
}

Test(rest, request_with_an_answer)
{
	cr_assert_eq(write(in[1], "x", 1), 1);
	order('r');
	order('w');
	cr_assert_eq(at(SINCE + 500), 0);
	cr_assert_eq(at(SINCE + 700), 200);
}

/* Somebody new goes with it: the test itself, which runs. */
Test(rest, company)
{
	struct cp_stat st;

	cr_assert_eq(cp_procfs_stat(getpid(), &st), 0);
	cr_assert_not_null(cp_facts_member(ward, st.pid, st.start));
	cr_assert_eq(at(SINCE + 500), 0);
	cr_assert_eq(at(SINCE + 700), 0);
}

/* A member that has ended long ago is no news. */
Test(rest, company_that_is_gone)
{
	cr_assert_not_null(cp_facts_member(ward, 0x3f000000, 1));
	cr_assert_eq(at(SINCE + 500), 500);
}

Test(rest, channels_that_nobody_watches)
{
	cp_traffic_unwatch(ward, CP_TRAFFIC_IDLE);
	cr_assert_eq(at(SINCE + 500), 0);
	cr_assert_eq(at(SINCE + 700), 0);
}

/* What was not sampled in between has no past. */
Test(rest, sweep)
{
	rest->round = 3;
	cp_rest_sweep(3);
	cr_assert_eq(cp_rest_find(ward), rest);
	cp_rest_sweep(4);
	cr_assert_null(cp_rest_find(ward));
}

Test(rest, record_of_another)
{
	ward->serial++;
	cr_assert_null(cp_rest_find(ward));
	rest = cp_rest_of(ward);
	cr_assert_eq(rest->base.since_ms, 0);
}
