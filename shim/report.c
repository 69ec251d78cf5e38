/* SPDX-License-Identifier: MIT */
/*
 * One datagram to the guard, by a socket that lives no longer than the call:
 * an idle descriptor of ours would be closed, or inherited, by somebody.
 *
 * The guard's queue is short (net.unix.max_dgram_qlen is 10), and a spawn
 * storm fills it, so a registration waits for room.  A guard that does not
 * read at all must not hold up the host on each spawn: after a message had to
 * be given up, none waits for a while, which doubles up to half a minute.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "common/raw.h"
#include "common/start.h"
#include "config.h"
#include "note.h"
#include "owner.h"
#include "report.h"

#define TRY_US	     100000
#define WAIT_MS	     1000
#define RETIRE_TRIES 100 /* of a millisecond */
#define STARTS	     3
#define MUTE_MS	     1000
#define STRIKES_MAX  5

bool
cp_report_is_muted(void)
{
	struct cp_shared *s = cp_owner_shared();

	return s == NULL || cp_clock_ms() < atomic_load(&s->mute_ms);
}

void
cp_report_mute(void)
{
	struct cp_shared *s = cp_owner_shared();
	uint32_t n;

	if (cp_report_is_muted())
		return;
	n = atomic_fetch_add(&s->strikes, 1);
	atomic_store(&s->mute_ms,
	    cp_clock_ms() +
		((int64_t)MUTE_MS << (n < STRIKES_MAX ? n : STRIKES_MAX)));
	cp_note(CP_NOTE_DEAF, "guard", "it does not listen (is it stopped?)",
	    0);
}

static int
deliver(int fd, const struct cp_msg *msg, int flags)
{
	struct sockaddr_un sun;
	socklen_t len = cp_wire_address(cp_guard_name(), &sun);

	if (len == 0) {
		errno = ECONNREFUSED;
		return -1;
	}
	return syscall(SYS_sendto, fd, msg, sizeof(*msg), flags | MSG_NOSIGNAL,
		   &sun, len) == -1 ?
	    -1 :
	    0;
}

static bool
is_full(void)
{
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR;
}

static int
send_one(const struct cp_msg *msg, int how)
{
	struct cp_shared *s = cp_owner_shared();
	struct timeval limit = { .tv_usec = TRY_US };
	int64_t until = cp_clock_ms() + WAIT_MS;
	int rc,
	    fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC,
		0);

	if (fd == -1)
		return -1;
	rc = deliver(fd, msg, MSG_DONTWAIT);
	if (rc == -1 && is_full() && how & CP_REPORT_INSIST &&
	    !cp_report_is_muted()) {
		(void)syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO,
		    &limit, sizeof(limit));
		/* By the clock: a host full of SIGCHLDs interrupts each try. */
		while (rc == -1 && is_full() && cp_clock_ms() < until &&
		    !cp_report_is_muted())
			rc = deliver(fd, msg, 0);
		if (rc == -1 && is_full())
			cp_report_mute();
	}
	cp_raw_close(fd);
	if (rc == 0 && s != NULL) {
		atomic_store_explicit(&s->known, 1, memory_order_relaxed);
		atomic_store_explicit(&s->strikes, 0, memory_order_relaxed);
	}
	return rc;
}

/* A guard that has nobody left is closing: the name is free soon. */
static int
send_waiting(const struct cp_msg *msg, int how)
{
	struct timespec moment = { 0, 1000000 };
	int rc = send_one(msg, how);

	for (int i = 0; i < RETIRE_TRIES && rc == -1 && errno == EPIPE &&
	     how & CP_REPORT_INSIST;
	     i++) {
		(void)syscall(SYS_ppoll, NULL, 0, &moment, NULL, 0);
		rc = send_one(msg, how);
	}
	return rc;
}

/* 0 if there is a guard now, or somebody else is about to have one. */
static int
start_guard(void)
{
	struct cp_shared *s = cp_owner_shared();
	char *env[] = { (char *)(uintptr_t)cp_options_variable(), NULL };

	if (s == NULL || atomic_load(&s->broken) != 0 ||
	    cp_guard_path()[0] == '\0')
		return -1;
	if (env[0][0] == '\0')
		env[0] = NULL;
	if (cp_guard_start(cp_guard_name(), cp_guard_path(), env) == 0 ||
	    errno == EADDRINUSE)
		return 0;
	/* Being out of descriptors passes; a missing file does not. */
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM &&
	    errno != EAGAIN)
		atomic_store(&s->broken, 1);
	cp_note(CP_NOTE_START, cp_guard_path(),
	    "not started (install it again)", errno);
	return -1;
}

int
cp_report(const struct cp_msg *msg, int how)
{
	struct cp_msg whole = *msg;
	int rc, saved = errno;

	whole.magic = CP_WIRE_MAGIC;
	rc = send_waiting(&whole, how);
	/* Again: one that we start may find its host dead, and end at once. */
	for (int i = 0; i < STARTS && rc == -1 && errno == ECONNREFUSED &&
	     how & CP_REPORT_START;
	     i++) {
		if (start_guard() == -1) {
			errno = ECONNREFUSED;
			break;
		}
		rc = send_waiting(&whole, how);
	}
	if (rc == 0)
		cp_errno(saved);
	return rc;
}

int
cp_report_file(const struct cp_msg *msg, int file)
{
	struct cp_msg whole = *msg;
	struct iovec iov = { &whole, sizeof(whole) };
	union {
		char buf[CMSG_SPACE(sizeof(file))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct timeval limit = { .tv_usec = TRY_US };
	struct sockaddr_un sun;
	struct msghdr mh = { .msg_name = &sun,
		.msg_namelen = cp_wire_address(cp_guard_name(), &sun),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.buf) };
	int rc, fd;

	whole.magic = CP_WIRE_MAGIC;
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(file));
	memcpy(CMSG_DATA(&control.align), &file, sizeof(file));
	if (mh.msg_namelen == 0)
		return -1;
	fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	rc = (int)syscall(SYS_sendmsg, fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (rc == -1 && is_full() && !cp_report_is_muted()) {
		(void)syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO,
		    &limit, sizeof(limit));
		rc = (int)syscall(SYS_sendmsg, fd, &mh, MSG_NOSIGNAL);
	}
	cp_raw_close(fd);
	return rc == -1 ? -1 : 0;
}

int
cp_report_type(enum cp_msg_type type, int how)
{
	struct cp_msg msg = { .type = (uint16_t)type };

	return cp_report(&msg, how);
}

bool
cp_report_known(void)
{
	struct cp_shared *s = cp_owner_shared();

	return cp_guard_given() || (s != NULL && atomic_load(&s->known) != 0);
}

void
cp_report_made(void)
{
	struct cp_shared *s = cp_owner_shared();
	int saved = errno;
	struct timespec now;
	int64_t last;

	if (s == NULL || !cp_report_known())
		return;
	/* Never 0 in `made_s`, even in the first second after the boot. */
	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	last = atomic_load(&s->made_s);
	if (now.tv_sec + 1 != last &&
	    atomic_compare_exchange_strong(&s->made_s, &last, now.tv_sec + 1))
		(void)cp_report_type(CP_MSG_MADE, 0);
	cp_errno(saved);
}
