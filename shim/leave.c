/* SPDX-License-Identifier: MIT */
/*
 * Orderly exit: the host gives up its ends of the duplex wards' channels, lets
 * the guard end them, and waits for that, so that they are gone when its own
 * parent learns of its death.  One-way wards may still be working off what
 * they were sent, and are left to the guard.
 *
 * Runs at the end of exit(3), behind all handlers of the host, or inside a
 * signal handler: system calls only but for the flushing of stdio.  Nothing is
 * ever waited for with wait(2): a child's status is the host's.
 */
#include <sys/socket.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"
#include "common/procfs.h"
#include "common/raw.h"
#include "common/wire.h"
#include "config.h"
#include "finish.h"
#include "init.h"
#include "leave.h"
#include "owner.h"
#include "report.h"
#include "ward.h"

#define AGAIN_MS  500 /* the sentinel may have replaced the guard */
#define MARGIN_MS 1000

enum { HERE, LEAVING, LEFT };
static _Atomic int state;

void
cp_leave_reset(void)
{
	atomic_store(&state, HERE);
}

static bool
is_duplex(const struct cp_record *r)
{
	return (r->flags & CP_WARD_DUPLEX) != 0;
}

static bool
found_one(const struct cp_record *r, void *found)
{
	*(bool *)found = is_duplex(r) && !cp_ward_is_over(r);
	return !*(bool *)found;
}

/*
 * Something else goes over the descriptor, so that it is never free: another
 * thread could open a file there, and the host write its protocol into it.
 */
static bool
give_up(const struct cp_record *r, void *null)
{
	for (int i = 0; is_duplex(r) && i < 2; i++) {
		const struct cp_channel *ch = &r->channel[i];
		struct cp_end_id end;

		if (ch->host_fd >= 0 &&
		    cp_procfs_own_end(ch->host_fd, &end) == 0 &&
		    cp_procfs_is_host_end(ch, &end))
			(void)syscall(SYS_dup3, *(int *)null, ch->host_fd,
			    O_CLOEXEC);
	}
	return true;
}

static void
give_up_ends(void)
{
	int null = cp_raw_openat(AT_FDCWD, "/dev/null", O_RDWR);

	if (null == -1) /* a bare root: good for nothing but its number */
		null = cp_raw_openat(AT_FDCWD, "/", O_PATH);
	if (null == -1)
		return;
	cp_ward_each(give_up, &null);
	cp_raw_close(null);
}

/* False if there is no guard: a stopped one is waited for, then left be. */
static bool
ask_guard(void)
{
	const struct cp_options *o = cp_options();
	struct cp_msg msg = { .magic = CP_WIRE_MAGIC, .type = CP_MSG_LEAVE };
	struct cp_msg answer;
	int64_t end = cp_clock_ms() + o->exit_grace_ms + o->term_ms + MARGIN_MS;
	struct pollfd p = { .events = POLLIN };
	bool there = true, done = false;

	if (!cp_report_known())
		return false;
	p.fd = cp_ask_connect();
	if (p.fd == -1)
		return false;
	while (there && !done && cp_clock_ms() < end) {
		int64_t again = cp_clock_ms() + AGAIN_MS;

		there = syscall(SYS_sendto, p.fd, &msg, sizeof(msg),
			    MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) != -1 ||
		    errno == EAGAIN || errno == ENOBUFS;
		if (again > end)
			again = end;
		if (there && cp_clock_wait(&p, 1, again) > 0)
			done = cp_ask_answer(p.fd, CP_MSG_GONE, &answer);
	}
	cp_raw_close(p.fd);
	return there;
}

/*
 * What the host wrote to a ward through stdio would be flushed right after
 * us, into the void.  fcloseall(3) of glibc is what exit itself does, and
 * takes no lock of a stream that another thread sits in.
 */
static void
flush_stdio(void)
{
	int (*flush)(void);

	*(void **)&flush = dlsym(RTLD_DEFAULT, "fcloseall");
	if (flush != NULL)
		(void)flush();
}

static bool
leave(bool flush)
{
	int here = HERE, saved = errno;
	bool some = false;

	if (!atomic_compare_exchange_strong(&state, &here, LEAVING))
		return here == LEFT;
	if (!cp_options()->dry_run && cp_has_wards()) {
		cp_drain();
		cp_ward_each(found_one, &some);
	}
	if (some) {
		if (flush)
			flush_stdio();
		give_up_ends();
		if (!ask_guard())
			cp_finish();
	}
	atomic_store(&state, LEFT);
	cp_errno(saved);
	return true;
}

void
cp_leave_exit(void *unused)
{
	(void)unused;
	if (cp_where() == CP_OWNER)
		(void)leave(true);
}

void
cp_leave_quick_exit(void *unused)
{
	(void)unused;
	if (cp_where() == CP_OWNER)
		(void)leave(false);
}

bool
cp_leave_signal(void)
{
	return leave(false);
}
