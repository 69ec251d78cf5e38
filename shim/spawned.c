/* SPDX-License-Identifier: MIT */
/*
 * What a host finds out about a child that it has spawned by other means than
 * fork and exec: no code of ours has run in that one.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ask.h"
#include "channel.h"
#include "common/raw.h"
#include "kept.h"
#include "made.h"
#include "mailbox.h"
#include "owner.h"
#include "report.h"
#include "spawned.h"
#include "ward.h"

/* Three for stdio and one for the host's own news of the exec. */
#define VANISHED_MAX 4
#define HELD_MAX     16 /* channels, and a helper's descriptors: */
#define SCAN_MAX     64

int
cp_spawned_ask(struct cp_asked *asked, const struct cp_command *cmd, bool ward)
{
	struct cp_msg msg = { 0 };
	struct cp_made made;
	int answer;

	if (!cp_ask_wanted() || (!ward && cp_channel_unclaimed(&made, 1) == 0))
		return 0;
	cp_tell_fill(&msg, 0, cp_owner_host(), cmd);
	msg.type = CP_MSG_ASK;
	msg.flags &= (uint16_t)~CP_WARD_ANY; /* nobody knows yet */
	answer = cp_ask(&msg);
	if (answer == 0)
		asked->key = msg.key;
	return answer > 0 ? answer : 0;
}

void
cp_spawned_give_back(const struct cp_asked *asked)
{
	struct cp_msg msg = { .type = CP_MSG_ASK,
		.flags = CP_WARD_UNDO,
		.thread = cp_owner_thread(),
		.key = asked->key };

	int saved = errno;

	if (asked->key != 0)
		(void)cp_report(&msg, 0);
	cp_errno(saved);
}

static void
register_child(pid_t pid, const struct cp_command *cmd,
    const struct cp_channel ch[2], uint16_t flags)
{
	struct cp_msg msg = { .channel = { ch[0], ch[1] } };
	struct cp_record record;
	uint64_t now = cp_raw_now();
	struct cp_stat st;

	cp_tell_fill(&msg, pid, cp_owner_host(), cmd);
	msg.flags |= flags;
	/* Should we be dead when the guard hears it: nothing else tells. */
	if (msg.flags & CP_WARD_ANY && cp_procfs_stat(pid, &st) == 0)
		msg.start = st.start;
	record = cp_tell_record(&msg, pid, now);
	if (cp_kept_sure(ch)) {
		cp_ward_add(&record);
		cp_channel_warded(&ch[0]);
		cp_channel_warded(&ch[1]);
	}
	if (cp_mailbox_put(&msg, pid, now).index == -1)
		(void)cp_report(&msg, cp_tell_effort(&msg));
	cp_mailbox_count();
}

void
cp_spawned_register(pid_t pid, const struct cp_command *cmd,
    const struct cp_channel ch[2])
{
	register_child(pid, cmd, ch, 0);
}

static bool
is_gone(pid_t pid)
{
	struct cp_stat st;

	return cp_procfs_stat(pid, &st) == -1 || st.state == 'Z' ||
	    st.state == 'X';
}

/* End K of a channel that we made, as a ward's fd K; false: not ours by now. */
static bool
candidate(const struct cp_made *made, int k, struct cp_channel *ch)
{
	struct cp_end_id end, slave = { 0 };

	if ((made->kind == CP_KIND_PTY &&
		(k == 0 || cp_procfs_own_end(made->fd[1], &slave) == -1)) ||
	    cp_procfs_own_end(made->fd[1 - k], &end) == -1 ||
	    !cp_made_opposite(made, k, &end))
		return false;
	*ch = (struct cp_channel){ .kind = made->kind,
		.access = made->kind != CP_KIND_PIPE ? CP_READ | CP_WRITE :
		    k == 0			     ? CP_READ :
						       CP_WRITE,
		.kept = CP_KEPT_YES,
		.host_fd = made->fd[1 - k],
		.child = made->ino[k],
		.host = made->kind == CP_KIND_PTY ? slave.birth :
						    made->ino[1 - k] };
	return true;
}

/* Tells of one guess: which ends fd 0 and fd 1 may have been. */
static void
register_guess(pid_t pid, const struct cp_command *cmd,
    const struct cp_made *in, int k_in, const struct cp_made *out, int k_out)
{
	struct cp_channel ch[2] = { { .host_fd = -1 }, { .host_fd = -1 } };
	bool some = candidate(in, k_in, &ch[0]);

	some = candidate(out, k_out, &ch[1]) || some;
	if (some)
		register_child(pid, cmd, ch, CP_WARD_GUESS);
}

/*
 * The child is gone before we could look.  If it has forked, that process has
 * what was the child's.  Which of the channels made last those are nobody can
 * tell any more: the guard hears of all that no other ward has, and counts
 * what somebody holds.
 */
static void
register_vanished(pid_t pid, const struct cp_command *cmd)
{
	struct cp_made made[VANISHED_MAX];
	int n = cp_channel_unclaimed(made, VANISHED_MAX);

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			const struct cp_made *in = &made[i], *out = &made[j];

			if (in->kind == CP_KIND_PIPE || in->kind != out->kind)
				register_guess(pid, cmd, in, 0, out, 1);
			else
				for (int k = 0; k < 2; k++)
					register_guess(pid, cmd, in, k, out, k);
		}
}

/* Does PID hold an end of a channel of ours that no ward has? */
static bool
holds_one(pid_t pid)
{
	char path[CP_PATH_SIZE];
	struct cp_made made[HELD_MAX];
	int dir, n = cp_channel_unclaimed(made, HELD_MAX), looks = 0;
	struct cp_end_id end;
	struct cp_dir walk;
	uint64_t buf[64];
	const char *name;
	bool found = false;

	if (n == 0 || cp_procfs_path(path, sizeof(path), pid, "/fd") == 0)
		return false;
	dir = cp_raw_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
	if (dir == -1)
		return false;
	cp_procfs_dir(&walk, dir, buf, sizeof(buf));
	while (
	    !found && looks++ < SCAN_MAX && cp_procfs_next(&walk, &name) != -1)
		if (cp_procfs_end_at(dir, name, &end) == 0)
			for (int i = 0; i < n && !found; i++)
				found = made[i].kind == end.kind &&
				    (made[i].ino[0] == end.ino ||
					made[i].ino[1] == end.ino);
	cp_raw_close(dir);
	return found;
}

/*
 * A helper that will put on its stdio what it now holds elsewhere, and then
 * exec (jspawnhelper of the JVM, which clears the environment too), can't be
 * told of yet: the guard, which may have to be started for it, is to look.
 */
static void
look_later(pid_t pid)
{
	const struct cp_msg msg = { .type = CP_MSG_MADE,
		.flags = CP_WARD_GUESS };

	if (holds_one(pid))
		(void)cp_report(&msg, CP_REPORT_INSIST | CP_REPORT_START);
}

/* Which end of *MADE a program may have on its fd 0 or 1, as a rule. */
static int
end_for(const struct cp_made *made, int fd)
{
	return made->kind == CP_KIND_PIPE ? fd : 1;
}

/*
 * Its FD, 0 or 1, as what we still have ourselves: an end of a channel made for
 * it, or our own.  That is one call; a look into its /proc makes four inodes,
 * which its end has to take away again.
 */
static bool
is_one_of_ours(pid_t pid, int fd, struct cp_end_id *end)
{
	struct cp_made made[VANISHED_MAX];
	int n = cp_channel_unclaimed(made, VANISHED_MAX);

	/* As a rule that of stdin was made first, that of stdout next. */
	for (int j = 0; j < n; j++) {
		int i = (2 * n - 1 - fd - j) % n;
		int own = made[i].fd[end_for(&made[i], fd)];

		if (own >= 0 && cp_kept_same(pid, fd, cp_owner_host(), own))
			return cp_procfs_own_end(own, end) == 0;
	}
	return cp_kept_same(pid, fd, cp_owner_host(), fd) &&
	    cp_procfs_own_end(fd, end) == 0;
}

static int
look_at(pid_t pid, int fd, const struct cp_foreseen *f, struct cp_end_id *end)
{
	if (cp_foreseen(f, fd, end))
		return 0;
	return !cp_kept_sandboxed() && is_one_of_ours(pid, fd, end) ?
	    0 :
	    cp_procfs_end(pid, fd, end);
}

/*
 * None of the channels made last is on its stdio: it may have one elsewhere,
 * and what it forks may come by it.
 */
static void
look_beyond(pid_t pid, const struct cp_command *cmd)
{
	struct cp_made made;

	if (cp_channel_unclaimed(&made, 1) == 0)
		return;
	if (is_gone(pid))
		register_vanished(pid, cmd);
	else
		look_later(pid);
}

/* What of it is told, and is it one of those that are counted? */
static bool
look(pid_t pid, const struct cp_foreseen *f, const struct cp_command *cmd)
{
	struct cp_end_id end[2] = { { 0 }, { 0 } };
	struct cp_channel ch[2];
	bool ward;

	for (int fd = 0; fd < 2; fd++)
		(void)look_at(pid, fd, f, &end[fd]);
	ward = cp_kept_look(0, 0, end, ch);
	if (ward || cp_tell_all())
		cp_spawned_register(pid, cmd, ch);
	if (!ward)
		look_beyond(pid, cmd);
	return ward;
}

void
cp_spawned_look(pid_t pid, const struct cp_foreseen *f,
    const struct cp_command *cmd, const struct cp_asked *asked)
{
	int saved = errno;
	bool counted = false;

	if (f->wanted)
		counted = look(pid, f, cmd);
	/* Its directory may be another: that was known to the spawn alone. */
	if (asked->key != 0 &&
	    (!counted || cp_ask_key(cmd->argv, pid) != asked->key))
		cp_spawned_give_back(asked);
	cp_errno(saved);
}
