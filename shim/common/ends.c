/* SPDX-License-Identifier: MIT */
/*
 * Open files of others as possible ends of a channel: the part of procfs.h that
 * looks at descriptors through /proc.  Keeps nothing.  Context of every
 * function: any.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"
#include "raw.h"

/* Steps *P over WORD if that is what stands there. */
static bool
skip(const char **p, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - *p) < len || memcmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

void
cp_procfs_parse_link(const char *text, size_t len, struct cp_end_id *end)
{
	const char *p = text, *stop = text + len;
	struct cp_end_id new = { 0 };

	memset(end, 0, sizeof(*end));
	if (skip(&p, stop, "pipe:[") || skip(&p, stop, "socket:[")) {
		new.kind = *text == 'p' ? CP_KIND_PIPE : CP_KIND_UNIX;
		if (!cp_procfs_number(&p, stop, &new.ino) ||
		    !skip(&p, stop, "]") || p != stop)
			return;
	} else if ((skip(&p, stop, "/dev/ptmx") ||
		       skip(&p, stop, "/dev/pts/ptmx")) &&
	    p == stop) {
		new.kind = CP_KIND_PTMX;
	} else if (skip(&p, stop, "/dev/pts/")) {
		new.kind = CP_KIND_PTY;
		if (!cp_procfs_number(&p, stop, &new.ino))
			return;
		new.deleted = skip(&p, stop, " (deleted)");
		if (p != stop)
			return;
	} else
		return;
	*end = new;
}

static int
access_of(int dir, const char *path, uint8_t *access)
{
	struct stat st;

	/* The link's own permission bits are the open file's mode. */
	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	*access = (uint8_t)((st.st_mode & S_IRUSR ? CP_READ : 0) |
	    (st.st_mode & S_IWUSR ? CP_WRITE : 0));
	return 0;
}

/* The line "tty-index:\tN" of a pty master's fdinfo. */
static int
number_of(int dir, const char *path, uint64_t *number)
{
	char buf[512];
	const char *p = buf, *end;
	ssize_t len;

	len = cp_procfs_read(dir, path, buf, sizeof(buf));
	if (len == -1)
		return -1;
	end = buf + len;
	while (p < end) {
		if (skip(&p, end, "tty-index:\t") &&
		    cp_procfs_number(&p, end, number))
			return 0;
		p = memchr(p, '\n', (size_t)(end - p));
		if (p == NULL)
			break;
		p++;
	}
	errno = ENODATA;
	return -1;
}

uint64_t
cp_procfs_birth(dev_t dev, int64_t seconds, uint32_t nanoseconds)
{
	uint64_t mark = (uint64_t)seconds * 1000000000 + nanoseconds;

	mark ^= (uint64_t)dev << 48;
	return mark == 0 ? 1 : mark;
}

bool
cp_procfs_is_host_end(const struct cp_channel *ch, const struct cp_end_id *end)
{
	switch (ch->kind) {
	case CP_KIND_PIPE:
		return end->kind == CP_KIND_PIPE && end->ino == ch->host &&
		    (end->access & ~ch->access) != 0;
	case CP_KIND_UNIX:
		return end->kind == CP_KIND_UNIX && end->ino == ch->host;
	case CP_KIND_PTY:
		return end->kind == CP_KIND_PTMX && end->ino == ch->child;
	default:
		return false;
	}
}

/* LINK is a PID/fd/N under DIR, INFO its PID/fdinfo/N. */
static int
look(int dir, const char *link, const char *info, struct cp_end_id *end)
{
	char text[64]; /* whatever is cut off by this is no channel */
	struct cp_end_id new;
	struct stat st;
	ssize_t len;

	len = syscall(SYS_readlinkat, dir, link, text, sizeof(text));
	if (len == -1)
		return -1;
	cp_procfs_parse_link(text, (size_t)len, &new);
	if (new.kind != CP_KIND_NONE && access_of(dir, link, &new.access) == -1)
		return -1;
	/* Opened with O_PATH: it keeps no channel open. */
	if (new.access == 0)
		memset(&new, 0, sizeof(new));
	if (new.kind == CP_KIND_PTMX && number_of(dir, info, &new.ino) == -1)
		return -1;
	if (new.kind == CP_KIND_PTY && fstatat(dir, link, &st, 0) == 0)
		new.birth = cp_procfs_birth(st.st_dev, st.st_ctim.tv_sec,
		    (uint32_t)st.st_ctim.tv_nsec);
	*end = new;
	return 0;
}

int
cp_procfs_end(pid_t pid, int fd, struct cp_end_id *end)
{
	char link[CP_PATH_SIZE], info[CP_PATH_SIZE];
	size_t l, i;

	if (fd < 0) {
		errno = EBADF;
		return -1;
	}
	l = cp_procfs_path(link, sizeof(link), pid, "/fd/");
	i = cp_procfs_path(info, sizeof(info), pid, "/fdinfo/");
	if (l == 0 || i == 0)
		return -1;
	(void)cp_procfs_decimal(link + l, (uint64_t)fd);
	(void)cp_procfs_decimal(info + i, (uint64_t)fd);
	return look(AT_FDCWD, link, info, end);
}

int
cp_procfs_link(pid_t pid, int fd, struct cp_end_id *end)
{
	char link[CP_PATH_SIZE], text[64];
	size_t n = cp_procfs_path(link, sizeof(link), pid, "/fd/");
	ssize_t len;

	if (fd < 0 || n == 0) {
		errno = EBADF;
		return -1;
	}
	(void)cp_procfs_decimal(link + n, (uint64_t)fd);
	len = syscall(SYS_readlinkat, AT_FDCWD, link, text, sizeof(text));
	if (len == -1)
		return -1;
	cp_procfs_parse_link(text, (size_t)len, end);
	return 0;
}

/* "../fdinfo/NAME": the directory beside the one we hold open. */
static int
info_path(char out[CP_PATH_SIZE], const char *name)
{
	static const char up[] = "../fdinfo/";
	size_t len = strlen(name);

	if (sizeof(up) + len > CP_PATH_SIZE) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(out, up, sizeof(up) - 1);
	memcpy(out + sizeof(up) - 1, name, len + 1);
	return 0;
}

int
cp_procfs_end_at(int fddir, const char *name, struct cp_end_id *end)
{
	char info[CP_PATH_SIZE];

	if (info_path(info, name) == -1)
		return -1;
	return look(fddir, name, info, end);
}

int
cp_procfs_access_at(int fddir, const char *name, uint8_t *access)
{
	return access_of(fddir, name, access);
}

int
cp_procfs_number_at(int fddir, const char *name, uint64_t *number)
{
	char info[CP_PATH_SIZE];

	if (info_path(info, name) == -1)
		return -1;
	return number_of(fddir, info, number);
}
