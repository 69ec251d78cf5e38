/* SPDX-License-Identifier: MIT */
/* See look.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "children.h"
#include "closes.h"
#include "command.h"
#include "hold.h"
#include "journal.h"
#include "look.h"
#include "process.h"
#include "spare.h"

#define DESCENDANTS_MAX 64
#define SWEEP_MS	5000

/* Does the host hold the opposite end, at the number told or at any other? */
static bool
host_holds(const struct cp_host *h, const struct cp_channel *ch)
{
	return !h->dead &&
	    (cp_host_has(h, ch) ||
		cp_process_has(h->pid, cp_procfs_is_host_end, ch));
}

/*
 * A host that was killed between fork and exec can't be looked at any more.
 * It had made this channel itself, as HOST_FD says; if it made both, then for
 * the child to talk with.
 */
static bool
host_had(const struct cp_ward *w, const struct cp_channel *ch)
{
	return w->host->dead && w->duplex && ch->host_fd >= 0;
}

/* Drops channels that the host has not kept.  Is any left? */
static bool
settle_kept(struct cp_ward *w)
{
	for (int i = 0; i < 2; i++) {
		struct cp_channel *ch = &w->channel[i];

		if (ch->kind == CP_KIND_NONE || ch->kept != CP_KEPT_MAYBE)
			continue;
		if (host_holds(w->host, ch))
			ch->kept = CP_KEPT_YES;
		else if (!host_had(w, ch))
			*ch = (struct cp_channel){ .kind = CP_KIND_NONE };
	}
	w->duplex = w->channel[0].kind != CP_KIND_NONE &&
	    w->channel[1].kind != CP_KIND_NONE;
	return w->channel[0].kind != CP_KIND_NONE ||
	    w->channel[1].kind != CP_KIND_NONE;
}

/* A pty whose mark nobody told: the ward has it still open, most likely. */
static void
settle_marks(struct cp_ward *w)
{
	for (int fd = 0; fd < 2; fd++) {
		struct cp_channel *ch = &w->channel[fd];
		struct cp_end_id end;

		if (ch->kind == CP_KIND_PTY && ch->host == 0 &&
		    cp_procfs_end(w->pid, fd, &end) == 0 &&
		    end.kind == CP_KIND_PTY && end.ino == ch->child)
			ch->host = end.birth;
	}
}

/* Is FD of PID close-on-exec?  Closed by now: nobody can tell, so it may be. */
static bool
is_cloexec(pid_t pid, int fd)
{
	char path[CP_PATH_SIZE], info[256];
	size_t len = cp_procfs_path(path, sizeof(path), pid, "/fdinfo/");
	const char *flags;
	ssize_t n = -1;
	int file;

	if (len == 0 || fd < 0)
		return false;
	cp_procfs_decimal(path + len, (uint64_t)fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0) {
		n = read(file, info, sizeof(info) - 1);
		close(file);
	}
	if (n <= 0)
		return true;
	info[n] = '\0';
	flags = strstr(info, "flags:\t");
	return flags != NULL && (strtoul(flags + 7, NULL, 8) & O_CLOEXEC) != 0;
}

/* Where the host has its end of CH now, at the number told or another; or -1. */
static int
where_held(const struct cp_host *h, const struct cp_channel *ch)
{
	return cp_host_has(h, ch) ?
	    ch->host_fd :
	    cp_process_find(h->pid, cp_procfs_is_host_end, ch);
}

/*
 * Close-on-exec since it was made, or made so in the meantime.  Where a living
 * host has closed it already nobody can tell, so it may have been.
 */
static void
settle_seals(struct cp_ward *w)
{
	const struct cp_host *h = w->host;

	for (int k = 0; k < 2; k++) {
		struct cp_channel *ch = &w->channel[k];
		int fd;

		if (ch->sealed || ch->kind == CP_KIND_NONE || h->dead)
			continue;
		fd = where_held(h, ch);
		ch->sealed = fd >= 0 ? is_cloexec(h->pid, fd) :
				       !cp_process_is_dying(h->pid);
	}
}

static void
remember_descendants(struct cp_ward *w)
{
	pid_t list[DESCENDANTS_MAX];
	struct cp_stat st;
	int n = 1;

	list[0] = w->pid;
	for (int i = 0; i < n && n < DESCENDANTS_MAX; i++) {
		int more = cp_children(list[i], list + n, DESCENDANTS_MAX - n);

		n += more > 0 ? more : 0;
	}
	for (int i = 1; i < n; i++)
		if (cp_procfs_stat(list[i], &st) == 0 && st.state != 'Z')
			(void)cp_facts_member(w, st.pid, st.start);
}

/*
 * A one-way ward whose host no longer has the opposite end where it was may
 * be one half of a pipeline: a census can tell.
 */
static bool
may_be_pipeline(const struct cp_ward *w)
{
	const struct cp_channel *ch = &w->channel[0];
	struct cp_end_id end;

	if (w->duplex || w->any)
		return false;
	if (ch->kind == CP_KIND_NONE)
		ch = &w->channel[1];
	return cp_procfs_end(w->host->pid, ch->host_fd, &end) != 0 ||
	    !cp_procfs_is_host_end(ch, &end);
}

static void
read_command(struct cp_ward *w, const struct cp_options *options)
{
	w->spare = cp_spare_matches(options->spare, w->pid);
	if (w->key == 0 && (options->keep != 0 || options->limit != 0))
		w->key = cp_command_key(w);
}

bool
cp_look_at(struct cp_ward *w, const struct cp_options *options, uint64_t now_ms)
{
	struct cp_stat st;

	w->looked = true;
	if (w->dead)
		return true;
	if (!w->any && !settle_kept(w)) {
		cp_facts_forget_ward(w);
		return false;
	}
	w->spare = false;
	if (cp_procfs_stat(w->pid, &st) == 0 && st.start == w->start) {
		w->leader = w->leader || st.sid == w->pid;
		if (w->name[0] == '\0')
			memcpy(w->name, st.comm, sizeof(st.comm));
		/* Before its exec it has the host's name. */
		if (st.image == 0 || st.image != w->image)
			read_command(w, options);
	}
	w->host->leaky = w->host->leaky || w->untold;
	settle_marks(w);
	settle_seals(w);
	remember_descendants(w);
	cp_closes_watch(w, now_ms);
	if (!w->announced) {
		w->announced = true;
		cp_journal(&(struct cp_entry){ .event = "ward",
		    .host = w->host,
		    .ward = w });
	}
	return may_be_pipeline(w);
}

bool
cp_look_is_swept(const struct cp_ward *w)
{
	bool sealed = w->channel[0].sealed && w->channel[1].sealed;

	if (w->step != CP_STEP_WATCH || w->host->dead)
		return false;
	return w->unwatched || w->host->unwatched ||
	    (w->duplex && (w->swept || w->linked || w->host->leaky || !sealed));
}

uint64_t
cp_look_next(const struct cp_ward *w, uint64_t now_ms)
{
	uint64_t age = now_ms - w->born_ms;

	if (!cp_look_is_swept(w))
		return 0;
	if (age < CP_LOOK_MS)
		age = CP_LOOK_MS;
	return now_ms + (age < SWEEP_MS ? age : SWEEP_MS);
}
