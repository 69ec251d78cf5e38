/* SPDX-License-Identifier: MIT */
/* See traffic.h. */
#include <sys/inotify.h>

#include <stdlib.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "tap.h"
#include "traffic.h"

#define BUFFER_SIZE 16384
/* As many events as the kernel keeps by default, and then some. */
#define READS_MAX 64

/* One for each ward that is watched. */
struct cp_meter {
	uint32_t index; /* of the ward, with its serial */
	uint32_t serial;
	uint8_t why; /* mask of enum cp_traffic_why; 0: not in use */
	bool moved;  /* since the last drain */
	struct cp_traffic traffic;
	struct cp_tap tap[2];
	LIST_ENTRY(cp_meter) link;
};

static int inotify = -1;
static LIST_HEAD(, cp_meter) meters = LIST_HEAD_INITIALIZER(meters);
/* Untouched pages cost nothing. */
static struct cp_meter *by_ward[CP_WARDS_MAX];

static struct cp_meter *
find(const struct cp_ward *w)
{
	return by_ward[cp_facts_ward_index(w)];
}

static void
drop(struct cp_meter *m)
{
	cp_tap_close(inotify, &m->tap[0]);
	cp_tap_close(inotify, &m->tap[1]);
	by_ward[m->index] = NULL;
	LIST_REMOVE(m, link);
	free(m);
}

void
cp_traffic_reset(void)
{
	struct cp_meter *m, *next;

	inotify = -1;
	LIST_FOREACH_SAFE(m, &meters, link, next)
		drop(m);
}

/* Could it have been asked something before now? */
static bool
has_begun(const struct cp_ward *w)
{
	struct cp_stat st;

	return w->dead || cp_procfs_stat(w->pid, &st) != 0 ||
	    st.start != w->start || st.image == 0 || st.image != w->image;
}

static struct cp_meter *
new_meter(const struct cp_ward *w, uint64_t now)
{
	struct cp_meter *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->index = cp_facts_ward_index(w);
	m->serial = w->serial;
	m->traffic.since_ms = now;
	m->traffic.asked_ms = has_begun(w) ? now : 0;
	m->tap[0].meter = m->tap[1].meter = m;
	by_ward[m->index] = m;
	LIST_INSERT_HEAD(&meters, m, link);
	return m;
}

int
cp_traffic_watch(struct cp_ward *w, enum cp_traffic_why why, uint64_t now_ms)
{
	struct cp_meter *m = find(w);

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
	if (cp_tap_open(inotify, &m->tap[0], w, 0) != 0 ||
	    cp_tap_open(inotify, &m->tap[1], w, 1) != 0) {
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
	struct cp_meter *m = find(w);

	if (m == NULL)
		return;
	m->why &= (uint8_t)~why;
	if (m->why == 0)
		drop(m);
}

const struct cp_traffic *
cp_traffic_of(const struct cp_ward *w)
{
	const struct cp_meter *m = find(w);

	return m != NULL && m->serial == w->serial ? &m->traffic : NULL;
}

/* What EVENT on the channel of T, whose kind and access are CH's, means. */
static void
hear(struct cp_tap *t, const struct cp_channel *ch, uint32_t event,
    uint64_t now)
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
hear_spot(struct cp_spot *s, uint32_t event, uint64_t now)
{
	struct cp_tap *t;

	LIST_FOREACH(t, &s->taps, next) {
		struct cp_meter *m = t->meter;
		struct cp_ward *w = cp_facts_ward_at(m->index, m->serial);

		if (w != NULL)
			hear(t, &w->channel[t - m->tap], event, now);
	}
}

/* Events were lost: everybody may have been busy. */
static void
hear_overflow(uint64_t now)
{
	struct cp_meter *m;

	LIST_FOREACH(m, &meters, link) {
		m->moved = true;
		m->traffic.moved_ms = m->traffic.asked_ms = now;
	}
}

static void
hear_event(const struct inotify_event *e, uint64_t now)
{
	struct cp_spot *s;

	if ((e->mask & IN_Q_OVERFLOW) != 0) {
		hear_overflow(now);
		return;
	}
	s = cp_tap_spot(e->wd);
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
	struct cp_meter *m, *next;

	if (inotify < 0)
		return;
	read_events(now_ms);
	LIST_FOREACH_SAFE(m, &meters, link, next) {
		struct cp_ward *w = cp_facts_ward_at(m->index, m->serial);
		bool was = m->moved;

		m->moved = false;
		if (w == NULL)
			drop(m);
		else if (was && moved != NULL)
			moved(w, m->traffic.asked_ms != 0);
	}
}

void
cp_traffic_child_died(struct cp_ward *w, uint64_t now_ms)
{
	w->died_ms = now_ms;
	if (!w->duplex || w->host->dead || w->step != CP_STEP_WATCH)
		return;
	/* What comes later in this round, of the same time, counts as after. */
	cp_traffic_drain(now_ms - 1, NULL);
	(void)cp_traffic_watch(w, CP_TRAFFIC_GONE, now_ms);
}
