/* SPDX-License-Identifier: MIT */
/*
 * See closes.h.  There is no table: a ward knows its watch descriptors, and a
 * batch of events costs one walk over the wards.
 *
 * A watch has one bit only, that of the host's direction: the census probes a
 * pipe by opening the child's side anew, and closing that again must not wake
 * us for the next census.
 */
#include <sys/inotify.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "closes.h"
#include "due.h"
#include "hold.h"
#include "journal.h"
#include "watch.h"

#define TERMINALS  "/dev/pts"
#define EVENTS_MAX 1024
#define READS_MAX  64 /* of a buffer each; the rest when we are woken next */

static int ears = -1;
static int terminals = -1; /* the watch on /dev/pts */
static bool told;	   /* of the first failure */

void
cp_closes_init(void)
{
	terminals = -1;
	ears = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (ears >= 0)
		(void)cp_watch_add(ears, CP_TAG_CLOSES, 0, 0);
}

/* Another ward may wait for the same close: siblings can share a stdin. */
static int
share(struct cp_ward *w, const struct cp_channel *ch)
{
	for (struct cp_ward *o = cp_facts_next_ward(NULL); o != NULL;
	     o = cp_facts_next_ward(o))
		for (int k = 0; k < 2; k++) {
			const struct cp_channel *c = &o->channel[k];

			if (o->wd[k] < 0 || c->kind != ch->kind ||
			    c->host != ch->host || c->access != ch->access)
				continue;
			if (o != w)
				o->wd_shared = w->wd_shared = true;
			return o->wd[k];
		}
	errno = EEXIST; /* watched for the other direction */
	return -1;
}

static int
watch_end(struct cp_ward *w, int k)
{
	const struct cp_channel *ch = &w->channel[k];
	uint32_t mask = ch->kind == CP_KIND_UNIX || ch->access == CP_READ ?
	    IN_CLOSE_WRITE :
	    IN_CLOSE_NOWRITE;
	char path[CP_PATH_SIZE];
	int held, wd;

	if (ch->kind == CP_KIND_PIPE && ch->access == (CP_READ | CP_WRITE)) {
		errno = EINVAL;
		return -1;
	}
	held = ch->kind == CP_KIND_PIPE ? cp_hold(w, k, path) :
					  cp_hold_host(w, k, path);
	if (held < 0)
		return -1;
	wd = inotify_add_watch(ears, path, mask | IN_MASK_CREATE);
	if (wd < 0 && errno == EEXIST)
		wd = share(w, ch);
	close(held);
	return wd;
}

/* Has PID this terminal? */
static bool
shows(pid_t pid, const struct stat *terminal)
{
	char path[CP_PATH_SIZE];
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		size_t len = cp_procfs_path(path, sizeof(path), pid, "/fd/");

		if (len == 0)
			break;
		cp_procfs_decimal(path + len, (uint64_t)fd);
		if (stat(path, &st) == 0 && st.st_dev == terminal->st_dev &&
		    st.st_ino == terminal->st_ino)
			return true;
	}
	return false;
}

/* One watch serves all ptys, if the ward's is of our devpts. */
static int
watch_terminal(const struct cp_ward *w, const struct cp_channel *ch)
{
	const struct cp_member *m;
	char path[CP_PATH_SIZE];
	struct stat ours;
	bool same;

	(void)snprintf(path, sizeof(path), TERMINALS "/%llu",
	    (unsigned long long)ch->child);
	if (stat(path, &ours) != 0)
		return -1;
	same = !w->dead && shows(w->pid, &ours);
	SLIST_FOREACH(m, &w->members, link)
		same = same || shows(m->pid, &ours);
	if (!same) {
		errno = EXDEV;
		return -1;
	}
	if (terminals < 0)
		terminals = inotify_add_watch(ears, TERMINALS, IN_DELETE);
	return terminals;
}

static bool
same_end(const struct cp_channel *a, const struct cp_channel *b)
{
	return a->kind == b->kind && a->kind != CP_KIND_PIPE &&
	    a->child == b->child;
}

static void
closed(struct cp_ward *w, int k, uint64_t now)
{
	w->shut |= (uint8_t)(1u << k);
	if (w->shut != 3)
		return;
	w->shut_ms = now; /* the last one is what counts */
	if (w->step != CP_STEP_WATCH || !w->looked)
		return;
	w->rounds = 0;
	cp_due(w, now);
}

void
cp_closes_watch(struct cp_ward *w, uint64_t now)
{
	if (!w->duplex || w->host->dead || w->swept ||
	    (w->wd[0] >= 0 && w->wd[1] >= 0))
		return;
	for (int k = 0; k < 2; k++) {
		const struct cp_channel *ch = &w->channel[k];
		int error;

		if (k == 1 && same_end(&w->channel[0], ch))
			w->wd[1] = w->wd[0];
		else
			w->wd[k] = ch->kind == CP_KIND_PTY ?
			    watch_terminal(w, ch) :
			    watch_end(w, k);
		error = errno;
		/* What was closed before the watch stood is not heard. */
		if (!cp_host_has(w->host, ch))
			closed(w, k, now);
		if (w->wd[k] >= 0)
			continue;
		w->swept = true;
		/* Closed, at another number, of another devpts, shared. */
		if (error == ENOENT || error == EXDEV || error == EEXIST ||
		    error == EINVAL || told)
			continue;
		told = true;
		cp_journal_note("sweep",
		    "inotify can't watch; closed channels are found seconds "
		    "later (raise fs.inotify.max_user_watches)",
		    error);
	}
}

void
cp_closes_unwatch(struct cp_ward *w)
{
	const int was[2] = { w->wd[0], w->wd[1] };

	w->wd[0] = w->wd[1] = -1;
	for (int k = 0; k < 2; k++) {
		int wd = was[k];
		bool shared = wd == terminals;

		if (wd < 0 || (k == 1 && wd == was[0]))
			continue;
		for (struct cp_ward *o =
			 w->wd_shared ? cp_facts_next_ward(NULL) : NULL;
		     o != NULL && !shared; o = cp_facts_next_ward(o))
			shared = o->wd[0] == wd || o->wd[1] == wd;
		if (!shared)
			(void)inotify_rm_watch(ears, wd);
	}
	w->wd_shared = false;
}

/* What one buffer full of events says. */
struct heard {
	bool overflow;
	size_t n, n_ptys;
	int wd[EVENTS_MAX];
	uint64_t pty[EVENTS_MAX];
};

static void
note(struct heard *h, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW) {
		h->overflow = true;
		cp_facts_tally()->lost++;
	} else if (e->mask & IN_IGNORED)
		return;
	else if (e->wd == terminals && e->len > 0)
		h->pty[h->n_ptys++] = strtoull(e->name, NULL, 10);
	else
		h->wd[h->n++] = e->wd;
}

static int
by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
concerns(const struct heard *h, const struct cp_ward *w, int k)
{
	if (w->wd[k] < 0)
		return false;
	if (h->overflow)
		return true;
	if (w->wd[k] != terminals)
		return bsearch(&w->wd[k], h->wd, h->n, sizeof(h->wd[0]),
			   by_number) != NULL;
	for (size_t i = 0; i < h->n_ptys; i++)
		if (h->pty[i] == w->channel[k].child)
			return true;
	return false;
}

static void
tell(struct heard *h, uint64_t now)
{
	if (h->n + h->n_ptys == 0 && !h->overflow)
		return;
	qsort(h->wd, h->n, sizeof(h->wd[0]), by_number);
	for (struct cp_ward *w = cp_facts_next_ward(NULL); w != NULL;
	     w = cp_facts_next_ward(w))
		for (int k = 0; k < 2; k++)
			if (concerns(h, w, k))
				closed(w, k, now);
}

void
cp_closes_hear(uint64_t now)
{
	static _Alignas(struct inotify_event) char
	    buf[EVENTS_MAX * sizeof(struct inotify_event)];
	static struct heard h;

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t len = read(ears, buf, sizeof(buf));
		const struct inotify_event *e;

		if (len <= 0)
			return;
		h.overflow = false;
		h.n = h.n_ptys = 0;
		for (const char *p = buf; p < buf + len;
		     p += sizeof(*e) + e->len) {
			e = (const void *)p;
			note(&h, e);
		}
		tell(&h, now);
	}
}
