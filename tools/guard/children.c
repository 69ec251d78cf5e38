/* SPDX-License-Identifier: MIT */
/* See children.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/raw.h"
#include "children.h"

/* Appends the numbers of an open children file; returns the new count. */
static int
read_children(int fd, pid_t *out, int n, int max)
{
	char buf[512];
	uint64_t value = 0;
	bool digits = false;
	ssize_t len;

	/* A number may be cut in two by the buffer, so parse as we go. */
	while (n < max && (len = cp_raw_read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < len && n < max; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				value = value * 10 + (uint64_t)(buf[i] - '0');
				digits = true;
			} else if (digits) {
				out[n++] = (pid_t)value;
				value = 0;
				digits = false;
			}
		}
	}
	return n;
}

/* Opens TID/children in an open /proc/PID/task.  -2: the task is gone. */
static int
open_children(int tasks, const char *tid)
{
	char path[CP_PATH_SIZE];
	size_t n = strlen(tid);
	int fd;

	memcpy(path, tid, n);
	memcpy(path + n, "/children", sizeof("/children"));
	fd = cp_raw_openat(tasks, path, O_RDONLY);
	if (fd == -1 && (errno == ENOENT || errno == ESRCH)) {
		path[n] = '\0';
		if (syscall(SYS_faccessat, tasks, path, F_OK) == -1)
			return -2;
		errno = ENOENT;
	}
	return fd;
}

int
cp_children(pid_t pid, pid_t *out, int max)
{
	char path[CP_PATH_SIZE];
	uint64_t buf[128];
	struct cp_dir dir;
	const char *tid;
	int tasks, fd, n = 0;

	if (cp_procfs_path(path, sizeof(path), pid, "/task") == 0)
		return -1;
	tasks = cp_raw_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
	if (tasks == -1) {
		if (errno == ENOENT)
			errno = ESRCH;
		return -1;
	}
	cp_procfs_dir(&dir, tasks, buf, sizeof(buf));
	while (n < max && cp_procfs_next(&dir, &tid) != -1) {
		fd = open_children(tasks, tid);
		if (fd == -2)
			continue;
		if (fd == -1) {
			n = -1;
			break;
		}
		n = read_children(fd, out, n, max);
		cp_raw_close(fd);
	}
	cp_raw_close(tasks);
	return n;
}
