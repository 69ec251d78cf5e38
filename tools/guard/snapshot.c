/* SPDX-License-Identifier: MIT */
/* Writing a snapshot of the facts; see snapshot.h.  Context: guard. */
#include <sys/mman.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "idle.h"
#include "snapshot.h"

static struct cp_snap_host
host_view(const struct cp_host *h)
{
	struct cp_snap_host v = { .pid = h->pid,
		.sid = h->sid,
		.dead = h->dead,
		.leaving = h->leaving,
		.census = h->census,
		.attached = h->attached,
		.leaky = h->leaky,
		.start = h->start,
		.image = h->image,
		.exe = h->exe,
		.gone_ms = h->gone_ms };

	memcpy(v.comm, h->comm, sizeof(v.comm));
	return v;
}

static struct cp_snap_ward
ward_view(const struct cp_ward *w, const uint32_t *host_at)
{
	struct cp_snap_ward v = { .host = host_at[cp_facts_host_index(w->host)],
		.pid = w->pid,
		.uid = w->uid,
		.thread = w->thread,
		.dead = w->dead,
		.duplex = w->duplex,
		.leader = w->leader,
		.spare = w->spare,
		.handed = w->handed,
		.retired = w->retired,
		.surplus = w->surplus,
		.any = w->any,
		.linked = w->linked,
		.swept = w->swept,
		.step = w->step,
		.rule = w->rule,
		.start = w->start,
		.image = w->image,
		.key = w->key,
		.born_ms = w->born_ms,
		.next_ms = w->next_ms,
		.shut_ms = w->shut_ms,
		.died_ms = w->died_ms,
		.unwaited_ms = w->unwaited_ms,
		.idle_ms = cp_idle_since(w),
		.channel = { w->channel[0], w->channel[1] } };

	memcpy(v.name, w->name, sizeof(v.name));
	return v;
}

/* Room for all of it; the members are counted first. */
struct writing {
	struct cp_snap_head head;
	struct cp_snap_host *hosts;
	struct cp_snap_ward *wards;
	struct cp_snap_member *members;
	uint32_t *host_at; /* where the host with this index went */
};

static bool
make_room(struct writing *s)
{
	const struct cp_member *m;
	uint32_t n = 0;

	for (struct cp_ward *w = cp_facts_next_ward(NULL); w != NULL;
	     w = cp_facts_next_ward(w))
		SLIST_FOREACH(m, &w->members, link)
			n++;
	s->hosts = calloc(cp_facts_hosts() + 1, sizeof(*s->hosts));
	s->wards = calloc(cp_facts_wards() + 1, sizeof(*s->wards));
	s->members = calloc(n + 1, sizeof(*s->members));
	s->host_at = calloc(CP_HOSTS_MAX, sizeof(*s->host_at));
	return s->hosts != NULL && s->wards != NULL && s->members != NULL &&
	    s->host_at != NULL;
}

static void
fill(struct writing *s)
{
	const struct cp_member *m;

	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = cp_facts_next_host(h)) {
		s->host_at[cp_facts_host_index(h)] = s->head.n_hosts;
		s->hosts[s->head.n_hosts++] = host_view(h);
	}
	for (struct cp_ward *w = cp_facts_next_ward(NULL); w != NULL;
	     w = cp_facts_next_ward(w)) {
		SLIST_FOREACH(m, &w->members, link)
			s->members[s->head.n_members++] =
			    (struct cp_snap_member){ .ward = s->head.n_wards,
				    .pid = m->pid,
				    .start = m->start };
		s->wards[s->head.n_wards++] = ward_view(w, s->host_at);
	}
}

static bool
put(int fd, const void *from, size_t len)
{
	return write(fd, from, len) == (ssize_t)len;
}

static int
write_file(const struct writing *s)
{
	const struct cp_snap_head *h = &s->head;
	int fd = memfd_create("childproof", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (put(fd, h, sizeof(*h)) &&
	    put(fd, s->hosts, h->n_hosts * sizeof(*s->hosts)) &&
	    put(fd, s->wards, h->n_wards * sizeof(*s->wards)) &&
	    put(fd, s->members, h->n_members * sizeof(*s->members)) &&
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0)
		return fd; /* several readers may have it */
	close(fd);
	return -1;
}

int
cp_snapshot_take(const struct cp_options *options, uint64_t now)
{
	struct writing s = { .head = { .magic = CP_SNAP_MAGIC,
				 .head_size = sizeof(struct cp_snap_head),
				 .host_size = sizeof(struct cp_snap_host),
				 .ward_size = sizeof(struct cp_snap_ward),
				 .member_size = sizeof(struct cp_snap_member),
				 .guard = getpid(),
				 .now_ms = now,
				 .options = *options,
				 .tally = *cp_facts_tally() } };
	int fd = -1;

	if (make_room(&s)) {
		fill(&s);
		fd = write_file(&s);
	}
	free(s.hosts);
	free(s.wards);
	free(s.members);
	free(s.host_at);
	return fd;
}
