/* SPDX-License-Identifier: MIT */
/*
 * The writers' side of the mailbox.
 *
 * A guard that goes to sleep says so and then looks once more; a writer looks
 * after it has written whether the guard is still awake, and else takes its
 * letter back.  So one of the two always sees the other.
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "common/mailbox.h"
#include "common/raw.h"
#include "kept.h"
#include "mailbox.h"
#include "map.h"
#include "report.h"

/* So many children show that a host spawns a lot. */
#define MANY  16
#define TRIES 8
/* What needs an answer, or takes something back, is said aloud. */
#define ALOUD (CP_WARD_ASK | CP_WARD_ANY | CP_WARD_UNDO)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8u /* Linux 6.3 */
#endif

static _Atomic(struct cp_mailbox *) mailbox;
static uid_t maker; /* as the kernel attested it with the offer */
static _Atomic unsigned children;
static _Atomic unsigned failures;

/* Beyond this limit a file that grows costs its owner a SIGXFSZ. */
static bool
may_grow(size_t size)
{
	uint64_t limit[2]; /* soft and hard, for the kernel */

	return syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, limit) == 0 &&
	    limit[0] >= size;
}

static int
make_file(size_t size)
{
	static const char name[] = "childproof";
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd;

	if (!may_grow(size))
		return -1;
	fd = (int)syscall(SYS_memfd_create, name, flags | MFD_NOEXEC_SEAL);
	if (fd == -1 && errno == EINVAL)
		fd = (int)syscall(SYS_memfd_create, name, flags);
	if (fd == -1)
		return -1;
	/* Or the guard would die of SIGBUS should it be cut off. */
	if (syscall(SYS_ftruncate, fd, size) == -1 ||
	    cp_raw_fcntl(fd, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1) {
		cp_raw_close(fd);
		fd = -1;
	}
	return fd;
}

/* Of this thread, which may differ from another's. */
static uid_t
own_uid(void)
{
	return (uid_t)syscall(SYS_getuid);
}

static void
make_mailbox(void)
{
	struct cp_msg msg = { .type = CP_MSG_MAILBOX, .pid = cp_raw_getpid() };
	struct cp_mailbox *m = NULL;
	int fd = make_file(sizeof(*m));
	void *p;

	if (fd == -1)
		return;
	p = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		m = p;
	if (m != NULL && cp_report_file(&msg, fd) != 0) {
		cp_unmap(m, sizeof(*m));
		m = NULL;
		/* No guard yet, or no room: as many children later. */
		if (atomic_fetch_add(&failures, 1) + 1 < TRIES)
			atomic_store(&children, 0);
	}
	cp_raw_close(fd);
	maker = own_uid();
	atomic_store(&mailbox, m);
}

void
cp_mailbox_count(void)
{
	int saved = errno;

	/* A filter that ends whoever makes a file in memory may be in force. */
	if (atomic_load(&children) < MANY &&
	    atomic_fetch_add(&children, 1) + 1 == MANY && !cp_kept_sandboxed())
		make_mailbox();
	cp_errno(saved);
}

struct cp_posted
cp_mailbox_put(const struct cp_msg *msg, pid_t pid, uint64_t now)
{
	struct cp_mailbox *m = atomic_load(&mailbox);
	struct cp_posted none = { .index = -1 }, posted;
	struct cp_letter *l;
	uint32_t old;

	/* Who has changed its uid is told of by nobody else. */
	if (m == NULL || msg->flags & ALOUD || atomic_load(&m->look) <= now ||
	    own_uid() != maker)
		return none;
	posted.index = (int)(atomic_fetch_add(&m->next, 1) % CP_LETTERS);
	l = &m->letter[posted.index];
	old = atomic_load(&l->step);
	posted.word = cp_letter_at(old + 4, CP_LETTER_WRITING);
	if (cp_letter_step(old) != CP_LETTER_EMPTY ||
	    !atomic_compare_exchange_strong(&l->step, &old, posted.word))
		return none;
	l->msg = *msg;
	l->msg.magic = CP_WIRE_MAGIC;
	l->msg.pid = pid;
	l->told = now;
	posted.word = cp_letter_at(posted.word, CP_LETTER_FULL);
	atomic_store(&l->step, posted.word);
	if (atomic_load(&m->look) == 0 && cp_mailbox_take_back(&posted))
		return none;
	return posted;
}

bool
cp_mailbox_take_back(const struct cp_posted *posted)
{
	struct cp_mailbox *m = atomic_load(&mailbox);

	return m != NULL && posted->index >= 0 &&
	    cp_letter_empty(&m->letter[posted->index], posted->word);
}

void
cp_mailbox_forget(void)
{
	/* Not unmapped: another thread's child may be writing. */
	atomic_store(&mailbox, NULL);
	atomic_store(&children, 0);
}
