/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn and popen.  The real ones are called: the libc's child runs no
 * code of ours, so the environment is fixed before, and what has become of the
 * child's stdio is told by its file actions, or else read from /proc after.
 */
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "channel.h"
#include "common/raw.h"
#include "config.h"
#include "foresee.h"
#include "init.h"
#include "owner.h"
#include "real.h"
#include "report.h"
#include "ring.h"
#include "spawned.h"

#define NEWEST 16 /* children that are looked at after a popen */

struct spawn {
	bool search; /* for path, in PATH */
	const char *path;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
	char *const *argv;
	char *const *envp;
};

/* All four have one shape: the first argument is a pid_t, or a descriptor. */
static int
spawn(cp_type_posix_spawn *real, int *id, const struct spawn *s, bool owner)
{
	struct cp_preload facts;
	struct cp_room room = { 0, 0 };
	char **out, *text;

	if (owner || cp_where() != CP_UNCLAIMED) {
		facts = cp_preload_facts(true);
		room = cp_preload_room(&facts, s->envp);
	}
	if (room.pointers == 0)
		return real(id, s->path, s->actions, s->attr, s->argv, s->envp);
	out = alloca(room.pointers * sizeof(*out));
	text = alloca(room.text);
	cp_preload_build(&facts, s->envp, out, text);
	return real(id, s->path, s->actions, s->attr, s->argv, out);
}

/* With children=all a fork child that spawns is a host as well. */
static bool
enter(void)
{
	return cp_enter(cp_tell_all());
}

static struct cp_command
command_of(const struct spawn *s)
{
	return (struct cp_command){ .program = s->path,
		.argv = s->argv,
		.by_path = !s->search,
		.dir = AT_FDCWD };
}

/* Not for each directory of PATH: a place is kept for what is asked for. */
static int
ask(struct cp_asked *asked, const struct cp_command *cmd)
{
	if (!cp_ask_wanted() || !cp_tell_worth(cmd))
		return 0;
	return cp_spawned_ask(asked, cmd, false);
}

static int
spawn_pid(cp_type_posix_spawn *real, pid_t *pid, const struct spawn *s)
{
	const struct cp_command cmd = command_of(s);
	struct cp_asked asked = { 0 };
	struct cp_foreseen f;
	bool owner = enter();
	pid_t child;
	int rc = owner ? ask(&asked, &cmd) : 0;

	if (rc != 0)
		return rc;
	if (owner)
		cp_foresee(&f, s->actions);
	rc = spawn(real, &child, s, owner);
	if (rc != 0) {
		cp_spawned_give_back(&asked);
		return rc;
	}
	if (pid != NULL)
		*pid = child;
	if (owner)
		cp_spawned_look(child, &f, &cmd, &asked);
	return 0;
}

CP_EXPORT int
posix_spawn(pid_t *pid, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	return spawn_pid(cp_real(posix_spawn), pid,
	    &(struct spawn){ false, path, actions, attr, argv, envp });
}

CP_EXPORT int
posix_spawnp(pid_t *pid, const char *file,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	return spawn_pid(cp_real(posix_spawnp), pid,
	    &(struct spawn){ true, file, actions, attr, argv, envp });
}

#if CP_PIDFD_SPAWN
/* The "Pid:" line of a pidfd's fdinfo, or -1. */
static pid_t
pid_of(int pidfd)
{
	char path[CP_PATH_SIZE], buf[512];
	const char *p, *end;
	uint64_t pid;
	ssize_t len;
	size_t n;

	n = cp_procfs_path(path, sizeof(path), cp_raw_getpid(), "/fdinfo/");
	if (n == 0)
		return -1;
	(void)cp_procfs_decimal(path + n, (uint64_t)pidfd);
	len = cp_procfs_read(AT_FDCWD, path, buf, sizeof(buf));
	if (len <= 0)
		return -1;
	end = buf + len;
	p = memmem(buf, (size_t)len, "\nPid:\t", 6);
	if (p == NULL)
		return -1;
	p += 6;
	return cp_procfs_number(&p, end, &pid) ? (pid_t)pid : -1;
}

static int
spawn_pidfd(cp_type_posix_spawn *real, int *pidfd, const struct spawn *s)
{
	const struct cp_command cmd = command_of(s);
	struct cp_asked asked = { 0 };
	struct cp_foreseen f;
	bool owner = enter();
	int rc = owner ? ask(&asked, &cmd) : 0, saved;
	pid_t pid;

	if (rc != 0)
		return rc;
	if (owner)
		cp_foresee(&f, s->actions);
	rc = spawn(real, pidfd, s, owner);
	saved = errno;
	if (rc != 0)
		cp_spawned_give_back(&asked);
	else if (owner && (pid = pid_of(*pidfd)) > 0)
		cp_spawned_look(pid, &f, &cmd, &asked);
	cp_errno(saved);
	return rc;
}

CP_EXPORT int
pidfd_spawn(int *pidfd, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	return spawn_pidfd(cp_real(pidfd_spawn), pidfd,
	    &(struct spawn){ false, path, actions, attr, argv, envp });
}

CP_EXPORT int
pidfd_spawnp(int *pidfd, const char *file,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	return spawn_pidfd(cp_real(pidfd_spawnp), pidfd,
	    &(struct spawn){ true, file, actions, attr, argv, envp });
}
#endif

/* The last children of this thread, the newest last; how many. */
static int
newest_children(pid_t out[NEWEST])
{
	char buf[512];
	uint64_t value = 0;
	bool digits = false;
	ssize_t len;
	int n = 0,
	    fd = cp_raw_openat(AT_FDCWD, "/proc/thread-self/children",
		O_RDONLY);

	if (fd == -1)
		return 0;
	while ((len = cp_raw_read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < len; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				value = value * 10 + (uint64_t)(buf[i] - '0');
				digits = true;
			} else if (digits) {
				if (n == NEWEST)
					memmove(out, out + 1,
					    --n * sizeof(*out));
				out[n++] = (pid_t)value;
				value = 0;
				digits = false;
			}
		}
	cp_raw_close(fd);
	return n;
}

/* Which child has the other end of our pipe END as its fd K? */
static pid_t
find_child(const struct cp_end_id *end, int k)
{
	pid_t pid[NEWEST];
	int n = newest_children(pid);
	struct cp_end_id theirs;

	while (n-- > 0)
		if (cp_procfs_end(pid[n], k, &theirs) == 0 &&
		    theirs.kind == CP_KIND_PIPE && theirs.ino == end->ino)
			return pid[n];
	return 0;
}

/* MODE "w": we write, the child reads on its fd 0. */
static void
register_popen(int fd, const char *mode, const struct cp_command *cmd)
{
	struct cp_end_id end;
	struct cp_channel ch[2] = { { .host_fd = -1 }, { .host_fd = -1 } };
	struct cp_made made = { .kind = CP_KIND_PIPE,
		.fd = { -1, -1 },
		.cloexec = strchr(mode, 'e') != NULL };
	int k = strchr(mode, 'w') != NULL ? 0 : 1;
	pid_t pid;

	if (cp_procfs_own_end(fd, &end) == -1 || end.kind != CP_KIND_PIPE)
		return;
	made.fd[1 - k] = fd;
	made.ino[0] = made.ino[1] = end.ino;
	cp_ring_add(&made);
	pid = find_child(&end, k);
	if (pid == 0) {
		cp_report_made();
		return;
	}
	ch[k] = (struct cp_channel){ .kind = CP_KIND_PIPE,
		.access = k == 0 ? CP_READ : CP_WRITE,
		.kept = CP_KEPT_YES,
		.host_fd = fd,
		.child = end.ino,
		.host = end.ino };
	cp_spawned_register(pid, cmd, ch);
}

CP_EXPORT FILE *
popen(const char *command, const char *mode)
{
	char sh[] = "sh", c[] = "-c";
	char *argv[] = { sh, c, (char *)(uintptr_t)command, NULL };
	const struct cp_command cmd = { .program = "sh", .argv = argv };
	bool owner = cp_enter(true);
	struct cp_asked asked = { 0 };
	int saved = owner ? cp_spawned_ask(&asked, &cmd, true) : 0;
	FILE *f;

	if (saved != 0) {
		cp_errno(saved);
		return NULL;
	}
	f = cp_real(popen)(command, mode);
	saved = errno;
	if (f == NULL)
		cp_spawned_give_back(&asked);
	else if (owner)
		register_popen(fileno(f), mode, &cmd);
	cp_errno(saved);
	return f;
}
