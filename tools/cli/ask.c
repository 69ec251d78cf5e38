/* SPDX-License-Identifier: MIT */
/*
 * See ask.h.  A socket is connected to the guard before it asks, so that
 * nobody else's datagram is taken for the answer, and the kernel attests whose
 * answer it is: anybody can bind a name that looks like a guard's.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"

#define WAIT_MS 1000
#define AT_ONCE 256 /* below the limit of descriptors */

static int
connect_to(const char *name)
{
	const sa_family_t family = AF_UNIX; /* alone: the kernel names us */
	struct sockaddr_un sun;
	socklen_t len = cp_wire_address(name, &sun);
	int on = 1, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (len == 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&family, sizeof(family)) != 0 ||
	    connect(fd, (const struct sockaddr *)&sun, len) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Waits until FD is ready, at most until END. */
static int
await(int fd, short events, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = end - cp_clock_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 ? 0 : -1;
}

static int
say(int fd, const struct cp_msg *msg)
{
	return send(fd, msg, sizeof(*msg), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ?
	    -1 :
	    0;
}

/* There is room for few; between two looks another may have taken it. */
static int
say_within(int fd, const struct cp_msg *msg, int64_t end)
{
	int rc;

	while ((rc = say(fd, msg)) != 0 && errno == EAGAIN)
		if (await(fd, POLLOUT, end) != 0)
			return -1;
	return rc;
}

/* Takes uid and descriptor out of the control data. */
static uid_t
attested(struct msghdr *mh, int *file)
{
	uid_t uid = (uid_t)-1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	     c = CMSG_NXTHDR(mh, c)) {
		struct ucred cred;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			uid = cred.uid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			memcpy(file, CMSG_DATA(c), sizeof(*file));
		}
	}
	return uid;
}

/* The answer that has come; *FILE is -1 if it has none. */
static int
hear(int fd, struct cp_msg *msg, int *file)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred)) +
		    CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t got;
	uid_t uid;
	int saved;

	*file = -1;
	got = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return -1;
	uid = attested(&mh, file);
	if (uid != geteuid() && uid != 0 && geteuid() != 0)
		errno = EACCES;
	else if (got != (ssize_t)sizeof(*msg) || msg->magic != CP_WIRE_MAGIC)
		errno = EPROTO;
	else
		return 0;
	saved = errno;
	if (*file >= 0)
		close(*file);
	*file = -1;
	errno = saved;
	return -1;
}

/* One question, one answer. */
static int
ask(const char *name, const struct cp_msg *msg, struct cp_msg *answer,
    int *file)
{
	struct cp_msg whole = *msg;
	int64_t end = cp_clock_ms() + WAIT_MS;
	int fd = connect_to(name), rc, saved;

	*file = -1;
	if (fd < 0)
		return -1;
	whole.magic = CP_WIRE_MAGIC;
	rc = say_within(fd, &whole, end);
	if (rc == 0)
		rc = await(fd, POLLIN, end);
	if (rc == 0)
		rc = hear(fd, answer, file);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

/* Takes the answer that waits in FD; errno, or 0. */
static int
take(int fd, struct cp_facts *f)
{
	struct cp_msg answer = { 0 };
	int file, error = 0;

	if (hear(fd, &answer, &file) != 0)
		return errno;
	if (file < 0 || answer.type != CP_MSG_FACTS)
		error = answer.type == CP_MSG_ANSWER ? EACCES : EPROTO;
	else if (cp_facts_map(file, f) != 0)
		error = errno;
	if (file >= 0)
		close(file);
	return error;
}

static const struct cp_msg query = { .magic = CP_WIRE_MAGIC,
	.type = CP_MSG_QUERY };

/* One step with the guard behind P: asks, or hears.  True: it is done. */
static bool
go_on(struct pollfd *p, struct cp_facts *f, int *error)
{
	if (p->events == POLLIN) {
		*error = take(p->fd, f);
		return true;
	}
	if (say(p->fd, &query) == 0) {
		p->events = POLLIN;
		return false;
	}
	if (errno == EAGAIN) /* others ask, too: it has no room yet */
		return false;
	*error = errno;
	return true;
}

static void
begin(const char *name, struct pollfd *p, struct cp_facts *f, int *error)
{
	*f = (struct cp_facts){ 0 };
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	*p = (struct pollfd){ .fd = connect_to(name), .events = POLLOUT };
	*error = p->fd >= 0 ? ETIMEDOUT : errno;
}

/* N guards from the I-th on. */
static void
ask_some(const struct cp_guards *g, size_t i, size_t n, struct cp_facts *facts,
    int *errors)
{
	struct pollfd p[AT_ONCE];
	int64_t end = cp_clock_ms() + WAIT_MS, left = WAIT_MS;
	size_t open = 0;

	for (size_t k = 0; k < n; k++) {
		begin(g->name[i + k], &p[k], &facts[i + k], &errors[i + k]);
		open += p[k].fd >= 0;
	}
	while (open > 0 && left > 0 && poll(p, n, (int)left) > 0) {
		for (size_t k = 0; k < n; k++) {
			if (p[k].fd < 0 || p[k].revents == 0 ||
			    !go_on(&p[k], &facts[i + k], &errors[i + k]))
				continue;
			close(p[k].fd);
			p[k].fd = -1;
			open--;
		}
		left = end - cp_clock_ms();
	}
	for (size_t k = 0; k < n; k++)
		if (p[k].fd >= 0)
			close(p[k].fd);
}

void
cp_ask_facts(const struct cp_guards *g, struct cp_facts *facts, int *errors)
{
	for (size_t i = 0; i < g->n; i += AT_ONCE)
		ask_some(g, i, g->n - i < AT_ONCE ? g->n - i : AT_ONCE, facts,
		    errors);
}

long
cp_ask(const char *name, const struct cp_msg *msg)
{
	struct cp_msg answer = { 0 };
	int file;

	if (ask(name, msg, &answer, &file) != 0)
		return -1;
	if (file >= 0)
		close(file);
	if (answer.type != CP_MSG_ANSWER) {
		errno = EPROTO;
		return -1;
	}
	return (long)answer.count;
}
