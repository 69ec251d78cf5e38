/* SPDX-License-Identifier: MIT */
/*
 * See traffic.h.  The kernel has one watch descriptor for one inode, but one
 * inode can be in two channels (siblings that share a stdin, both fds of a
 * socket): so a spot, for the inode, has a list of taps, one for each channel
 * of a ward that leads there.
 */
#include <sys/inotify.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "hold.h"
#include "traffic.h"

#define BUFFER_SIZE 16384
/* As many events as the kernel keeps by default, and then some. */
#define READS_MAX 64

struct spot {
	int wd;
	LIST_HEAD(, tap) taps;
	UT_hash_handle hh;
};

struct tap {
	struct spot *spot; /* NULL: this channel is not watched */
	struct meter *meter;
	LIST_ENTRY(tap) next;
};

/* One for each ward that is watched. */
struct meter {
	uint32_t index; /* of the ward, with its serial */
	uint32_t serial;
	uint8_t why; /* mask of enum cp_traffic_why; 0: not in use */
	bool moved;  /* since the last drain */
	struct cp_traffic traffic;
	struct tap tap[2];
	UT_hash_handle hh;
};

static int inotify = -1;
static struct spot *spots;
static struct meter *meters;

static struct meter *
find(const struct cp_ward *w)
{
	uint32_t index = cp_facts_ward_index(w);
	struct meter *m;

	HASH_FIND(hh, meters, &index, sizeof(index), m);
	return m;
}

static struct spot *
spot_at(int wd)
{
	struct spot *s;

	HASH_FIND_INT(spots, &wd, s);
	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->wd = wd;
	LIST_INIT(&s->taps);
	HASH_ADD_INT(spots, wd, s);
	return s;
}

static void
close_tap(struct tap *t)
{
	struct spot *s = t->spot;

	if (s == NULL)
		return;
	t->spot = NULL;
	LIST_REMOVE(t, next);
	if (!LIST_EMPTY(&s->taps))
		return;
	/* An inode that is gone has taken its watch with it. */
	(void)inotify_rm_watch(inotify, s->wd);
	HASH_DEL(spots, s);
	free(s);
}

static void
drop(struct meter *m)
{
	close_tap(&m->tap[0]);
	close_tap(&m->tap[1]);
	HASH_DEL(meters, m);
	free(m);
}

void
cp_traffic_reset(void)
{
	struct meter *m, *next;

	HASH_ITER(hh, meters, m, next)
		drop(m);
	if (inotify >= 0)
		close(inotify);
	inotify = -1;
}

/*
 * Both ends of a pipe are one inode: of stdout's only the writing counts, and
 * of stdin's the host's writing as well as the ward's reading.
 */
static uint32_t
mask_of(const struct cp_channel *ch)
{
	bool out = ch->kind == CP_KIND_PIPE && ch->access == CP_WRITE;

	return out ? IN_MODIFY : IN_ACCESS | IN_MODIFY;
}

static int
open_tap(struct tap *t, const struct cp_ward *w, int k)
{
	const struct cp_channel *ch = &w->channel[k];
	char path[CP_PATH_SIZE];
	int held, wd;

	if (ch->kind == CP_KIND_NONE || t->spot != NULL)
		return 0;
	held = cp_hold(w, k, path);
	/* The host's own end of a socket shows what the host does. */
	if (held < 0)
		held = cp_hold_host(w, k, path);
	if (held < 0)
		return -1;
	/* Another tap may want more of this inode. */
	wd = inotify_add_watch(inotify, path, mask_of(ch) | IN_MASK_ADD);
	close(held);
	if (wd < 0)
		return -1;
	t->spot = spot_at(wd);
	if (t->spot == NULL)
		return -1;
	LIST_INSERT_HEAD(&t->spot->taps, t, next);
	return 0;
}

/* Could it have been asked something before now? */
static bool
has_begun(const struct cp_ward *w)
{
	struct cp_stat st;

	return cp_procfs_stat(w->pid, &st) != 0 || st.start != w->start ||
	    st.image == 0 || st.image != w->image;
}

static struct meter *
new_meter(const struct cp_ward *w, uint64_t now)
{
	struct meter *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->index = cp_facts_ward_index(w);
	m->serial = w->serial;
	m->traffic.since_ms = now;
	m->traffic.asked_ms = has_begun(w) ? now : 0;
	m->tap[0].meter = m->tap[1].meter = m;
	HASH_ADD(hh, meters, index, sizeof(m->index), m);
	return m;
}

int
cp_traffic_watch(struct cp_ward *w, enum cp_traffic_why why, uint64_t now_ms)
{
	struct meter *m = find(w);

	if (inotify < 0)
		inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify < 0)
		return -1;
	if (m != NULL && m->serial != w->serial) {
		drop(m);
		m = NULL;
	}
	if (m == NULL)
		m = new_meter(w, now_ms);
	if (m == NULL)
		return -1;
	if (open_tap(&m->tap[0], w, 0) != 0 ||
	    open_tap(&m->tap[1], w, 1) != 0) {
		if (m->why == 0)
			drop(m);
		return -1;
	}
	m->why |= (uint8_t)why;
	return 0;
}

void
cp_traffic_unwatch(const struct cp_ward *w, enum cp_traffic_why why)
{
	struct meter *m = find(w);

	if (m == NULL)
		return;
	m->why &= (uint8_t)~why;
	if (m->why == 0)
		drop(m);
}

const struct cp_traffic *
cp_traffic_of(const struct cp_ward *w)
{
	const struct meter *m = find(w);

	return m != NULL && m->serial == w->serial ? &m->traffic : NULL;
}

/* What EVENT on the channel of T, whose kind and access are CH's, means. */
static void
hear(struct tap *t, const struct cp_channel *ch, uint32_t event, uint64_t now)
{
	struct cp_traffic *tr = &t->meter->traffic;
	/* The pipe that it reads from; otherwise we see the ward's own end. */
	bool in = ch->kind == CP_KIND_PIPE && ch->access == CP_READ;

	t->meter->moved = true;
	tr->moved_ms = now;
	/*
	 * It is asked once it has read, which it does before it answers.  The
	 * host's writing is told of when its write(2) returns, and that can be
	 * after the answer.
	 */
	if ((event & IN_ACCESS) != 0 && ch->access != CP_WRITE)
		tr->asked_ms = now;
	else if ((event & IN_MODIFY) != 0 && !in)
		tr->asked_ms = 0;
}

static void
hear_spot(struct spot *s, uint32_t event, uint64_t now)
{
	struct tap *t;

	LIST_FOREACH(t, &s->taps, next) {
		struct meter *m = t->meter;
		struct cp_ward *w = cp_facts_ward_at(m->index, m->serial);

		if (w != NULL)
			hear(t, &w->channel[t - m->tap], event, now);
	}
}

/* Events were lost: everybody may have been busy. */
static void
hear_overflow(uint64_t now)
{
	struct meter *m, *next;

	HASH_ITER(hh, meters, m, next) {
		m->moved = true;
		m->traffic.moved_ms = m->traffic.asked_ms = now;
	}
}

static void
hear_event(const struct inotify_event *e, uint64_t now)
{
	struct spot *s;

	if ((e->mask & IN_Q_OVERFLOW) != 0) {
		hear_overflow(now);
		return;
	}
	HASH_FIND_INT(spots, &e->wd, s);
	if (s != NULL && (e->mask & (IN_ACCESS | IN_MODIFY)) != 0)
		hear_spot(s, e->mask, now);
}

static void
read_events(uint64_t now)
{
	_Alignas(struct inotify_event) char buf[BUFFER_SIZE];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(inotify, buf, sizeof(buf));

		if (n <= 0)
			return;
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (void *)p;

			hear_event(e, now);
			p += sizeof(*e) + e->len;
		}
	}
}

void
cp_traffic_drain(uint64_t now_ms,
    void (*moved)(struct cp_ward *ward, bool asked))
{
	struct meter *m, *next;

	if (inotify < 0)
		return;
	read_events(now_ms);
	HASH_ITER(hh, meters, m, next) {
		struct cp_ward *w = cp_facts_ward_at(m->index, m->serial);
		bool was = m->moved;

		m->moved = false;
		if (w == NULL)
			drop(m);
		else if (was && moved != NULL)
			moved(w, m->traffic.asked_ms != 0);
	}
}
