/* SPDX-License-Identifier: MIT */
/* See sight.h. */
#include <errno.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "sight.h"

/* What PID has at FD. */
static const struct cp_sight *
see(struct cp_sight *seen, pid_t pid, int fd)
{
	struct cp_sight *s = &seen[(unsigned)fd % CP_SIGHTS];
	char path[CP_PATH_SIZE], text[64];
	size_t at = cp_procfs_path(path, sizeof(path), pid, "/fd/");
	ssize_t len;

	if (at == 0 || (s->pid == pid && s->fd == fd))
		return at == 0 ? NULL : s;
	*s = (struct cp_sight){ .pid = pid, .fd = fd };
	cp_procfs_decimal(path + at, (uint64_t)fd);
	len = readlink(path, text, sizeof(text));
	if (len < 0)
		s->error = errno;
	else
		cp_procfs_parse_link(text, (size_t)len, &s->end);
	return s;
}

static bool
may_have(struct cp_sight *seen, const struct cp_host *h,
    const struct cp_channel *ch)
{
	const struct cp_sight *s = ch->host_fd < 0 ?
	    NULL :
	    see(seen, h->pid, ch->host_fd);

	if (s == NULL)
		return true;
	if (s->error != 0)
		return s->error != ENOENT;
	return s->end.kind == CP_KIND_PTMX ||
	    (s->end.kind == ch->kind && s->end.ino == ch->host);
}

bool
cp_sight_cut_off(struct cp_sight *seen, const struct cp_host *h,
    const struct cp_channel ch[2])
{
	for (int k = 0; k < 2; k++)
		if (ch[k].kind != CP_KIND_NONE && may_have(seen, h, &ch[k]))
			return false;
	return true;
}
