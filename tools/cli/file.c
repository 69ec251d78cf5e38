/* SPDX-License-Identifier: MIT */
/* Looking at files.  Owns nothing.  Context: cli. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <fcntl.h>
#include <unistd.h>

#include "file.h"

/* Set-id only counts where it changes something: ld.so looks at the ids. */
static bool
changes_ids(int fd, const struct stat *st)
{
	if ((st->st_mode & S_ISUID) && st->st_uid != getuid())
		return true;
	if ((st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP) &&
	    st->st_gid != getgid())
		return true;
	return getuid() != 0 &&
	    fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/*
 * Maps a program.  Mapped, not read: a node is 90 MB, and a patched program
 * has its headers anywhere.
 */
int
cp_file_open(const char *path, struct cp_file *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	void *base = MAP_FAILED;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
		    fd, 0);
	if (base != MAP_FAILED) {
		f->base = base;
		f->len = (size_t)st.st_size;
		f->setid = changes_ids(fd, &st);
	}
	(void)close(fd);
	return base != MAP_FAILED ? 0 : -1;
}

void
cp_file_close(struct cp_file *f)
{
	(void)munmap(f->base, f->len);
}
