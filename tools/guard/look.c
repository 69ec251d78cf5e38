/* SPDX-License-Identifier: MIT */
/* See look.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "closes.h"
#include "command.h"
#include "enroll.h"
#include "hold.h"
#include "journal.h"
#include "look.h"
#include "spare.h"

#define DESCENDANTS_MAX 64
#define SWEEP_MS	5000

/* Does the host hold the opposite end, at the number told or at any other? */
static bool
host_holds(const struct cp_host *h, const struct cp_channel *ch)
{
	_Alignas(uint64_t) char buf[4096];
	char path[CP_PATH_SIZE];
	struct cp_end_id end;
	struct cp_dir dir;
	const char *name;
	bool found = false;
	int fd;

	if (h->dead)
		return false;
	if (cp_host_has(h, ch))
		return true;
	if (cp_procfs_path(path, sizeof(path), h->pid, "/fd") == 0)
		return false;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	cp_procfs_dir(&dir, fd, buf, sizeof(buf));
	while (!found && cp_procfs_next(&dir, &name) >= 0)
		found = cp_procfs_end_at(fd, name, &end) == 0 &&
		    cp_procfs_is_host_end(ch, &end);
	close(fd);
	return found;
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

/* Is FD of PID close-on-exec? */
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
		return false;
	info[n] = '\0';
	flags = strstr(info, "flags:\t");
	return flags != NULL && (strtoul(flags + 7, NULL, 8) & O_CLOEXEC) != 0;
}

/*
 * Close-on-exec since it was made, or made so in the meantime.  Closed already:
 * nobody can tell, so it may have been.
 */
static void
settle_seals(struct cp_ward *w)
{
	for (int k = 0; k < 2; k++) {
		struct cp_channel *ch = &w->channel[k];

		ch->sealed = ch->sealed || !cp_host_has(w->host, ch) ||
		    is_cloexec(w->host->pid, ch->host_fd);
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
		int more = cp_procfs_children(list[i], list + n,
		    DESCENDANTS_MAX - n);

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

	return w->duplex && w->step == CP_STEP_WATCH && !w->host->dead &&
	    (w->swept || w->linked || w->host->leaky || !sealed);
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

/* The host's end, if it has one, of what is the child's end E. */
static bool
channel_to_host(const struct cp_census *c, const struct cp_end *e,
    uint32_t host, struct cp_channel *ch)
{
	uint64_t want = e->ino;
	const struct cp_truth *t;

	if (e->kind == CP_KIND_UNIX) {
		t = cp_census_truth(c, CP_KIND_UNIX, e->ino);
		if (t == NULL || t->peer_ino == 0)
			return false;
		want = t->peer_ino;
	}
	*ch = (struct cp_channel){ .kind = e->kind,
		.access = e->access,
		.kept = CP_KEPT_YES,
		.child = e->ino,
		.host = e->kind == CP_KIND_PTY ? e->birth : want };
	for (size_t i = 0; i < c->n_ends; i++) {
		const struct cp_end *o = &c->ends[i];
		struct cp_end_id id = { .kind = o->kind,
			.access = o->access,
			.ino = o->ino };

		if (o->proc == host && cp_procfs_is_host_end(ch, &id)) {
			ch->host_fd = o->fd;
			return true;
		}
	}
	return false;
}

/* Is P a child of H that has exec'd? */
static bool
is_child(const struct cp_census *c, const struct cp_proc *p,
    const struct cp_host *h)
{
	const struct cp_proc *hp = cp_census_find(c, h->pid);

	return hp != NULL && hp->start == h->start && p->ppid == h->pid &&
	    p->state != 'Z' && p->image != 0 && p->image != hp->image;
}

bool
cp_look_channels(const struct cp_census *c, const struct cp_proc *p,
    const struct cp_host *h, struct cp_channel channel[2])
{
	const struct cp_proc *hp = cp_census_find(c, h->pid);
	uint32_t index = (uint32_t)(p - c->procs);
	bool any = false;

	memset(channel, 0, 2 * sizeof(channel[0]));
	if (!is_child(c, p, h))
		return false;
	for (size_t i = 0; i < c->n_ends; i++) {
		const struct cp_end *e = &c->ends[i];
		struct cp_channel ch;

		if (e->proc != index || e->fd > 1 || e->fd < 0 ||
		    e->kind == CP_KIND_PTMX)
			continue;
		if (channel_to_host(c, e, (uint32_t)(hp - c->procs), &ch)) {
			channel[e->fd] = ch;
			any = true;
		}
	}
	return any;
}

/* Is fd 0 or 1 of the child something other than the host's own stdio? */
static bool
has_foreign_stdio(pid_t pid, const struct cp_end_id own[3])
{
	for (int fd = 0; fd < 2; fd++) {
		struct cp_end_id e;
		bool same = false;

		if (cp_procfs_end(pid, fd, &e) != 0 || e.kind == CP_KIND_NONE)
			continue;
		for (int i = 0; i < 3; i++)
			same = same ||
			    (own[i].kind == e.kind && own[i].ino == e.ino);
		if (!same)
			return true;
	}
	return false;
}

/* Is there a child that we don't know and that may be a ward? */
static bool
has_strangers(const struct cp_host *h, bool all)
{
	struct cp_end_id own[3] = { 0 };
	static pid_t list[CP_WARDS_MAX]; /* untouched pages cost nothing */
	int n = cp_procfs_children(h->pid, list, CP_WARDS_MAX);

	for (int i = 0; i < 3; i++)
		if (cp_procfs_end(h->pid, i, &own[i]) != 0)
			own[i].kind = CP_KIND_NONE;
	for (int i = 0; i < n; i++) {
		const struct cp_ward *w = cp_facts_find_ward(list[i]);
		struct cp_stat st;

		if (cp_procfs_stat(list[i], &st) != 0 ||
		    (w != NULL && w->start == st.start))
			continue;
		if (all ? st.state != 'Z' && st.image != 0 &&
			    st.image != h->image :
			  has_foreign_stdio(list[i], own))
			return true;
	}
	return n < 0; /* this kernel has no list of children */
}

int
cp_look_for_children(struct cp_host *h, bool all, uint64_t now_ms)
{
	struct cp_census c;
	int found = 0;

	if (!has_strangers(h, all) || cp_census_of_host(h->pid, &c) != 0)
		return 0;
	for (size_t i = 0; i < c.n_procs; i++) {
		const struct cp_proc *p = &c.procs[i];
		const struct cp_ward *w = cp_facts_find_ward(p->pid);
		struct cp_channel channel[2];

		if (w != NULL && w->start == p->start)
			continue;
		if ((cp_look_channels(&c, p, h, channel) ||
			(all && is_child(&c, p, h))) &&
		    cp_enroll_found(h, p->pid, p->start, channel, now_ms) !=
			NULL)
			found++;
	}
	cp_census_free(&c);
	return found;
}
