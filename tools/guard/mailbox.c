/* SPDX-License-Identifier: MIT */
/* See mailbox.h. */
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "../../shim/common/mailbox.h"
#include "cradle.h"
#include "mailbox.h"
#include "newborn.h"

#define BOXES_MAX 64
/*
 * Until the next look.  Who has ended by then has done so unheard, see
 * newborn.h; and the letters have to suffice for all that is spawned meanwhile.
 * Each look disturbs a host that is busy, so they become rarer while it spawns
 * without a pause: measured on two processors, 100 looks in a second cost it
 * 2 % of its spawns.
 */
#define LOOK_MIN_MS 10
#define LOOK_MAX_MS 50
/* Nothing in a letter is older. */
#define AGE_MAX_MS 1000

struct box {
	struct cp_mailbox *shared; /* NULL: not in use */
	uint64_t look_ms;	   /* as promised, 0: not */
	uint64_t wait_ms;	   /* from one look to the next */
	int high;		   /* no letter from here on was ever filled */
	struct ucred from;	   /* the host */
	bool used;		   /* since the last look */
	bool busy;		   /* it was used then, too */
	bool safe;		   /* the sentinel has it as well */
};

static struct box boxes[BOXES_MAX];

static struct box *
find(pid_t pid)
{
	for (int i = 0; i < BOXES_MAX; i++)
		if (boxes[i].shared != NULL && boxes[i].from.pid == pid)
			return &boxes[i];
	return NULL;
}

/* What letters are dated by. */
static uint64_t
clock_ns(void)
{
	struct timespec now = { 0, 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
promise(struct box *b, uint64_t now_ms)
{
	b->look_ms = now_ms + b->wait_ms;
	atomic_store(&b->shared->look, clock_ns() + b->wait_ms * 1000000);
}

static uint64_t
age_ms(uint64_t told_ns)
{
	uint64_t ns = clock_ns();

	return told_ns < ns && ns - told_ns < AGE_MAX_MS * 1000000 ?
	    (ns - told_ns) / 1000000 :
	    0;
}

static bool
is_registration(const struct cp_msg *m)
{
	return m->magic == CP_WIRE_MAGIC && m->type == CP_MSG_WARD &&
	    m->pid > 1 && (m->flags & CP_WARD_UNDO) == 0;
}

/* Was there a letter? */
static bool
read_letter(const struct box *b, struct cp_letter *l, uint64_t now_ms)
{
	const struct cp_host *h = cp_facts_find_host(b->from.pid);
	uint32_t word = atomic_load(&l->step);
	struct cp_heard x = { .from = b->from,
		.pidfd = h == NULL ? -1 : h->pidfd,
		.now_ms = now_ms };

	if (cp_letter_step(word) != CP_LETTER_FULL)
		return false;
	x.msg = l->msg;
	x.told_ns = l->told;
	if (!cp_letter_empty(l, word)) /* taken back */
		return false;
	if (!is_registration(&x.msg))
		return true;
	x.heard_ms = now_ms - age_ms(x.told_ns);
	x.msg.name[sizeof(x.msg.name) - 1] = '\0';
	cp_newborn_hear(&x);
	return true;
}

static int
read_box(struct box *b, uint64_t now_ms)
{
	uint32_t next = atomic_load(&b->shared->next);
	int n = 0;

	if (next > (uint32_t)b->high)
		b->high = next < CP_LETTERS ? (int)next : CP_LETTERS;
	for (int i = 0; i < b->high; i++)
		if (read_letter(b, &b->shared->letter[i], now_ms))
			n++;
	/* From the start again: fewer pages for a fork child to map. */
	(void)atomic_compare_exchange_strong(&b->shared->next, &next, 0);
	b->used = b->used || n > 0;
	return n;
}

static uint64_t
longer(uint64_t wait_ms)
{
	return wait_ms < LOOK_MAX_MS / 2 ? 2 * wait_ms : LOOK_MAX_MS;
}

/* Whoever writes from now on sees it, and takes it back; or we see that. */
static int
sleep_on(struct box *b, uint64_t now_ms)
{
	b->look_ms = 0;
	atomic_store(&b->shared->look, 0);
	return read_box(b, now_ms);
}

/* Returns how many letters were left in it. */
static int
drop(struct box *b, uint64_t now_ms)
{
	int n;

	b->high = CP_LETTERS; /* a guard that is dead may have known more */
	n = sleep_on(b, now_ms);
	(void)munmap(b->shared, sizeof(*b->shared));
	*b = (struct box){ .shared = NULL };
	return n;
}

static bool
is_fit(int file)
{
	int seals = fcntl(file, F_GET_SEALS);
	struct stat st;

	return seals != -1 && (seals & F_SEAL_SHRINK) != 0 &&
	    fstat(file, &st) == 0 &&
	    st.st_size >= (off_t)sizeof(struct cp_mailbox);
}

/* Has its host died unnoticed? */
static bool
is_left(const struct box *b)
{
	const struct cp_host *h = cp_facts_find_host(b->from.pid);

	return h == NULL || h->dead;
}

void
cp_mailbox_offered(const struct cp_heard *x, int file)
{
	const struct cp_host *h = cp_facts_find_host(x->from.pid);
	struct box *b = find(x->from.pid);
	void *p;

	/* In another PID namespace it knows its children by other numbers. */
	if (file < 0 || x->msg.pid != x->from.pid || x->from.uid != geteuid() ||
	    h == NULL || h->pidfd < 0 || !cp_cradle_is_there() || !is_fit(file))
		return;
	for (int i = 0; i < BOXES_MAX && b == NULL; i++)
		if (boxes[i].shared == NULL || is_left(&boxes[i]))
			b = &boxes[i];
	if (b == NULL)
		return;
	if (b->shared != NULL) /* that of the program before, or left */
		(void)drop(b, x->now_ms);
	p = mmap(NULL, sizeof(*b->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
	    file, 0);
	if (p != MAP_FAILED)
		*b = (struct box){ .shared = p, .from = x->from };
}

bool
cp_mailbox_renewed(void)
{
	bool any = false;

	for (int i = 0; i < BOXES_MAX; i++) {
		any = any || (boxes[i].shared != NULL && !boxes[i].safe);
		boxes[i].safe = true;
	}
	return any;
}

void
cp_mailbox_promise(pid_t pid, uint64_t now_ms)
{
	struct box *b = find(pid);

	if (b == NULL || !b->safe)
		return;
	if (b->look_ms != 0) { /* it is full, then */
		(void)read_box(b, now_ms);
		return;
	}
	b->wait_ms = LOOK_MIN_MS;
	b->busy = false;
	promise(b, now_ms);
}

int
cp_mailbox_read(uint64_t now_ms)
{
	int n = 0;

	for (int i = 0; i < BOXES_MAX; i++)
		if (boxes[i].look_ms != 0)
			n += read_box(&boxes[i], now_ms);
	return n;
}

void
cp_mailbox_attend(uint64_t now_ms)
{
	for (int i = 0; i < BOXES_MAX; i++) {
		struct box *b = &boxes[i];

		if (b->look_ms == 0 || b->look_ms > now_ms)
			continue;
		(void)read_box(b, now_ms);
		if (b->used)
			b->wait_ms = longer(b->wait_ms);
		if (b->used || b->busy || sleep_on(b, now_ms) > 0)
			promise(b, now_ms);
		b->busy = b->used;
		b->used = false;
	}
}

uint64_t
cp_mailbox_next(void)
{
	uint64_t at = 0;

	for (int i = 0; i < BOXES_MAX; i++)
		if (boxes[i].look_ms != 0 && (at == 0 || boxes[i].look_ms < at))
			at = boxes[i].look_ms;
	return at;
}

int
cp_mailbox_close(pid_t pid, uint64_t now_ms)
{
	int n = 0;

	for (int i = 0; i < BOXES_MAX; i++) {
		struct box *b = &boxes[i];

		if (b->shared == NULL || (pid != 0 && b->from.pid != pid))
			continue;
		n += drop(b, now_ms);
	}
	return n;
}
