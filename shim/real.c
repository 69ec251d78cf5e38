/* SPDX-License-Identifier: MIT */
/*
 * Finds the real functions.  Owns the table of pointers, which is filled by
 * plain idempotent stores: pthread_once(3) would deadlock when a malloc that
 * dlsym calls comes back to us.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include "common/raw.h"
#include "real.h"

enum none { MINUS, ZERO, ENUM };
enum when { EARLY, LATE };

/* One string after the other: pointers would cost a relocation each. */
#define X(type, name, params, none, when) #name "\0"
static const char names[] =
#include "hooks.def"
    ;
#undef X

#define X(type, name, params, none, when) { none, when, sizeof(#name) },
static const struct {
	uint8_t none; /* enum none */
	uint8_t when; /* enum when */
	uint8_t size; /* of its name */
} hooks[] = {
#include "hooks.def"
};
#undef X

static _Atomic(void *) table[CP_HOOKS];

static long
none_minus(void)
{
	errno = ENOSYS;
	return -1;
}

static void *
none_zero(void)
{
	errno = ENOSYS;
	return NULL;
}

static int
none_enum(void)
{
	return ENOSYS;
}

static void *
none_of(enum cp_hook hook)
{
	switch (hooks[hook].none) {
	case ZERO:
		return (void *)none_zero;
	case ENUM:
		return (void *)none_enum;
	default:
		return (void *)none_minus;
	}
}

static void *
resolve(enum cp_hook hook, const char *name)
{
	int saved = errno;
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		p = none_of(hook);
	atomic_store_explicit(&table[hook], p, memory_order_release);
	cp_errno(saved);
	return p;
}

void *
cp_real_find(enum cp_hook hook)
{
	void *p = atomic_load_explicit(&table[hook], memory_order_acquire);
	const char *name = names;

	if (p != NULL)
		return p;
	for (int i = 0; i < (int)hook; i++)
		name += hooks[i].size;
	return resolve(hook, name);
}

void
cp_real_init(void)
{
	const char *name = names;

	for (int i = 0; i < CP_HOOKS; name += hooks[i++].size)
		if (hooks[i].when == EARLY)
			(void)resolve((enum cp_hook)i, name);
}
