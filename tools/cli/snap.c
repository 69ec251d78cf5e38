/* SPDX-License-Identifier: MIT */
/*
 * Snapshots as they come from a guard; see ask.h.  Whoever bound a socket with
 * the name of a guard may have made them: root asks those of all users.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../guard/facts.h"
#include "../guard/judge.h"
#include "ask.h"

/* It must not shrink or change under our eyes. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_WRITE)

/* Is it of our version, and as large as it says? */
static bool
has_its_size(const struct cp_snap_head *h, size_t size)
{
	return size >= sizeof(*h) && h->magic == CP_SNAP_MAGIC &&
	    h->head_size == sizeof(*h) &&
	    h->host_size == sizeof(struct cp_snap_host) &&
	    h->ward_size == sizeof(struct cp_snap_ward) &&
	    h->member_size == sizeof(struct cp_snap_member) &&
	    h->n_hosts <= CP_HOSTS_MAX && h->n_wards <= CP_WARDS_MAX &&
	    h->n_members <= CP_MEMBERS_MAX &&
	    size ==
	    sizeof(*h) + h->n_hosts * sizeof(struct cp_snap_host) +
		h->n_wards * sizeof(struct cp_snap_ward) +
		h->n_members * sizeof(struct cp_snap_member);
}

static bool
is_sane_host(const struct cp_snap_host *h)
{
	return h->pid > 0 && memchr(h->comm, '\0', sizeof(h->comm)) != NULL;
}

static bool
is_sane_ward(const struct cp_snap_ward *w, uint32_t n_hosts)
{
	return w->pid > 0 && w->host < n_hosts && w->step <= CP_STEP_KILL &&
	    w->rule < CP_RULES && w->channel[0].kind <= CP_KIND_PTY &&
	    w->channel[1].kind <= CP_KIND_PTY &&
	    memchr(w->name, '\0', sizeof(w->name)) != NULL;
}

static bool
is_sane(const struct cp_facts *f)
{
	for (uint32_t i = 0; i < f->head->n_hosts; i++)
		if (!is_sane_host(&f->hosts[i]))
			return false;
	for (uint32_t i = 0; i < f->head->n_wards; i++)
		if (!is_sane_ward(&f->wards[i], f->head->n_hosts))
			return false;
	for (uint32_t i = 0; i < f->head->n_members; i++)
		if (f->members[i].ward >= f->head->n_wards ||
		    f->members[i].pid <= 0)
			return false;
	return true;
}

static bool
point(struct cp_facts *f)
{
	f->head = f->map;
	if (!has_its_size(f->head, f->size))
		return false;
	f->hosts = (const void *)(f->head + 1);
	f->wards = (const void *)(f->hosts + f->head->n_hosts);
	f->members = (const void *)(f->wards + f->head->n_wards);
	return is_sane(f);
}

int
cp_facts_map(int file, struct cp_facts *f)
{
	int seals = fcntl(file, F_GET_SEALS);
	struct stat st;

	if (seals == -1 || (seals & SEALS) != SEALS || fstat(file, &st) != 0 ||
	    st.st_size < (off_t)sizeof(*f->head)) {
		errno = EPROTO;
		return -1;
	}
	f->size = (size_t)st.st_size;
	f->map = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, file, 0);
	if (f->map == MAP_FAILED) {
		f->map = NULL;
		return -1;
	}
	if (point(f))
		return 0;
	(void)munmap(f->map, f->size);
	f->map = NULL;
	errno = EPROTO;
	return -1;
}

void
cp_facts_free(struct cp_facts *f)
{
	if (f->map != NULL)
		(void)munmap(f->map, f->size);
	*f = (struct cp_facts){ 0 };
}
