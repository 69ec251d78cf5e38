/* SPDX-License-Identifier: MIT */
/* Letters, as a host's children write them. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../shim/common/mailbox.h"
#include "../../shim/kept.h"
#include "../../shim/mailbox.h"
#include "../../shim/report.h"

#define MANY 16 /* when a mailbox is made */

static struct cp_mailbox *box; /* as the guard has it */
static struct cp_msg offered;
static int seals, error;
static bool sandboxed;

int
cp_report_file(const struct cp_msg *msg, int file)
{
	if (error != 0) {
		errno = error;
		return -1;
	}
	offered = *msg;
	seals = fcntl(file, F_GET_SEALS);
	box = mmap(NULL, sizeof(*box), PROT_READ | PROT_WRITE, MAP_SHARED, file,
	    0);
	cr_assert_neq(box, MAP_FAILED);
	return 0;
}

bool
cp_kept_sandboxed(void)
{
	return sandboxed;
}

TestSuite(posted, .timeout = 60);

static void
count(int n)
{
	for (int i = 0; i < n; i++)
		cp_mailbox_count();
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The guard will look in MS. */
static void
promise(int64_t ms)
{
	box->look = now_ns() + (uint64_t)(ms * 1000000);
}

static struct cp_msg
message(void)
{
	return (struct cp_msg){ .type = CP_MSG_WARD, .host = 7, .name = "x" };
}

static struct cp_posted
put(pid_t pid)
{
	struct cp_msg m = message();

	return cp_mailbox_put(&m, pid, now_ns());
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

Test(posted, made_for_who_spawns_a_lot)
{
	int before = open_files();

	count(MANY - 1);
	cr_assert_null(box);
	count(1);
	cr_assert_not_null(box);
	cr_assert_eq(offered.type, CP_MSG_MAILBOX);
	cr_assert_eq(offered.pid, getpid());
	cr_assert(seals & F_SEAL_SHRINK);
	cr_assert_eq(open_files(), before);
}

Test(posted, not_made_in_a_sandbox)
{
	sandboxed = true;
	count(3 * MANY);
	cr_assert_null(box);
}

/* Nobody listens yet, or there is no room; but not for ever. */
Test(posted, offered_again)
{
	error = ECONNREFUSED;
	count(MANY);
	error = 0;
	count(MANY - 1);
	cr_assert_null(box);
	count(1);
	cr_assert_not_null(box);
}

Test(posted, not_offered_for_ever)
{
	error = EAGAIN;
	count(100 * MANY);
	error = 0;
	count(100 * MANY);
	cr_assert_null(box);
}

Test(posted, nothing_is_left_for_who_sleeps)
{
	cr_assert_eq(put(5).index, -1);
	count(MANY);
	cr_assert_eq(put(5).index, -1);
	promise(-1);
	cr_assert_eq(put(5).index, -1, "it is late");
}

Test(posted, letter_says_what_a_message_says)
{
	struct cp_posted p;
	struct cp_letter *l;

	count(MANY);
	promise(10000);
	p = put(5);
	cr_assert_geq(p.index, 0);
	l = &box->letter[p.index];
	cr_assert_eq(cp_letter_step(l->step), CP_LETTER_FULL);
	cr_assert_eq(l->msg.magic, CP_WIRE_MAGIC);
	cr_assert_eq(l->msg.pid, 5);
	cr_assert_eq(l->msg.host, 7);
	cr_assert_str_eq(l->msg.name, "x");
	cr_assert_gt(l->told, 0);
}

/* A child has the same memory, and its own PID. */
Test(posted, child_speaks_for_itself)
{
	pid_t pid;

	count(MANY);
	promise(10000);
	pid = fork();
	if (pid == 0)
		_exit(put(getpid()).index < 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert_eq(box->letter[0].msg.pid, pid);
}

/* The kernel attests who it is: who holds its channels then is known by that. */
Test(posted, not_for_who_is_another_user_now)
{
	int status;
	pid_t pid;

	count(MANY);
	promise(10000);
	pid = fork();
	if (pid == 0)
		_exit(setresuid(65534, 65534, 65534) != 0 ? 2 :
							    put(getpid()).index >= 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 2)
		cr_skip_test("only root may");
	cr_assert_eq(status, 0);
	cr_assert_geq(put(5).index, 0);
}

Test(posted, what_needs_an_answer_is_said_aloud)
{
	static const uint16_t flags[] = { CP_WARD_ASK, CP_WARD_UNDO,
		CP_WARD_ANY };
	struct cp_msg m = message();

	count(MANY);
	promise(10000);
	for (int i = 0; i < 3; i++) {
		m.flags = flags[i];
		cr_assert_eq(cp_mailbox_put(&m, 5, now_ns()).index, -1);
	}
}

Test(posted, taken_back_until_it_is_read)
{
	struct cp_posted p, q;

	count(MANY);
	promise(10000);
	p = put(5);
	cr_assert(cp_mailbox_take_back(&p));
	cr_assert_eq(cp_letter_step(box->letter[p.index].step),
	    CP_LETTER_EMPTY);
	cr_assert(!cp_mailbox_take_back(&p));
	p = put(5);
	cr_assert(cp_letter_empty(&box->letter[p.index], p.word));
	cr_assert(!cp_mailbox_take_back(&p));
	/* The place is another's by now. */
	do
		q = put(6);
	while (q.index != p.index);
	cr_assert(!cp_mailbox_take_back(&p));
	cr_assert(cp_mailbox_take_back(&q));
	p.index = -1;
	cr_assert(!cp_mailbox_take_back(&p));
}

Test(posted, full)
{
	count(MANY);
	promise(10000);
	for (int i = 0; i < CP_LETTERS; i++)
		cr_assert_geq(put(5).index, 0);
	cr_assert_eq(put(5).index, -1);
	cr_assert(cp_letter_empty(&box->letter[0], box->letter[0].step));
	for (int i = 0; i < CP_LETTERS; i++)
		(void)put(6);
	cr_assert_eq(box->letter[0].msg.pid, 6);
}

Test(posted, forgotten)
{
	count(MANY);
	promise(10000);
	cp_mailbox_forget();
	cr_assert_eq(put(5).index, -1);
	box = NULL;
	count(MANY);
	cr_assert_not_null(box, "we are a host of our own");
}
