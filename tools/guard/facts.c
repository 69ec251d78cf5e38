/* SPDX-License-Identifier: MIT */
/*
 * The tables of hosts, wards and members: fixed arrays in one shared mapping
 * whose untouched pages cost nothing, with free lists threaded through them.
 * Context: guard (single-threaded).
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "due.h"
#include "facts.h"
#include "process.h"

struct tables {
	uint32_t hosts_used; /* high-water marks */
	uint32_t wards_used;
	uint32_t members_used;
	uint32_t n_hosts;
	uint32_t n_wards;
	uint32_t serial;
	LIST_HEAD(, cp_ward) free_wards;
	struct cp_members free_members;
	struct cp_tally tally;
	struct cp_host hosts[CP_HOSTS_MAX];
	struct cp_ward wards[CP_WARDS_MAX];
	struct cp_member members[CP_MEMBERS_MAX];
};

static struct tables *t;
static struct cp_host *host_index;
static struct cp_ward *ward_index;
static void (*on_forget)(struct cp_ward *);

int
cp_facts_init(void)
{
	void *p = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	t = p;
	LIST_INIT(&t->free_wards);
	SLIST_INIT(&t->free_members);
	return 0;
}

/* The program of PID as the census names it, or 0. */
static uint64_t
exe_of(pid_t pid)
{
	char path[CP_PATH_SIZE];

	if (cp_procfs_path(path, sizeof(path), pid, "/exe") == 0)
		return 0;
	return cp_process_exe(AT_FDCWD, path);
}

/* A main thread that has ended is a zombie, whether others live or not. */
static bool
ended(const struct cp_stat *st)
{
	return (st->state == 'Z' || st->state == 'X') && st->threads < 2;
}

static bool
same_process(pid_t pid, uint64_t start)
{
	struct cp_stat st;

	return cp_procfs_stat(pid, &st) == 0 && st.start == start &&
	    !ended(&st);
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

/*
 * The dead guard may have stopped in the middle of any list operation: no
 * link is trusted, only records that say they are used.
 */
void
cp_facts_adopt(void (*open_watch)(struct cp_host *, struct cp_ward *))
{
	host_index = NULL;
	ward_index = NULL;
	cp_due_reset();
	LIST_INIT(&t->free_wards);
	SLIST_INIT(&t->free_members);
	t->n_hosts = t->n_wards = 0;
	t->members_used = 0;

	for (uint32_t i = 0; i < t->hosts_used; i++) {
		struct cp_host *h = &t->hosts[i], *other;

		if (!h->used)
			continue;
		h->pidfd = -1;
		LIST_INIT(&h->wards);
		h->dead = h->dead || !same_process(h->pid, h->start);
		other = cp_facts_find_host(h->pid);
		if (other != NULL && other->serial < h->serial)
			HASH_DEL(host_index, other);
		if (other == NULL || other->serial < h->serial)
			HASH_ADD(hh, host_index, pid, sizeof(h->pid), h);
		t->n_hosts++;
		open_watch(h, NULL);
	}
	for (uint32_t i = 0; i < t->wards_used; i++) {
		struct cp_ward *w = &t->wards[i];

		if (!w->used || w->host == NULL || !w->host->used) {
			w->used = false;
			LIST_INSERT_HEAD(&t->free_wards, w, sibling);
			continue;
		}
		w->pidfd = w->wd[0] = w->wd[1] = -1;
		w->due_ms = 0;
		w->is_ripe = false;
		/*
		 * Its members are lost with the links; the first look finds
		 * them again, as holders.
		 */
		SLIST_INIT(&w->members);
		w->dead = w->dead || !same_process(w->pid, w->start);
		LIST_INSERT_HEAD(&w->host->wards, w, sibling);
		if (takes_pid(w))
			HASH_ADD(hh, ward_index, pid, sizeof(w->pid), w);
		t->n_wards++;
		open_watch(w->host, w);
	}
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
	for (uint32_t i = 0; i < t->hosts_used; i++)
		if (!t->hosts[i].used)
			return &t->hosts[i];
	if (t->hosts_used == CP_HOSTS_MAX)
		return NULL;
	return &t->hosts[t->hosts_used++];
}

struct cp_host *
cp_facts_host(pid_t pid, uint64_t now_ms)
{
	struct cp_host *h = cp_facts_find_host(pid);
	struct cp_stat st;
	bool alive = cp_procfs_stat(pid, &st) == 0 && !ended(&st);

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
	h->serial = ++t->serial;
	LIST_INIT(&h->wards);
	HASH_ADD(hh, host_index, pid, sizeof(h->pid), h);
	t->n_hosts++;
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
	struct cp_ward *w = LIST_FIRST(&t->free_wards);

	if (w != NULL) {
		LIST_REMOVE(w, sibling);
		return w;
	}
	if (t->wards_used == CP_WARDS_MAX)
		return NULL;
	return &t->wards[t->wards_used++];
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
	w->serial = ++t->serial;
	w->host = host;
	w->image = host->image;
	SLIST_INIT(&w->members);
	LIST_INSERT_HEAD(&host->wards, w, sibling);
	if (takes_pid(w))
		HASH_ADD(hh, ward_index, pid, sizeof(w->pid), w);
	t->n_wards++;
	t->tally.wards++;
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

bool
cp_facts_is_member(const struct cp_ward *ward, pid_t pid, uint64_t start)
{
	const struct cp_member *m;

	SLIST_FOREACH(m, &ward->members, link)
		if (m->pid == pid && m->start == start)
			return true;
	return false;
}

static void
drop_member(struct cp_member *m)
{
	if (m->pidfd >= 0)
		close(m->pidfd);
	m->pidfd = -1;
	SLIST_INSERT_HEAD(&t->free_members, m, link);
}

struct cp_member *
cp_facts_member(struct cp_ward *ward, pid_t pid, uint64_t start)
{
	struct cp_member *m;

	if (ward->pid == pid && ward->start == start)
		return NULL;
	SLIST_FOREACH(m, &ward->members, link)
		if (m->pid == pid && m->start == start)
			return m;
	m = SLIST_FIRST(&t->free_members);
	if (m != NULL)
		SLIST_REMOVE_HEAD(&t->free_members, link);
	else if (t->members_used < CP_MEMBERS_MAX)
		m = &t->members[t->members_used++];
	else
		return NULL;
	*m = (struct cp_member){ .pid = pid, .pidfd = -1, .start = start };
	SLIST_INSERT_HEAD(&ward->members, m, link);
	return m;
}

void
cp_facts_prune(struct cp_ward *ward,
    bool (*alive)(pid_t pid, uint64_t start, const void *arg), const void *arg)
{
	struct cp_member *m, *next;

	SLIST_FOREACH_SAFE(m, &ward->members, link, next) {
		if (alive(m->pid, m->start, arg))
			continue;
		SLIST_REMOVE(&ward->members, m, cp_member, link);
		drop_member(m);
	}
}

void
cp_facts_on_forget(void (*f)(struct cp_ward *ward))
{
	on_forget = f;
}

void
cp_facts_forget_ward(struct cp_ward *ward)
{
	struct cp_member *m;

	if (on_forget != NULL)
		on_forget(ward);
	cp_due(ward, 0);
	if (ward->pidfd >= 0)
		close(ward->pidfd);
	ward->pidfd = -1;
	ward->used = false;
	while ((m = SLIST_FIRST(&ward->members)) != NULL) {
		SLIST_REMOVE_HEAD(&ward->members, link);
		drop_member(m);
	}
	if (cp_facts_find_ward(ward->pid) == ward)
		HASH_DEL(ward_index, ward);
	LIST_REMOVE(ward, sibling);
	LIST_INSERT_HEAD(&t->free_wards, ward, sibling);
	t->n_wards--;
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
	t->n_hosts--;
}

/* The pages of an array that are behind END and before the old end. */
static void
give_back(const void *end, const void *old_end)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)end + page - 1) & ~(page - 1);
	uintptr_t to = (uintptr_t)old_end & ~(page - 1);

	if (from < to) /* they read as zeroes from then on */
		(void)madvise((void *)from, to - from, MADV_REMOVE);
}

void
cp_facts_shrink(void)
{
	uint32_t wards = t->wards_used, members = t->members_used;

	while (t->wards_used > 0 && !t->wards[t->wards_used - 1].used) {
		LIST_REMOVE(&t->wards[t->wards_used - 1], sibling);
		t->wards_used--;
	}
	give_back(&t->wards[t->wards_used], &t->wards[wards]);
	if (t->n_wards > 0)
		return;
	SLIST_INIT(&t->free_members);
	t->members_used = 0;
	give_back(&t->members[0], &t->members[members]);
}

struct cp_host *
cp_facts_next_host(const struct cp_host *after)
{
	uint32_t i = after == NULL ? 0 : cp_facts_host_index(after) + 1;

	for (; i < t->hosts_used; i++)
		if (t->hosts[i].used)
			return &t->hosts[i];
	return NULL;
}

struct cp_ward *
cp_facts_next_ward(const struct cp_ward *after)
{
	uint32_t i = after == NULL ? 0 : cp_facts_ward_index(after) + 1;

	for (; i < t->wards_used; i++)
		if (t->wards[i].used)
			return &t->wards[i];
	return NULL;
}

struct cp_tally *
cp_facts_tally(void)
{
	return &t->tally;
}

uint32_t
cp_facts_wards(void)
{
	return t->n_wards;
}

uint32_t
cp_facts_hosts(void)
{
	return t->n_hosts;
}

uint32_t
cp_facts_ward_index(const struct cp_ward *ward)
{
	return (uint32_t)(ward - t->wards);
}

uint32_t
cp_facts_host_index(const struct cp_host *host)
{
	return (uint32_t)(host - t->hosts);
}

struct cp_ward *
cp_facts_ward_at(uint32_t index, uint32_t serial)
{
	struct cp_ward *w = &t->wards[index];

	return index < t->wards_used && w->used && w->serial == serial ? w :
									 NULL;
}

struct cp_host *
cp_facts_host_at(uint32_t index, uint32_t serial)
{
	struct cp_host *h = &t->hosts[index];

	return index < t->hosts_used && h->used && h->serial == serial ? h :
									 NULL;
}
