/* SPDX-License-Identifier: MIT */
/* See usage.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "usage.h"

static bool
is_busy(const struct cp_stat *st)
{
	return st->state == 'R' || st->state == 'D';
}

static bool
field(const char *text, const char *end, const char *key, uint64_t *value)
{
	size_t len = strlen(key);
	const char *p = memmem(text, (size_t)(end - text), key, len);

	if (p == NULL || (p != text && p[-1] != '\n'))
		return false;
	p += len;
	return cp_procfs_number(&p, end, value);
}

bool
cp_usage_parse_io(const char *text, size_t len, struct cp_usage *u)
{
	uint64_t in;

	if (!field(text, text + len, "rchar: ", &in) ||
	    !field(text, text + len, "wchar: ", &u->wrote))
		return false;
	u->bytes = in + u->wrote;
	return true;
}

enum cp_used
cp_usage_read(pid_t pid, uint64_t start, struct cp_usage *u)
{
	char path[CP_PATH_SIZE], text[512];
	struct cp_stat st;
	ssize_t n;

	if (cp_procfs_stat(pid, &st) != 0)
		return errno == ENOENT || errno == ESRCH ? CP_USED_GONE :
							   CP_USED_UNKNOWN;
	if (st.start != start ||
	    ((st.state == 'Z' || st.state == 'X') && st.threads < 2))
		return CP_USED_GONE;
	if (cp_procfs_path(path, sizeof(path), pid, "/io") == 0)
		return CP_USED_UNKNOWN;
	n = cp_procfs_read(AT_FDCWD, path, text, sizeof(text));
	if (n <= 0 || !cp_usage_parse_io(text, (size_t)n, u))
		return CP_USED_UNKNOWN;
	u->cpu = st.cpu;
	u->busy = is_busy(&st);
	return CP_USED_KNOWN;
}

static bool
thread_is_busy(int tasks, const char *tid)
{
	char path[CP_DECIMAL_SIZE + sizeof("/stat")];
	struct cp_stat st;
	size_t len = strlen(tid);

	if (len >= CP_DECIMAL_SIZE)
		return true;
	memcpy(path, tid, len);
	memcpy(path + len, "/stat", sizeof("/stat"));
	/* One that ended meanwhile did something. */
	return cp_procfs_stat_at(tasks, path, &st) != 0 || is_busy(&st);
}

bool
cp_usage_busy(pid_t pid)
{
	_Alignas(uint64_t) char buf[4096];
	char path[CP_PATH_SIZE];
	struct cp_dir dir;
	const char *tid;
	bool busy = false;
	int tasks;

	if (cp_procfs_path(path, sizeof(path), pid, "/task") == 0)
		return true;
	tasks = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tasks < 0)
		return true;
	cp_procfs_dir(&dir, tasks, buf, sizeof(buf));
	while (!busy && cp_procfs_next(&dir, &tid) >= 0)
		busy = thread_is_busy(tasks, tid);
	close(tasks);
	return busy;
}
