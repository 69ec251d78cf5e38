/* SPDX-License-Identifier: MIT */
/*
 * A malloc that calls back, under its own lock, into functions that we wrap,
 * as instrumenting allocators have done.  A wrapper that allocates, or that
 * waits for a lock somebody holds while allocating, hangs or dies here.
 */
#include <sys/types.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define ARENA (256u * 1024 * 1024)
#define ALIGN 16u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char arena[ARENA] __attribute__((aligned(ALIGN)));
static size_t used;
static __thread int depth;

/* Wrapped calls of every family, with no effect in the end. */
static void
call_back(void)
{
	struct sigaction sa;
	int fd[2];

	(void)sigaction(SIGTERM, NULL, &sa);
	(void)setpgid(0, getpgid(0));
	if (pipe2(fd, O_CLOEXEC) == 0) {
		(void)close(fd[0]);
		(void)close(fd[1]);
	}
}

static void *
take(size_t size)
{
	void *p = NULL;

	size = (size + sizeof(size_t) + 2 * ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (depth > 0) {
		/* We allocate on the way into ourselves: that is the crime. */
		static const char text[] = "hostile_malloc: re-entered\n";

		(void)!write(2, text, sizeof(text) - 1);
		_exit(99);
	}
	(void)pthread_mutex_lock(&lock);
	depth++;
	if (used % 64 == 0)
		call_back();
	depth--;
	if (used + size <= ARENA) {
		p = arena + used + ALIGN;
		used += size;
		*(size_t *)(void *)((char *)p - sizeof(size_t)) = size - ALIGN;
	}
	(void)pthread_mutex_unlock(&lock);
	return p;
}

void *malloc(size_t);
void *calloc(size_t, size_t);
void *realloc(void *, size_t);
void free(void *);

void *
malloc(size_t size)
{
	return take(size);
}

void *
calloc(size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		return NULL;
	return take(all); /* the arena is never used twice */
}

void *
realloc(void *old, size_t size)
{
	size_t had;
	void *p = take(size);

	if (old != NULL && p != NULL) {
		had = *(size_t *)(void *)((char *)old - sizeof(size_t));
		memcpy(p, old, had < size ? had : size);
	}
	return p;
}

void
free(void *p)
{
	(void)p;
}
