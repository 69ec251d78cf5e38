/* SPDX-License-Identifier: MIT */
/* See trust.h. */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "facts.h"
#include "process.h"
#include "trust.h"
#include "watch.h"

/* How far up a sender is looked for a host that we know. */
#define ANCESTORS_MAX 16

/* Is PID a host that we know, or does it descend from one? */
static bool
is_of_hosts(pid_t pid)
{
	struct cp_stat st;

	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		const struct cp_host *h = cp_facts_find_host(pid);

		if (cp_procfs_stat(pid, &st) != 0)
			return false;
		if (h != NULL && !h->dead && h->start == st.start)
			return true;
		pid = st.ppid;
	}
	return false;
}

static bool
is_our_user(const struct cp_heard *x)
{
	return x->from.uid == geteuid() || x->from.uid == 0;
}

bool
cp_trust_is_ours(const struct cp_heard *x)
{
	/* Or a host that was started as root, and has given that up since. */
	return is_our_user(x) || (geteuid() == 0 && is_of_hosts(x->from.pid));
}

/*
 * Has whoever sent this ended?  Its PID may be another's by now.  Without a
 * pidfd (before Linux 6.5) only one whose PID is free, or still its own as a
 * zombie, is known to have.
 */
bool
cp_trust_has_ended(const struct cp_heard *x)
{
	struct cp_stat st;

	if (x->pidfd >= 0)
		return cp_watch_ended(x->pidfd);
	if (cp_procfs_stat(x->from.pid, &st) == 0)
		return cp_process_is_over(&st);
	return kill(x->from.pid, 0) != 0 && errno == ESRCH;
}

/*
 * Has the sender ended, or is it about to?  A host gives away its children, one
 * after the other, some microseconds before it can be seen to have ended
 * (measured with 1,000 of them: by 7 of 40 hosts).
 */
static bool
is_ending(const struct cp_heard *x)
{
	struct cp_stat st;

	return (cp_procfs_stat(x->from.pid, &st) == 0 && st.exiting) ||
	    cp_trust_has_ended(x);
}

uid_t
cp_trust_owner(pid_t pid)
{
	char path[32];
	struct stat st;

	if (cp_procfs_path(path, sizeof(path), pid, "") == 0 ||
	    stat(path, &st) != 0)
		return (uid_t)-1;
	return st.st_uid;
}

bool
cp_trust_is_dead(const struct cp_stat *st)
{
	return st->start == 0 || cp_process_is_over(st);
}

static bool
is_child_end(const struct cp_channel *ch, const struct cp_end_id *end)
{
	return ch->kind != CP_KIND_NONE && end->kind == ch->kind &&
	    end->ino == ch->child &&
	    (ch->kind != CP_KIND_PIPE || end->access == ch->access);
}

/*
 * Does PID have on fd 0 or 1 what was told of it?  A letter is read so late
 * that it may be at other numbers by then.
 */
static bool
has_channels(const struct cp_heard *x, pid_t pid)
{
	const struct cp_channel *ch = x->msg.channel;
	struct cp_end_id end;

	for (int fd = 0; fd < 2; fd++)
		if (cp_procfs_end(pid, fd, &end) == 0 &&
		    is_child_end(&ch[fd], &end))
			return true;
	return x->told_ns != 0 &&
	    (cp_process_has(pid, is_child_end, &ch[0]) ||
		cp_process_has(pid, is_child_end, &ch[1]));
}

bool
cp_trust_is_later(const struct cp_heard *x, const struct cp_stat *st)
{
	uint64_t tick_ns = UINT64_C(1000000000) /
	    (uint64_t)sysconf(_SC_CLK_TCK);

	if (x->told_ns == 0 || (st->start + 1) * tick_ns <= x->told_ns)
		return false;
	/* In that tick the host may have been given the number twice. */
	return st->start * tick_ns > x->told_ns || !has_channels(x, x->msg.pid);
}

/*
 * X is a letter, a little old, and FD a pidfd of whoever has that PID now.
 * Returns FD if that is the child, which was there when it was told of.  The
 * pidfd is asked last: until then it was the same who was looked at.
 */
static int
check_letter(struct cp_heard *x, int fd)
{
	struct cp_stat st;
	bool told, sure;

	if (fd < 0)
		return fd;
	told = cp_procfs_stat(x->msg.pid, &st) == 0 &&
	    !cp_trust_is_later(x, &st);
	/* Only of these is it sure by then whose PID it was. */
	sure = told && (st.ppid == x->from.pid || has_channels(x, x->msg.pid));
	if (told && !cp_watch_ended(fd)) {
		if (sure)
			x->msg.start = st.start;
		return fd;
	}
	close(fd);
	errno = ESRCH;
	return -1;
}

int
cp_trust_pidfd(struct cp_heard *x, bool *kin)
{
	int fd = x->pidfd;

	*kin = false;
	if (x->msg.pid != 0) {
		fd = (int)syscall(SYS_pidfd_open, x->msg.pid, 0);
		if (x->told_ns != 0)
			return check_letter(x, fd);
		*kin = fd >= 0 &&
		    cp_watch_parent(fd, x->msg.pid) == x->from.pid;
		return fd;
	}
	x->pidfd = -1;
	return fd;
}

/* The inode of a process's PID namespace, or 0. */
static ino_t
namespace_of(pid_t pid)
{
	char path[CP_PATH_SIZE];
	struct stat st;

	if (cp_procfs_path(path, sizeof(path), pid, "/ns/pid") == 0 ||
	    stat(path, &st) != 0)
		return 0;
	return st.st_ino;
}

/*
 * Whom a child means by HOST.  In a PID namespace of its own it counts
 * otherwise than we do; its parent's number is told by the kernel.
 */
pid_t
cp_trust_host(pid_t child, pid_t host, const struct cp_stat *st)
{
	ino_t ns;

	if (st->start == 0 || st->ppid == host)
		return host;
	ns = namespace_of(child);
	return ns == 0 || ns == namespace_of(getpid()) ? host : st->ppid;
}

/*
 * May this sender register the child PID of HOST?  A child speaks for itself,
 * a host for its own children.  If the host is dead, or dying, nobody can
 * tell whose child it was, nor, if it was in another PID namespace, who has
 * that number here: then PID must have the channels that were told, or, if it
 * has none, be as old as was told.
 */
bool
cp_trust_child(const struct cp_heard *x, pid_t pid, pid_t host,
    const struct cp_stat *st)
{
	bool ours = cp_trust_is_ours(x);

	if (pid != x->from.pid)
		return ours && host == x->from.pid &&
		    (st->ppid == host || st->start == 0 ||
			(is_ending(x) &&
			    (cp_trust_is_dead(st) ||
				st->start == x->msg.start ||
				has_channels(x, pid))));
	/* One that has given up its uid is the child of a process of ours. */
	return is_our_user(x) ||
	    (st->ppid == host && (ours || cp_trust_owner(host) == geteuid()));
}
