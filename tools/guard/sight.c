/* SPDX-License-Identifier: MIT */
/* See sight.h. */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "sight.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* What PID has at FD. */
static const struct cp_sight *
see(struct cp_sight *seen, pid_t pid, int fd)
{
	struct cp_sight *s = &seen[(unsigned)fd % CP_SIGHTS];

	if (s->pid == pid && s->fd == fd)
		return s;
	*s = (struct cp_sight){ .pid = pid, .fd = fd };
	if (cp_procfs_link(pid, fd, &s->end) != 0)
		s->error = errno;
	return s;
}

static bool
may_have(struct cp_sight *seen, const struct cp_host *h,
    const struct cp_channel *ch)
{
	const struct cp_sight *s;

	if (ch->host_fd < 0)
		return true;
	s = see(seen, h->pid, ch->host_fd);
	if (s->error != 0)
		return s->error != ENOENT;
	return s->end.kind == CP_KIND_PTMX ||
	    (s->end.kind == ch->kind && s->end.ino == ch->host);
}

/*
 * A descriptor of the host's own, or -1 where that may not be had: under a
 * filter, which we have from the host and which may end who asks, or with the
 * ptrace scope that Ubuntu sets.  Each refusal is a line in the kernel's log
 * that reads like an attack: it is asked for no more after the first.
 */
static int
borrow(const struct cp_host *h, int fd)
{
	static int forbidden = -1; /* not known yet */
	int copy;

	if (forbidden == -1)
		forbidden = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
	if (forbidden)
		return -1;
	copy = (int)syscall(SYS_pidfd_getfd, h->pidfd, fd, 0);
	forbidden = copy < 0 && errno == EPERM;
	return copy;
}

/*
 * Has HOST the other end of a pipe or socket that nobody else has an end of?
 * The kernel is asked through the host's own descriptor.
 */
static bool
is_last(const struct cp_host *h, const struct cp_channel *ch)
{
	struct pollfd p = { .fd = -1 };
	struct stat st;
	bool last;

	if (ch->kind != CP_KIND_PIPE && ch->kind != CP_KIND_UNIX)
		return false;
	p.fd = borrow(h, ch->host_fd);
	if (p.fd < 0)
		return false;
	last = fstat(p.fd, &st) == 0 && st.st_ino == ch->host &&
	    (st.st_mode & S_IFMT) ==
		(ch->kind == CP_KIND_PIPE ? S_IFIFO : S_IFSOCK) &&
	    poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP)) != 0;
	close(p.fd);
	return last;
}

bool
cp_sight_cut_off(struct cp_sight *seen, const struct cp_host *h,
    const struct cp_channel ch[2])
{
	for (int k = 0; k < 2; k++)
		if (ch[k].kind != CP_KIND_NONE && may_have(seen, h, &ch[k]) &&
		    !is_last(h, &ch[k]))
			return false;
	return true;
}
