/* SPDX-License-Identifier: MIT */
/*
 * See hold.h.  The number of a descriptor may stand for another file a moment
 * later, and opening some files does something: so only the inode is taken
 * hold of (O_PATH does not open it), and then checked.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <unistd.h>

#include "hold.h"

#define PTS_MAJOR 136

/* Is it the end of CH with this inode; a pty's slave? */
static bool
is_end(int held, const struct cp_channel *ch, uint64_t ino)
{
	struct statfs fs;
	struct stat st;

	if (fstat(held, &st) != 0)
		return false;
	if (ch->kind == CP_KIND_PTY)
		return S_ISCHR(st.st_mode) && major(st.st_rdev) == PTS_MAJOR &&
		    minor(st.st_rdev) == ch->child;
	return st.st_ino == ino && fstatfs(held, &fs) == 0 &&
	    fs.f_type ==
	    (ch->kind == CP_KIND_PIPE ? PIPEFS_MAGIC : SOCKFS_MAGIC);
}

static int
hold_at(pid_t pid, int fd, const struct cp_channel *ch, uint64_t ino)
{
	char path[CP_PATH_SIZE];
	size_t len = cp_procfs_path(path, sizeof(path), pid, "/fd/");
	int held;

	if (len == 0 || fd < 0)
		return -1;
	cp_procfs_decimal(path + len, (uint64_t)fd);
	held = open(path, O_PATH | O_CLOEXEC);
	if (held >= 0 && !is_end(held, ch, ino)) {
		close(held);
		held = -1;
	}
	return held;
}

/* At its number, or at any other: servers move their wire away from stdio. */
static int
hold_of(pid_t pid, int k, const struct cp_channel *ch)
{
	_Alignas(uint64_t) char buf[4096];
	char path[CP_PATH_SIZE];
	struct cp_end_id end;
	struct cp_dir dir;
	int held = hold_at(pid, k, ch, ch->child), fds, fd;
	const char *name;

	if (held >= 0 || cp_procfs_path(path, sizeof(path), pid, "/fd") == 0)
		return held;
	fds = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fds < 0)
		return -1;
	cp_procfs_dir(&dir, fds, buf, sizeof(buf));
	while (held < 0 && (fd = cp_procfs_next(&dir, &name)) >= 0)
		if (cp_procfs_end_at(fds, name, &end) == 0 &&
		    end.kind == ch->kind && end.ino == ch->child)
			held = hold_at(pid, fd, ch, ch->child);
	close(fds);
	return held;
}

/* PATH: where HELD can be named.  Returns HELD. */
static int
name(int held, char path[CP_PATH_SIZE])
{
	size_t len;

	if (held < 0) {
		errno = ENOENT;
		return -1;
	}
	len = cp_procfs_path(path, CP_PATH_SIZE, getpid(), "/fd/");
	cp_procfs_decimal(path + len, (uint64_t)held);
	return held;
}

int
cp_hold(const struct cp_ward *w, int k, char path[CP_PATH_SIZE])
{
	const struct cp_channel *ch = &w->channel[k];
	const struct cp_member *m;
	int held = -1;

	/*
	 * Both ends of a pipe are one inode.  What is looked up in the /proc of
	 * a ward must be taken away again when it ends.
	 */
	if (ch->kind == CP_KIND_PIPE && !w->host->dead)
		held = hold_at(w->host->pid, ch->host_fd, ch, ch->child);
	if (held < 0 && !w->dead)
		held = hold_of(w->pid, k, ch);
	SLIST_FOREACH(m, &w->members, link)
		if (held < 0)
			held = hold_of(m->pid, k, ch);
	return name(held, path);
}

int
cp_hold_host(const struct cp_ward *w, int k, char path[CP_PATH_SIZE])
{
	const struct cp_channel *ch = &w->channel[k];

	if (w->host->dead ||
	    (ch->kind != CP_KIND_PIPE && ch->kind != CP_KIND_UNIX))
		return name(-1, path);
	return name(hold_at(w->host->pid, ch->host_fd, ch, ch->host), path);
}

bool
cp_host_has(const struct cp_host *h, const struct cp_channel *ch)
{
	struct cp_end_id end;

	return ch->host_fd >= 0 &&
	    cp_procfs_end(h->pid, ch->host_fd, &end) == 0 &&
	    cp_procfs_is_host_end(ch, &end);
}
