/* SPDX-License-Identifier: MIT */
/*
 * Whether somebody has the host end of a ward of ours, now that we have given
 * it up (finish.c): a copy of us that lives on, or another child, if the two
 * talk to each other.  All processes are looked at.  To poll the ward's own end
 * would be quicker, but says no as long as a thread of ours sits in a read of
 * what we have closed, and may end us under a seccomp filter.  Owns nothing.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "common/procfs.h"
#include "common/raw.h"
#include "held.h"

#define FILES_MAX 4096 /* of one process */
#define AGAIN_MS  2

static bool
has_child_end(const struct cp_record *r, int fd)
{
	const struct cp_channel *ch = &r->channel[fd];
	struct cp_end_id end;

	return ch->kind != CP_KIND_NONE && ch->host != 0 &&
	    cp_procfs_end(r->pid, fd, &end) == 0 && end.kind == ch->kind &&
	    end.ino == ch->child;
}

bool
cp_held_add(struct cp_held *h, size_t i, const struct cp_record *r)
{
	if (!has_child_end(r, 0) || !has_child_end(r, 1))
		return false;
	h->of[i].pid = r->pid;
	h->of[i].found = false;
	h->of[i].channel[0] = r->channel[0];
	h->of[i].channel[1] = r->channel[1];
	return true;
}

/* What a ward has of its own channel keeps nobody's company. */
static void
mark(struct cp_held *h, size_t n, pid_t pid, const struct cp_end_id *end)
{
	for (size_t i = 0; i < n; i++)
		if (h->of[i].pid != 0 && h->of[i].pid != pid &&
		    (cp_procfs_is_host_end(&h->of[i].channel[0], end) ||
			cp_procfs_is_host_end(&h->of[i].channel[1], end)))
			h->of[i].found = true;
}

/*
 * PID shows no descriptors: are there none?  Where the main thread alone has
 * ended the others' are not there.  False if nobody can tell.
 */
static bool
is_nothing(pid_t pid, bool readable)
{
	char path[CP_PATH_SIZE];
	struct cp_stat st;
	struct stat dir;

	if (cp_procfs_path(path, sizeof(path), pid, "") == 0)
		return false;
	if (cp_procfs_stat(pid, &st) == -1 ||
	    fstatat(AT_FDCWD, path, &dir, 0) == -1)
		return errno == ENOENT || errno == ESRCH;
	if (st.state == 'Z' || st.state == 'X')
		return st.threads <= 1;
	return readable ||
	    (dir.st_uid != (uid_t)syscall(SYS_geteuid) &&
		st.ppid != cp_raw_getpid());
}

static bool
look_into(struct cp_held *h, size_t n, pid_t pid)
{
	char path[CP_PATH_SIZE];
	struct cp_end_id end;
	struct cp_dir walk;
	const char *name;
	int dir = -1, i = 0, refused = 0;

	if (cp_procfs_path(path, sizeof(path), pid, "/fd") != 0)
		dir = cp_raw_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
	if (dir == -1)
		return is_nothing(pid, false);
	cp_procfs_dir(&walk, dir, (char *)h->files, sizeof(h->files));
	while (i < FILES_MAX && cp_procfs_next(&walk, &name) != -1) {
		i++;
		if (cp_procfs_end_at(dir, name, &end) == 0)
			mark(h, n, pid, &end);
		else if (errno != ENOENT)
			refused++;
	}
	cp_raw_close(dir);
	return i < FILES_MAX &&
	    ((i > 0 && refused == 0) || is_nothing(pid, refused == 0));
}

/*
 * Whoever is ending, thread by thread, shows nothing for a moment.  False if
 * that lasts until DEADLINE.
 */
static bool
look_until(struct cp_held *h, size_t n, pid_t pid, int64_t deadline)
{
	bool seen = look_into(h, n, pid);

	while (!seen && cp_clock_ms() < deadline) {
		(void)cp_clock_wait(NULL, 0, cp_clock_ms() + AGAIN_MS);
		seen = look_into(h, n, pid);
	}
	return seen && cp_clock_ms() < deadline;
}

void
cp_held_look(struct cp_held *h, size_t n, int64_t deadline)
{
	int dir = cp_raw_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	pid_t self = cp_raw_getpid(), pid = -1;
	bool seen = dir != -1;
	struct cp_dir walk;

	cp_procfs_dir(&walk, dir, (char *)h->processes, sizeof(h->processes));
	while (seen && (pid = cp_procfs_next(&walk, NULL)) != -1)
		if (pid != self)
			seen = look_until(h, n, pid, deadline);
	if (!seen || errno != 0)
		for (size_t i = 0; i < n; i++)
			h->of[i].found = h->of[i].pid != 0;
	if (dir != -1)
		cp_raw_close(dir);
}
