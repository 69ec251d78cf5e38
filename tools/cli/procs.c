/* SPDX-License-Identifier: MIT */
/* See procs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "procs.h"
#include "table.h"

static int
add(struct cp_procs *p, size_t *size, const struct cp_used *u)
{
	void *more;

	if (p->n == *size) {
		*size = *size == 0 ? 512 : *size * 2;
		more = reallocarray(p->at, *size, sizeof(*p->at));
		if (more == NULL)
			return -1;
		p->at = more;
	}
	p->at[p->n++] = *u;
	return 0;
}

static int
by_pid(const void *a, const void *b)
{
	const struct cp_used *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int
by_parent(const void *a, const void *b, void *arg)
{
	const struct cp_used *at = arg;
	const struct cp_used *x = &at[*(const uint32_t *)a];
	const struct cp_used *y = &at[*(const uint32_t *)b];

	return x->ppid < y->ppid ? -1 : x->ppid > y->ppid;
}

static int
walk(struct cp_procs *p, int proc)
{
	_Alignas(uint64_t) char entries[8192];
	char path[CP_DECIMAL_SIZE + 8];
	struct cp_dir dir;
	const char *name;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t size = 0;
	int pid;

	cp_procfs_dir(&dir, proc, entries, sizeof(entries));
	while ((pid = cp_procfs_next(&dir, &name)) >= 0) {
		struct cp_used u = { .pid = pid };
		struct cp_stat st;

		(void)snprintf(path, sizeof(path), "%d/stat", pid);
		if (cp_procfs_stat_at(proc, path, &st) != 0)
			continue; /* it has just ended, most likely */
		u.ppid = st.ppid;
		u.state = st.state;
		u.start = st.start;
		u.ticks = st.cpu;
		u.rss = st.rss * page;
		if (add(p, &size, &u) != 0)
			return -1;
	}
	return errno == 0 ? 0 : -1;
}

int
cp_procs_read(struct cp_procs *p)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	*p = (struct cp_procs){ 0 };
	if (proc < 0)
		return -1;
	rc = walk(p, proc);
	close(proc);
	if (rc == 0)
		p->by_parent = calloc(p->n + 1, sizeof(*p->by_parent));
	if (p->by_parent == NULL) {
		cp_procs_free(p);
		return -1;
	}
	qsort(p->at, p->n, sizeof(*p->at), by_pid);
	for (size_t i = 0; i < p->n; i++)
		p->by_parent[i] = (uint32_t)i;
	qsort_r(p->by_parent, p->n, sizeof(*p->by_parent), by_parent, p->at);
	return 0;
}

void
cp_procs_free(struct cp_procs *p)
{
	free(p->at);
	free(p->by_parent);
	*p = (struct cp_procs){ 0 };
}

struct cp_used *
cp_procs_find(const struct cp_procs *p, pid_t pid, uint64_t start)
{
	const struct cp_used key = { .pid = pid };
	struct cp_used *u = p->n == 0 ?
	    NULL :
	    bsearch(&key, p->at, p->n, sizeof(*p->at), by_pid);

	return u != NULL && u->start == start ? u : NULL;
}

/* Where the children of PPID begin in by_parent. */
static size_t
first_child(const struct cp_procs *p, pid_t ppid)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->at[p->by_parent[mid]].ppid < ppid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
cp_procs_begin(struct cp_procs *p)
{
	p->walk++;
}

void
cp_procs_add(struct cp_procs *p, struct cp_used *u, struct cp_sum_used *sum)
{
	if (u->seen == p->walk)
		return;
	u->seen = p->walk;
	sum->rss += u->rss;
	sum->ticks += u->ticks;
	sum->n++;
	for (size_t i = first_child(p, u->pid);
	     i < p->n && p->at[p->by_parent[i]].ppid == u->pid; i++)
		cp_procs_add(p, &p->at[p->by_parent[i]], sum);
}

char *
cp_procs_command(pid_t pid, const char *name)
{
	char path[CP_PATH_SIZE], buf[4096];
	ssize_t len;

	len = cp_procfs_path(path, sizeof(path), pid, "/cmdline") == 0 ?
	    -1 :
	    cp_procfs_read(AT_FDCWD, path, buf, sizeof(buf));
	while (len > 0 && buf[len - 1] == '\0')
		len--;
	for (ssize_t i = 0; i < len; i++)
		if (buf[i] == '\0')
			buf[i] = ' ';
	if (len <= 0)
		len = snprintf(buf, sizeof(buf), "[%.31s]", name);
	return cp_table_visible(buf, (size_t)len);
}
