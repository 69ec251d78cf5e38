/* SPDX-License-Identifier: MIT */
/*
 * Walking a directory of /proc without opendir(3), which allocates.  Owns
 * nothing, keeps nothing.  Context of every function: any.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"
#include "raw.h"

void
cp_procfs_dir(struct cp_dir *dir, int fd, void *buf, size_t size)
{
	dir->fd = fd;
	dir->buf = buf;
	dir->size = size;
	dir->pos = 0;
	dir->len = 0;
}

/* What getdents64(2) writes; the libc's dirent need not be the same. */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

int
cp_procfs_next(struct cp_dir *dir, const char **name)
{
	for (;;) {
		const struct entry *e;
		const char *p;
		uint64_t number;

		if (dir->pos >= dir->len) {
			long n = syscall(SYS_getdents64, dir->fd, dir->buf,
			    dir->size);

			if (n <= 0) {
				if (n == 0)
					errno = 0;
				return -1;
			}
			dir->len = (size_t)n;
			dir->pos = 0;
		}
		e = (const struct entry *)(dir->buf + dir->pos);
		dir->pos += e->reclen;
		p = e->name;
		if (!cp_procfs_number(&p, p + strlen(p), &number) ||
		    *p != '\0' || number > INT_MAX)
			continue;
		if (name != NULL)
			*name = e->name;
		return (int)number;
	}
}
