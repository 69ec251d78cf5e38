/* SPDX-License-Identifier: MIT */
/* See sight.h. */
#include <sys/stat.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "borrow.h"
#include "sight.h"

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
	p.fd = cp_borrow(h->pidfd, ch->host_fd);
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
