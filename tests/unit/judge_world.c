/* SPDX-License-Identifier: MIT */
/* See judge_world.h.  The census is built anew for each question. */
#include <stdlib.h>
#include <string.h>

#include "judge_world.h"

#define PROCS_MAX 64
#define ENDS_MAX  128
#define OTHERS	  4

/* An end and whose it is, until it can be said by index. */
struct held {
	pid_t pid;
	struct cp_end end;
};

struct world world;

static struct cp_proc procs[PROCS_MAX];
static struct held held[ENDS_MAX];
static struct cp_truth truths[ENDS_MAX];
static struct cp_member seen[PROCS_MAX];
static struct cp_ward others[OTHERS];
static struct cp_host their_hosts[OTHERS];
static size_t n_procs, n_held, n_truths, n_seen, n_others;

void
world_begin(void)
{
	world = (struct world){
		.options = { .grace_ms = 15000, .exit_grace_ms = 2000,
			.term_ms = 3000 },
		.now_ms = NOW_MS,
		.complete = true,
	};
	n_procs = n_held = n_truths = n_seen = n_others = 0;
	SLIST_INIT(&world.ward.members);
	proc(INIT, 0)->uid = 0;
}

struct cp_proc *
find(pid_t pid)
{
	for (size_t i = 0; i < n_procs; i++)
		if (procs[i].pid == pid)
			return &procs[i];
	abort();
}

static int
by_pid(const void *a, const void *b)
{
	const struct cp_proc *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

struct cp_proc *
proc(pid_t pid, pid_t ppid)
{
	cr_assert_lt(n_procs, PROCS_MAX);
	procs[n_procs++] = (struct cp_proc){ .pid = pid, .ppid = ppid,
		.pgid = pid, .sid = pid, .uid = US, .state = 'S',
		.readable = true, .start = (uint64_t)pid,
		.image = 10000 + (uint64_t)pid, .exe = 20000 + (uint64_t)pid };
	qsort(procs, n_procs, sizeof(procs[0]), by_pid);
	return find(pid);
}

struct cp_end *
end(pid_t pid, int fd, enum cp_kind kind, unsigned int access, uint64_t ino)
{
	struct held *h = &held[n_held++];

	cr_assert_leq(n_held, ENDS_MAX);
	(void)find(pid);
	*h = (struct held){ pid, { .fd = fd, .kind = (uint8_t)kind,
		.access = (uint8_t)access, .ino = ino } };
	if (kind == CP_KIND_PTY)
		h->end.birth = MARK;
	if (kind == CP_KIND_PTY || kind == CP_KIND_PTMX)
		h->end.dev = DEVPTS;
	return &h->end;
}

/* Closes FD of PID; all of them if FD is -1. */
static void
forget_ends(pid_t pid, int fd)
{
	size_t n = 0;

	for (size_t i = 0; i < n_held; i++)
		if (held[i].pid != pid || (fd != -1 && held[i].end.fd != fd))
			held[n++] = held[i];
	cr_assert(fd == -1 || n < n_held, "%d has no %d", (int)pid, fd);
	n_held = n;
}

void
drop(pid_t pid, int fd)
{
	cr_assert_geq(fd, 0);
	forget_ends(pid, fd);
}

void
dies(pid_t pid)
{
	*find(pid) = procs[n_procs - 1];
	n_procs--;
	qsort(procs, n_procs, sizeof(procs[0]), by_pid);
	forget_ends(pid, -1);
	for (size_t i = 0; i < n_procs; i++)
		if (procs[i].ppid == pid)
			procs[i].ppid = INIT;
}

void
host_dies(void)
{
	dies(world.host.pid);
	world.host.dead = true;
	world.host.gone_ms = GONE_MS;
}

struct cp_truth *
truth(enum cp_kind kind, uint64_t ino)
{
	struct cp_truth *t = &truths[n_truths++];

	cr_assert_leq(n_truths, ENDS_MAX);
	*t = (struct cp_truth){ .kind = (uint8_t)kind, .ino = ino };
	return t;
}

static void
be_host(struct cp_host *h, const struct cp_proc *p)
{
	*h = (struct cp_host){ .pid = p->pid, .used = true, .start = p->start,
		.image = p->image, .exe = p->exe, .pidfd = -1 };
}

static void
be_ward(struct cp_ward *w, struct cp_host *h, const struct cp_proc *p)
{
	w->pid = p->pid;
	w->start = p->start;
	w->uid = p->uid;
	w->used = w->looked = true;
	w->pidfd = -1;
	w->host = h;
	w->image = h->image;
}

static void
couple(void)
{
	be_host(&world.host, proc(HOST, INIT));
	be_ward(&world.ward, &world.host, proc(CHILD, HOST));
}

static void
channel(int k, enum cp_kind kind, unsigned int access, uint64_t child,
    uint64_t host)
{
	world.ward.channel[k] = (struct cp_channel){ .kind = (uint8_t)kind,
		.access = (uint8_t)access, .kept = CP_KEPT_YES,
		.host_fd = 5 + k, .child = child, .host = host };
	world.ward.duplex = world.ward.channel[0].kind != CP_KIND_NONE &&
	    world.ward.channel[1].kind != CP_KIND_NONE;
}

static void
stdin_pipe(void)
{
	channel(0, CP_KIND_PIPE, CP_READ, IN, IN);
	end(HOST, 5, CP_KIND_PIPE, CP_WRITE, IN);
	end(CHILD, 0, CP_KIND_PIPE, CP_READ, IN);
}

static void
stdout_pipe(void)
{
	channel(1, CP_KIND_PIPE, CP_WRITE, OUT, OUT);
	end(HOST, 6, CP_KIND_PIPE, CP_READ, OUT);
	end(CHILD, 1, CP_KIND_PIPE, CP_WRITE, OUT);
}

void
duplex(void)
{
	couple();
	stdin_pipe();
	stdout_pipe();
}

void
reader(void)
{
	couple();
	stdin_pipe();
}

void
writer(void)
{
	couple();
	stdout_pipe();
}

void
sockets(void)
{
	unsigned int both = CP_READ | CP_WRITE;

	couple();
	channel(0, CP_KIND_UNIX, both, IN_CHILD, IN_HOST);
	channel(1, CP_KIND_UNIX, both, OUT_CHILD, OUT_HOST);
	end(HOST, 5, CP_KIND_UNIX, both, IN_HOST);
	end(HOST, 6, CP_KIND_UNIX, both, OUT_HOST);
	end(CHILD, 0, CP_KIND_UNIX, both, IN_CHILD);
	end(CHILD, 1, CP_KIND_UNIX, both, OUT_CHILD);
}

void
terminal(void)
{
	unsigned int both = CP_READ | CP_WRITE;

	couple();
	for (int fd = 0; fd < 2; fd++) {
		channel(fd, CP_KIND_PTY, both, PTS, MARK);
		end(CHILD, fd, CP_KIND_PTY, both, PTS);
	}
	end(HOST, 5, CP_KIND_PTMX, both, PTS);
	find(CHILD)->sid = CHILD;
	world.ward.leader = true;
}

struct cp_ward *
other_ward_at(pid_t pid, pid_t host)
{
	struct cp_ward *w = &others[n_others];
	struct cp_host *h = &their_hosts[n_others++];

	cr_assert_leq(n_others, OTHERS);
	be_host(h, find(host));
	*w = (struct cp_ward){ 0 };
	be_ward(w, h, find(pid));
	return w;
}

struct cp_ward *
sibling_at(pid_t pid)
{
	struct cp_ward *w = other_ward_at(pid, HOST);

	w->host = &world.host;
	return w;
}

void
remembered(pid_t pid)
{
	struct cp_member *m = &seen[n_seen++];

	cr_assert_leq(n_seen, PROCS_MAX);
	*m = (struct cp_member){ .pid = pid, .pidfd = -1,
		.start = find(pid)->start };
	SLIST_INSERT_HEAD(&world.ward.members, m, link);
}

static const struct cp_ward *
find_ward(pid_t pid)
{
	if (world.ward.pid == pid)
		return &world.ward;
	for (size_t i = 0; i < n_others; i++)
		if (others[i].pid == pid)
			return &others[i];
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct cp_truth *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

/* As cp_census_take() would have it: its order is what lookups rely on. */
static struct cp_case
look(struct cp_census *census, struct cp_end ends[ENDS_MAX],
    struct cp_index *index)
{
	*census = (struct cp_census){ .procs = procs, .n_procs = n_procs,
		.ends = ends, .truths = truths, .n_truths = n_truths,
		.complete = world.complete };
	for (size_t i = 0; i < n_procs; i++)
		for (size_t k = 0; k < n_held; k++) {
			if (held[k].pid != procs[i].pid)
				continue;
			ends[census->n_ends] = held[k].end;
			ends[census->n_ends++].proc = (uint32_t)i;
		}
	cr_assert_eq(census->n_ends, n_held);
	qsort(truths, n_truths, sizeof(truths[0]), by_name);
	cr_assert_eq(cp_index_build(census, index), 0);
	return (struct cp_case){ .options = &world.options, .index = index,
		.ward = &world.ward, .find_ward = find_ward,
		.now_ms = world.now_ms, .hurried = world.hurried };
}

struct cp_index *
world_index(void)
{
	static struct cp_end ends[ENDS_MAX];
	static struct cp_census census;
	static struct cp_index index;

	(void)look(&census, ends, &index);
	return &index;
}

struct cp_finding
judge(void)
{
	struct cp_end ends[ENDS_MAX];
	struct cp_census census;
	struct cp_index index;
	struct cp_case c = look(&census, ends, &index);
	struct cp_finding f = cp_judge(&c);

	cp_index_free(&index);
	return f;
}

static size_t
gather(uint32_t out[PROCS_MAX], size_t max)
{
	struct cp_end ends[ENDS_MAX];
	struct cp_census census;
	struct cp_index index;
	struct cp_case c = look(&census, ends, &index);
	size_t n = cp_judge_members(&c, out, max);

	cp_index_free(&index);
	return n;
}

size_t
members(size_t max)
{
	uint32_t out[PROCS_MAX];

	cr_assert_leq(max, PROCS_MAX);
	memset(out, 0xff, sizeof(out));
	max = gather(out, max);
	for (size_t i = 0; i < PROCS_MAX; i++)
		cr_assert_eq(i < max, out[i] < n_procs);
	return max;
}

bool
goes_with(pid_t pid)
{
	uint32_t out[PROCS_MAX];
	size_t n = gather(out, PROCS_MAX), times = 0;

	(void)find(pid); /* it must exist for the answer to mean something */
	for (size_t i = 0; i < n; i++)
		times += procs[out[i]].pid == pid;
	cr_assert_leq(times, 1, "%d twice", (int)pid);
	return times == 1;
}
