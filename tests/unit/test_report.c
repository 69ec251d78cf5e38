/* SPDX-License-Identifier: MIT */
/* Telling a guard whose queue is full. */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../shim/config.h"
#include "../../shim/owner.h"
#include "../../shim/report.h"

#define FULL_MAX 1000
#define BUSY_MS	 300 /* so long the guard does not read */

static int guard;
static volatile sig_atomic_t interrupts;

static void
begin(void)
{
	struct sockaddr_un sun;
	char name[32];
	socklen_t len;

	snprintf(name, sizeof(name), "childproof/report/%d", (int)getpid());
	cr_assert_eq(setenv("CHILDPROOF_GUARD", name, 1), 0);
	cp_config_read();
	cp_config_complete();
	cr_assert(cp_owner_claim(false));
	guard = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	len = cp_wire_address(name, &sun);
	cr_assert_eq(bind(guard, (struct sockaddr *)&sun, len), 0);
}

TestSuite(report, .timeout = 60, .init = begin);

static void
fill(void)
{
	int n = 0;

	while (cp_report_type(CP_MSG_MADE, 0) == 0 && n < FULL_MAX)
		n++;
	cr_assert_eq(errno, EAGAIN);
	cr_assert_lt(n, FULL_MAX);
}

static void
interrupt(int sig)
{
	(void)sig;
	interrupts++;
}

/* As a host is by the SIGCHLDs of many children. */
static void
be_interrupted(void)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct sigaction sa = { .sa_handler = interrupt };

	cr_assert_eq(sigaction(SIGALRM, &sa, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}

/* A guard that reads again after a while. */
static pid_t
busy_guard(void)
{
	pid_t pid = fork();
	char buf[256];

	cr_assert_neq(pid, -1);
	if (pid != 0)
		return pid;
	(void)poll(NULL, 0, BUSY_MS);
	while (recv(guard, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	_exit(0);
}

Test(report, room_is_waited_for)
{
	pid_t pid;

	fill();
	pid = busy_guard();
	cr_assert_eq(cp_report_type(CP_MSG_MADE, CP_REPORT_INSIST), 0);
	waitpid(pid, NULL, 0);
}

Test(report, signals_do_not_shorten_the_wait)
{
	pid_t pid;

	fill();
	pid = busy_guard();
	be_interrupted();
	cr_assert_eq(cp_report_type(CP_MSG_MADE, CP_REPORT_INSIST), 0);
	cr_assert_gt(interrupts, 20, "it was not tested");
	waitpid(pid, NULL, 0);
}

/* Nobody reads: given up, and nobody waits for a while. */
Test(report, guard_that_does_not_read)
{
	fill();
	cr_assert(!cp_report_is_muted());
	cr_assert_eq(cp_report_type(CP_MSG_MADE, CP_REPORT_INSIST), -1);
	cr_assert(cp_report_is_muted());
}
