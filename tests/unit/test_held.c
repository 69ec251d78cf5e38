/* SPDX-License-Identifier: MIT */
/* Who else has a host end, if somebody is about to end. */
#include <criterion/criterion.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <pthread.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/clock.h"
#include "../../shim/held.h"

#define NOBODY 4194303 /* the highest PID: nobody has it */

static struct cp_held held;
static int gate[2], waits;
static int64_t clock_ms;
static pid_t ending;

int64_t
cp_clock_ms(void)
{
	return clock_ms;
}

/* Lets it end. */
int
cp_clock_wait(struct pollfd *p, size_t n, int64_t deadline)
{
	siginfo_t si;

	cr_assert_null(p);
	cr_assert_eq(n, 0);
	clock_ms = deadline;
	if (waits++ == 0)
		close(gate[1]);
	cr_assert_eq(waitid(P_PID, (id_t)ending, &si, WEXITED | WNOWAIT), 0);
	return 0;
}

static void *
stay(void *unused)
{
	char c;

	(void)unused;
	(void)!read(gate[0], &c, 1);
	_exit(0);
}

/* A child whose main thread has ended, and another has not. */
static void
make(void)
{
	struct cp_stat st = { .state = 0 };
	struct stat host;
	pthread_t thread;
	int channel[2];

	cr_assert_eq(pipe(gate) + pipe(channel), 0);
	cr_assert_eq(fstat(channel[1], &host), 0);
	ending = fork();
	if (ending == 0) {
		close(gate[1]);
		close(channel[0]);
		close(channel[1]);
		if (pthread_create(&thread, NULL, stay, NULL) != 0)
			_exit(1);
		pthread_exit(NULL);
	}
	for (int i = 0; i < 5000 && st.state != 'Z'; i++) {
		(void)poll(NULL, 0, 1);
		cr_assert_eq(cp_procfs_stat(ending, &st), 0);
	}
	cr_assert_eq(st.threads, 2);
	held.of[0].pid = NOBODY;
	for (int k = 0; k < 2; k++)
		held.of[0].channel[k] = (struct cp_channel){
			.kind = CP_KIND_PIPE,
			.access = CP_READ,
			.child = host.st_ino,
			.host = host.st_ino
		};
}

TestSuite(held, .timeout = 60, .init = make);

/* One test, since all of them would see each other's. */
Test(held, who_is_ending_is_waited_for)
{
	cp_held_look(&held, 1, clock_ms);
	cr_assert_eq(waits, 0);
	cr_assert(held.of[0].found, "unknown means alive");
	held.of[0].found = false;
	cp_held_look(&held, 1, clock_ms + 1000000);
	cr_assert_geq(waits, 1);
	cr_assert_not(held.of[0].found);
}
