/* SPDX-License-Identifier: MIT */
/*
 * Senders of messages, for the tests of told.c.  They are children of the
 * test, who is the guard; each waits at a gate until the test is over.
 */
#ifndef CP_SENDERS_H
#define CP_SENDERS_H

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../shim/common/wire.h"
#include "../../tools/guard/journal.h"
#include "../../tools/guard/socket.h"
#include "../../tools/guard/told.h"
#include "../../tools/guard/watch.h"

#define LIMIT_MS 10000
#define NOW	 1000
#define SOMEBODY 65534 /* another user */

static int gate[2], sock;
static struct sockaddr_un guard;
static socklen_t guard_len;

static inline void
begin(void)
{
	char name[32];
	int on = 1;

	cr_assert_eq(pipe(gate), 0);
	snprintf(name, sizeof(name), "childproof/told/%d", (int)getpid());
	guard_len = cp_wire_address(name, &guard);
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)),
	    0);
	cr_assert_eq(bind(sock, (struct sockaddr *)&guard, guard_len), 0);
	cr_assert_eq(cp_facts_init(), 0);
	cr_assert_eq(cp_watch_init(), 0);
	cp_journal_open("none");
	cr_assert_eq(cp_socket_open(sock), 0);
}

static inline void
end(void)
{
	close(gate[1]);
	while (wait(NULL) > 0)
		;
}

/* Sends LEN bytes, and descriptor FD if it isn't -1. */
static inline int
send_bytes(const void *bytes, size_t len, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr mh = { .msg_name = &guard,
		.msg_namelen = guard_len,
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t sent;

	if (fd != -1) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	sent = sendmsg(s, &mh, 0);
	close(s);
	return sent == (ssize_t)len ? 0 : -1;
}

static inline int
say(const struct cp_msg *m)
{
	return send_bytes(m, sizeof(*m), -1);
}

/* A message of TYPE; those of a ward tell of two pipes. */
static inline struct cp_msg
message(enum cp_msg_type type, pid_t pid, pid_t host)
{
	struct cp_msg m = { .magic = CP_WIRE_MAGIC,
		.type = (uint16_t)type,
		.pid = pid,
		.host = host };

	for (int i = 0; i < 2; i++)
		m.channel[i] = (struct cp_channel){ .kind = CP_KIND_PIPE,
			.access = i == 0 ? CP_READ : CP_WRITE,
			.kept = CP_KEPT_YES,
			.host_fd = 10 + i,
			.child = 100 + (uint64_t)i,
			.host = 100 + (uint64_t)i };
	m.flags = CP_WARD_DUPLEX;
	memcpy(m.name, "server", sizeof("server"));
	return m;
}

/* A child that says M as user UID (0: as we), if any, and waits. */
static inline pid_t
sender(const struct cp_msg *m, uid_t uid)
{
	pid_t pid = fork();
	char c;

	cr_assert_neq(pid, -1);
	if (pid != 0)
		return pid;
	close(gate[1]);
	close(sock);
	if (uid != 0 && setresuid(uid, uid, uid) != 0)
		_exit(1);
	if (m != NULL && say(m) != 0)
		_exit(1);
	_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
}

/* Waits for one message and hears it. */
static inline void
hear(void)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	cr_assert_eq(poll(&p, 1, LIMIT_MS), 1, "nothing was said");
	cr_assert_eq(cp_told_hear(NOW, 1), 1);
}

static inline struct cp_ward *
registered(pid_t pid)
{
	struct cp_ward *w = cp_facts_find_ward(pid);

	cr_assert_not_null(w);
	cr_assert_eq(w->pid, pid);
	return w;
}

/* A ward of ours that registered itself. */
static inline struct cp_ward *
own_ward(void)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = sender(&m, 0);

	hear();
	return registered(pid);
}

#endif
