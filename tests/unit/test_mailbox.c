/* SPDX-License-Identifier: MIT */
/* What a host's children leave in memory for a guard that will look. */
#include <sys/mman.h>

#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "../../shim/common/mailbox.h"
#include "../../tools/guard/cradle.h"
#include "../../tools/guard/look.h"
#include "../../tools/guard/mailbox.h"
#include "../../tools/guard/newborn.h"
#include "senders.h"

#define OLD  (NOW + CP_LOOK_MS)
#define SEEN (NOW + 100) /* any promise is due */

static struct cp_mailbox *box; /* as the host has it */

static int
file_of(size_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void
offer(const struct cp_msg *m, int fd)
{
	cr_assert_eq(send_bytes(m, sizeof(*m), fd), 0);
	hear();
	close(fd);
}

/* A ward is told of by a datagram: if we have a mailbox, it is looked at. */
static pid_t
wake(void)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = sender(&m, 0);

	hear();
	return pid;
}

static void
begin_shared(void)
{
	struct cp_msg m = message(CP_MSG_MAILBOX, getpid(), 0);
	int fd;

	begin();
	cr_assert_eq(cp_cradle_init(), 0);
	cr_assert_geq(cp_told_host(getpid(), NOW)->pidfd, 0);
	fd = file_of(sizeof(*box), F_SEAL_SHRINK);
	box = mmap(NULL, sizeof(*box), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	cr_assert_neq(box, MAP_FAILED);
	offer(&m, fd);
	cr_assert_eq(box->look, 0);
	cr_assert(cp_mailbox_renewed());
}

TestSuite(mailbox, .timeout = 60, .init = begin_shared, .fini = end);

#define TICK_NS 10000000 /* of USER_HZ, which is 100 nearly everywhere */

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
post_as(const struct cp_msg *m, uint64_t told)
{
	struct cp_letter *l = &box->letter[box->next++ % CP_LETTERS];

	cr_assert_eq(cp_letter_step(l->step), CP_LETTER_EMPTY);
	l->msg = *m;
	l->told = told;
	l->step = cp_letter_at(l->step + 4, CP_LETTER_FULL);
}

static void
post(pid_t pid)
{
	struct cp_msg m = message(CP_MSG_WARD, pid, getpid());

	post_as(&m, now_ns() + TICK_NS); /* it has no channels */
}

static bool
is_empty(void)
{
	for (int i = 0; i < CP_LETTERS; i++)
		if (cp_letter_step(box->letter[i].step) != CP_LETTER_EMPTY)
			return false;
	return true;
}

static pid_t
ended(void)
{
	pid_t pid = sender(NULL, 0);

	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* Who would read it if this guard died must have it first. */
Test(mailbox, no_look_before_the_sentinel_has_it)
{
	struct cp_msg m = message(CP_MSG_MAILBOX, getpid(), 0);
	int fd = file_of(sizeof(*box), F_SEAL_SHRINK);

	cr_assert(!cp_mailbox_renewed());
	box = mmap(NULL, sizeof(*box), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	cr_assert_neq(box, MAP_FAILED);
	offer(&m, fd);
	wake();
	cr_assert_eq(box->look, 0);
	cr_assert(cp_mailbox_renewed());
	wake();
	cr_assert_neq(box->look, 0);
}

Test(mailbox, look_is_promised_to_who_spawns)
{
	uint64_t before = now_ns();

	cr_assert_eq(box->look, 0);
	cr_assert_eq(cp_mailbox_next(), 0);
	wake();
	cr_assert_gt(cp_mailbox_next(), NOW);
	cr_assert_lt(cp_mailbox_next(), OLD);
	cr_assert_gt(box->look, before + (cp_mailbox_next() - NOW) * 1000000);
	cr_assert_lt(box->look, now_ns() + (OLD - NOW) * 1000000);
}

Test(mailbox, letter_is_a_registration)
{
	pid_t first = wake(), pid = sender(NULL, 0);

	post(pid);
	cp_mailbox_attend(cp_mailbox_next() - 1);
	cr_assert(!is_empty());
	cp_mailbox_attend(cp_mailbox_next());
	cr_assert(is_empty());
	cr_assert_eq(cp_facts_wards(), 0, "it is young");
	cp_newborn_attend(SEEN, CP_NEWBORN_OLD);
	cr_assert(!registered(first)->dead);
	cr_assert(!registered(pid)->dead);
	cr_assert_geq(registered(pid)->pidfd, 0);
}

/* While letters come it goes on, ever more rarely, and then it sleeps. */
Test(mailbox, promise_is_renewed_while_it_is_used)
{
	uint64_t at, look, wait = 0;

	wake();
	for (int i = 0; i < 5; i++) {
		at = cp_mailbox_next();
		look = box->look;
		post(ended());
		cp_mailbox_attend(at);
		cr_assert_geq(cp_mailbox_next() - at, wait);
		cr_assert_gt(box->look, look);
		wait = cp_mailbox_next() - at;
	}
	cr_assert_leq(wait, CP_LOOK_MS);
	cp_mailbox_attend(cp_mailbox_next());
	cr_assert_neq(box->look, 0, "one look more");
	cp_mailbox_attend(cp_mailbox_next());
	cr_assert_eq(box->look, 0);
	cr_assert_eq(cp_mailbox_next(), 0);
	post(ended());
	cp_mailbox_attend(NOW + 1000);
	cr_assert(!is_empty(), "nobody is awake");
	wake();
	cr_assert_neq(box->look, 0);
	cr_assert_lt(cp_mailbox_next() - NOW, wait, "it was quiet");
	cp_mailbox_attend(cp_mailbox_next());
	cr_assert(is_empty());
}

/* As long as few come they are written to the same page. */
Test(mailbox, what_was_read_is_written_to_again)
{
	wake();
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 3; k++)
			post(ended());
		cr_assert_leq(box->next, 3);
		cp_mailbox_attend(cp_mailbox_next());
		cr_assert(is_empty());
	}
}

/* One that took its place before the look, and fills it after. */
Test(mailbox, late_letter_is_read_next_time)
{
	struct cp_msg m = message(CP_MSG_WARD, ended(), getpid());
	struct cp_letter *late = &box->letter[7];

	wake();
	box->next = 8;
	cp_mailbox_attend(cp_mailbox_next());
	wake();
	late->msg = m;
	late->told = now_ns();
	late->step = cp_letter_at(4, CP_LETTER_FULL);
	cp_mailbox_attend(cp_mailbox_next());
	cr_assert(is_empty());
}

/* Who comes after a guard does not know how far that one had to look. */
Test(mailbox, last_look_is_at_all)
{
	struct cp_msg m = message(CP_MSG_WARD, ended(), getpid());
	struct cp_letter *last = &box->letter[CP_LETTERS - 1];

	last->msg = m;
	last->told = now_ns();
	last->step = cp_letter_at(4, CP_LETTER_FULL);
	cr_assert_eq(cp_mailbox_close(0, NOW), 1);
	cr_assert(is_empty());
}

/* Told by a datagram all the same: there was no room. */
Test(mailbox, full_one_is_emptied)
{
	wake();
	for (int i = 0; i < CP_LETTERS; i++)
		post(ended());
	wake();
	cr_assert(is_empty());
}

/* Who has ended by then may have left somebody, whom nobody has heard. */
Test(mailbox, who_has_ended_waits_for_a_census)
{
	struct cp_ward *w;
	pid_t pid;

	wake();
	pid = ended();
	post(pid);
	cp_mailbox_attend(cp_mailbox_next());
	cr_assert(cp_newborn_any_dead());
	cp_newborn_attend(NOW, CP_NEWBORN_DEAD);
	w = registered(pid);
	cr_assert(w->dead);
	cr_assert_eq(w->unheard, CP_UNHEARD_ALL);
	cr_assert_eq(w->start, 0);
}

/* A host speaks for its own children. */
Test(mailbox, stranger_is_no_ward)
{
	wake();
	cr_assert_gt(getppid(), 1);
	post(getppid());
	cp_mailbox_attend(SEEN);
	cp_newborn_attend(SEEN, CP_NEWBORN_ALL);
	cr_assert(is_empty());
	cr_assert_null(cp_facts_find_ward(getppid()));
}

/* Who has this PID now was not there when it was told of. */
Test(mailbox, pid_is_used_again)
{
	struct cp_msg m;
	pid_t pid = sender(NULL, 0);

	wake();
	m = message(CP_MSG_WARD, pid, getpid());
	post_as(&m, 1);
	cp_mailbox_attend(SEEN);
	cp_newborn_attend(SEEN, CP_NEWBORN_ALL);
	cr_assert(registered(pid)->dead);
	cr_assert_eq(registered(pid)->start, 0);
}

/* Nor when it can't wait: its host is leaving. */
Test(mailbox, pid_is_used_again_in_a_hurry)
{
	struct cp_msg m;
	pid_t pid = sender(NULL, 0);

	wake();
	cp_told_host(getpid(), NOW)->leaving = true;
	m = message(CP_MSG_WARD, pid, getpid());
	post_as(&m, 1);
	cp_mailbox_attend(SEEN);
	cr_assert(registered(pid)->dead);
	cr_assert_eq(registered(pid)->unheard, CP_UNHEARD_ALL);
}

Test(mailbox, other_letters_are_thrown_away)
{
	struct cp_msg m[4];
	pid_t pid = sender(NULL, 0);

	wake();
	for (int i = 0; i < 4; i++)
		m[i] = message(CP_MSG_WARD, pid, getpid());
	m[0].magic = 0;
	m[1].type = CP_MSG_EXEC;
	m[2].flags |= CP_WARD_UNDO;
	m[3].pid = 1;
	for (int i = 0; i < 4; i++)
		post_as(&m[i], now_ns());
	cp_mailbox_attend(SEEN);
	cp_newborn_attend(SEEN, CP_NEWBORN_ALL);
	cr_assert(is_empty());
	cr_assert_null(cp_facts_find_ward(pid));
}

/* Half written, or taken back: not to be read. */
Test(mailbox, unfinished_letter_is_left)
{
	pid_t pid = sender(NULL, 0);
	struct cp_letter *l = &box->letter[0];

	wake();
	post(pid);
	l->step = cp_letter_at(l->step, CP_LETTER_WRITING);
	cp_mailbox_attend(SEEN);
	cr_assert_eq(cp_letter_step(l->step), CP_LETTER_WRITING);
	cp_newborn_attend(SEEN, CP_NEWBORN_ALL);
	cr_assert_null(cp_facts_find_ward(pid));
}

/* What the host says of its wards is said of those in letters, too. */
Test(mailbox, other_news_come_after_it)
{
	struct cp_msg m = message(CP_MSG_EXEC, 0, 0);
	pid_t pid = sender(NULL, 0);

	wake();
	post(pid);
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(registered(pid)->host->gone_ms, NOW);
}

/* The exec failed after the letter was read: the child itself says so. */
Test(mailbox, failed_exec_is_taken_back)
{
	struct cp_msg undo = message(CP_MSG_WARD, 0, getpid());
	int go[2];
	char c;
	pid_t pid;

	cr_assert_eq(pipe(go), 0);
	undo.flags |= CP_WARD_UNDO;
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		close(gate[1]);
		(void)!read(go[0], &c, 1);
		(void)say(&undo);
		(void)!read(go[0], &c, 1);
		_exit(0);
	}
	wake();
	post(pid);
	cp_mailbox_attend(SEEN);
	cr_assert_eq(write(go[1], "", 1), 1);
	hear();
	cp_newborn_attend(SEEN, CP_NEWBORN_ALL);
	cr_assert_null(cp_facts_find_ward(pid));
	close(go[1]);
}

Test(mailbox, last_look)
{
	pid_t pid = sender(NULL, 0);

	wake();
	post(pid);
	cr_assert_eq(cp_mailbox_close(1, NOW), 0, "of another host");
	cr_assert_eq(cp_mailbox_close(getpid(), NOW), 1);
	cr_assert_eq(box->look, 0);
	cr_assert(is_empty());
	wake();
	cr_assert_eq(box->look, 0, "it is closed");
}

/* The host has exec'd; what its children had left before is read. */
Test(mailbox, new_one_replaces_it)
{
	struct cp_msg m = message(CP_MSG_MAILBOX, getpid(), 0);

	wake();
	post(ended());
	offer(&m, file_of(sizeof(*box), F_SEAL_SHRINK));
	cr_assert(is_empty());
	cr_assert(cp_mailbox_renewed());
	wake();
	cr_assert_eq(box->look, 0);
	cr_assert_neq(cp_mailbox_next(), 0);
}

/* Could be cut off, is too small, another's, of another PID namespace. */
Test(mailbox, unfit_ones_are_refused)
{
	struct cp_msg m = message(CP_MSG_MAILBOX, getpid(), 0);

	(void)cp_mailbox_close(0, NOW);
	offer(&m, file_of(sizeof(*box), F_SEAL_GROW));
	offer(&m, file_of(sizeof(*box) - 1, F_SEAL_SHRINK));
	offer(&m, open("/dev/null", O_RDWR | O_CLOEXEC));
	m.pid = 7;
	offer(&m, file_of(sizeof(*box), F_SEAL_SHRINK));
	m.pid = getpid();
	cr_assert_eq(say(&m), 0);
	hear();
	cp_facts_forget_host(cp_told_host(getpid(), NOW));
	offer(&m, file_of(sizeof(*box), F_SEAL_SHRINK));
	cr_assert(!cp_mailbox_renewed());
	wake();
	cr_assert_eq(cp_mailbox_next(), 0);
}
