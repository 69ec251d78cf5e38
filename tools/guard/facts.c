/* SPDX-License-Identifier: MIT */
/*
 * Hosts and wards: made, found by PID, moved and forgotten.  Context: guard
 * (single-threaded).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "due.h"
#include "facts_tables.h"
#include "process.h"

static struct cp_host *host_index;
static struct cp_ward *ward_index;
static void (*on_forget)(struct cp_ward *);

/* The program of PID as the census names it, or 0. */
static uint64_t
exe_of(pid_t pid)
{
	char path[CP_PATH_SIZE];

	if (cp_procfs_path(path, sizeof(path), pid, "/exe") == 0)
		return 0;
	return cp_process_exe(AT_FDCWD, path);
}

/*
 * Is W the one to be found by its PID?  Then no other is any more.  One that
 * nobody has seen alive hides none that lives.
 */
static bool
takes_pid(const struct cp_ward *w)
{
	struct cp_ward *other;

	HASH_FIND(hh, ward_index, &w->pid, sizeof(w->pid), other);
	if (other == NULL)
		return true;
	if (w->start == 0 && !other->dead)
		return false;
	if (w->serial < other->serial && (other->start != 0 || w->dead))
		return false;
	HASH_DEL(ward_index, other);
	return true;
}

void
cp_facts_index_ward(struct cp_ward *w)
{
	if (!takes_pid(w))
		return;
	HASH_ADD(hh, ward_index, pid, sizeof(w->pid), w);
}

void
cp_facts_index_host(struct cp_host *h)
{
	struct cp_host *other = cp_facts_find_host(h->pid);

	if (other != NULL && other->serial >= h->serial)
		return;
	if (other != NULL)
		HASH_DEL(host_index, other);
	HASH_ADD(hh, host_index, pid, sizeof(h->pid), h);
}

void
cp_facts_index_reset(void)
{
	host_index = NULL;
	ward_index = NULL;
}

struct cp_host *
cp_facts_find_host(pid_t pid)
{
	struct cp_host *h;

	HASH_FIND(hh, host_index, &pid, sizeof(pid), h);
	return h;
}

static struct cp_host *
host_slot(void)
{
	for (uint32_t i = 0; i < cp_tables->hosts_used; i++)
		if (!cp_tables->hosts[i].used)
			return &cp_tables->hosts[i];
	if (cp_tables->hosts_used == CP_HOSTS_MAX)
		return NULL;
	return &cp_tables->hosts[cp_tables->hosts_used++];
}

struct cp_host *
cp_facts_host(pid_t pid, uint64_t now_ms)
{
	struct cp_host *h = cp_facts_find_host(pid);
	struct cp_stat st;
	bool alive = cp_procfs_stat(pid, &st) == 0 && !cp_process_is_over(&st);

	if (h != NULL && (!alive || h->start == st.start)) {
		if (alive && st.image != 0 && h->image != st.image) {
			h->image = st.image;
			h->exe = exe_of(pid);
			memcpy(h->comm, st.comm, sizeof(h->comm));
		}
		return h;
	}
	if (h != NULL) /* the PID was used again */
		HASH_DEL(host_index, h);
	h = host_slot();
	if (h == NULL) {
		errno = ENOSPC;
		return NULL;
	}
	memset(h, 0, sizeof(*h));
	h->pid = pid;
	h->pidfd = -1;
	h->dead = !alive;
	h->gone_ms = alive ? 0 : now_ms;
	if (alive) {
		h->start = st.start;
		h->image = st.image;
		h->exe = exe_of(pid);
		h->sid = st.sid;
		memcpy(h->comm, st.comm, sizeof(h->comm));
	}
	h->serial = ++cp_tables->serial;
	LIST_INIT(&h->wards);
	HASH_ADD(hh, host_index, pid, sizeof(h->pid), h);
	cp_tables->n_hosts++;
	h->used = true;
	return h;
}

struct cp_ward *
cp_facts_find_ward(pid_t pid)
{
	struct cp_ward *w;

	HASH_FIND(hh, ward_index, &pid, sizeof(pid), w);
	return w;
}

const struct cp_ward *
cp_facts_find_ward_const(pid_t pid)
{
	return cp_facts_find_ward(pid);
}

static struct cp_ward *
ward_slot(void)
{
	struct cp_ward *w = LIST_FIRST(&cp_tables->free_wards);

	if (w != NULL) {
		LIST_REMOVE(w, sibling);
		return w;
	}
	if (cp_tables->wards_used == CP_WARDS_MAX)
		return NULL;
	return &cp_tables->wards[cp_tables->wards_used++];
}

struct cp_ward *
cp_facts_ward(struct cp_host *host, pid_t pid, uint64_t start, uint64_t now_ms)
{
	struct cp_ward *w = cp_facts_find_ward(pid);

	if (w != NULL && !w->dead && w->start == start) {
		cp_facts_move(w, host);
		return w;
	}
	w = ward_slot(); /* an older bearer of the PID keeps its record */
	if (w == NULL) {
		errno = ENOSPC;
		return NULL;
	}
	memset(w, 0, sizeof(*w));
	w->pid = pid;
	w->start = start;
	w->pidfd = w->wd[0] = w->wd[1] = -1;
	w->born_ms = w->rank_ms = now_ms;
	w->serial = ++cp_tables->serial;
	w->host = host;
	w->image = host->image;
	SLIST_INIT(&w->members);
	LIST_INSERT_HEAD(&host->wards, w, sibling);
	cp_facts_index_ward(w);
	cp_tables->n_wards++;
	cp_tables->tally.wards++;
	w->used = true;
	return w;
}

void
cp_facts_move(struct cp_ward *ward, struct cp_host *host)
{
	if (ward->host == host)
		return;
	LIST_REMOVE(ward, sibling);
	ward->host = host;
	LIST_INSERT_HEAD(&host->wards, ward, sibling);
}

void
cp_facts_on_forget(void (*f)(struct cp_ward *ward))
{
	on_forget = f;
}

void
cp_facts_forget_ward(struct cp_ward *ward)
{
	if (on_forget != NULL)
		on_forget(ward);
	cp_due(ward, 0);
	if (ward->pidfd >= 0)
		close(ward->pidfd);
	ward->pidfd = -1;
	ward->used = false;
	cp_facts_drop_members(ward);
	if (cp_facts_find_ward(ward->pid) == ward)
		HASH_DEL(ward_index, ward);
	LIST_REMOVE(ward, sibling);
	LIST_INSERT_HEAD(&cp_tables->free_wards, ward, sibling);
	cp_tables->n_wards--;
}

void
cp_facts_forget_host(struct cp_host *host)
{
	if (host->pidfd >= 0)
		close(host->pidfd);
	host->pidfd = -1;
	if (cp_facts_find_host(host->pid) == host)
		HASH_DEL(host_index, host);
	host->used = false;
	cp_tables->n_hosts--;
}
