/* SPDX-License-Identifier: MIT */
/* See command.h. */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fcntl.h>
#include <unistd.h>

#include "../../shim/common/key.h"
#include "../../shim/common/procfs.h"
#include "command.h"

/* More than the kernel takes in one exec. */
#define READS_MAX 4096

static uint64_t
key_of_arguments(pid_t pid)
{
	char path[CP_PATH_SIZE], buf[4096];
	uint64_t key = CP_KEY_EMPTY;
	ssize_t n = -1;
	int fd;

	if (cp_procfs_path(path, sizeof(path), pid, "/cmdline") == 0)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	for (int i = 0; i < READS_MAX; i++) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		key = cp_key_add(key, buf, (size_t)n);
	}
	close(fd);
	/* Nothing: a zombie, or a process without arguments. */
	return n == 0 && key != CP_KEY_EMPTY ? key : 0;
}

uint64_t
cp_command_key(const struct cp_ward *w)
{
	char path[CP_PATH_SIZE];
	struct cp_stat st;
	struct statx sx;
	uint64_t key;

	if (cp_procfs_stat(w->pid, &st) != 0 || st.start != w->start ||
	    st.image == 0 || st.image == w->image)
		return 0;
	key = key_of_arguments(w->pid);
	/* A directory's server may hang, which must not hang us. */
	if (key == 0 ||
	    cp_procfs_path(path, sizeof(path), w->pid, "/cwd") == 0 ||
	    statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		STATX_INO, &sx) != 0)
		return 0;
	return cp_key_end(key, makedev(sx.stx_dev_major, sx.stx_dev_minor),
	    sx.stx_ino);
}
