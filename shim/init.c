/* SPDX-License-Identifier: MIT */
/*
 * The constructor, and the claim.  Owns the configuration: copies of what the
 * environment said at the start, since the host may rewrite it, or overwrite
 * it with its title.
 *
 * The constructor makes no system call and reads nothing but the environment:
 * it runs in every program the host starts, and nearly none of them is a host.
 */
#include <sys/auxv.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "cloak.h"
#include "common/procfs.h"
#include "common/wire.h"
#include "init.h"
#include "leave.h"
#include "note.h"
#include "owner.h"
#include "real.h"
#include "ward.h"

#define GUARD_PROGRAM "childproof-guard"

/* The C++ ABI's; atexit(3) itself is not in libc.so. */
int __cxa_atexit(void (*)(void *), void *, void *);

static struct cp_options options;
static const char *options_error; /* what was wrong with them, or NULL */
static char options_variable[sizeof(CP_ENV_OPTIONS) + 2048];
static char guard_variable[sizeof(CP_ENV_GUARD) + CP_NAME_MAX + 1];
static bool guard_given;
static char self_path[512];
static char guard_path[512];
static _Atomic bool ready;
static __thread bool forking;

const struct cp_options *
cp_options(void)
{
	return &options;
}

const char *
cp_options_variable(void)
{
	return options_variable;
}

const char *
cp_guard_name(void)
{
	return guard_variable[0] == '\0' ? "" :
	    guard_variable + sizeof(CP_ENV_GUARD);
}

const char *
cp_guard_path(void)
{
	return guard_path;
}

bool
cp_guard_given(void)
{
	return guard_given;
}

struct cp_preload
cp_preload_facts(bool child)
{
	return (struct cp_preload){
		.self = self_path,
		.guard = guard_variable,
		.options = options_variable,
		.inject = child && options.inject && options.inherit,
		.strip = child && !options.inherit,
	};
}

/* KEY=VALUE into OUT, or nothing if that does not fit. */
static bool
copy_variable(char *out, size_t size, const char *key)
{
	const char *value = secure_getenv(key);
	size_t k = strlen(key), v;

	if (value == NULL || value[0] == '\0')
		return false;
	v = strlen(value);
	if (k + 1 + v + 1 > size)
		return false;
	memcpy(out, key, k);
	out[k] = '=';
	memcpy(out + k + 1, value, v + 1);
	return true;
}

/*
 * Registered as early as can be, so that it runs last.  Without an object: a
 * handler that belongs to one runs with its destructors, and the destructors
 * of others, the host's last words to its wards, may come after those.
 */
static void
initialize(void)
{
	/* Again if a constructor before ours called a hook: one thread. */
	if (atomic_load(&ready))
		return;
	cp_owner_init();
	cp_real_init();
	(void)copy_variable(options_variable, sizeof(options_variable),
	    CP_ENV_OPTIONS);
	guard_given = copy_variable(guard_variable, sizeof(guard_variable),
	    CP_ENV_GUARD);
	(void)__cxa_atexit(cp_leave_exit, NULL, NULL);
	atomic_store(&ready, true);
}

static void __attribute__((constructor))
construct(void)
{
	int saved = errno;

	initialize();
	errno = saved;
}

/* Ours may have been preloaded by a relative path, before any chdir(2). */
static void
find_self(void)
{
	size_t at = 0, name = sizeof(GUARD_PROGRAM);
	const char *slash;
	Dl_info info;

	if (dladdr(guard_path, &info) == 0 || info.dli_fname == NULL ||
	    (slash = strrchr(info.dli_fname, '/')) == NULL)
		return;
	if (info.dli_fname[0] != '/') {
		if (getcwd(self_path, sizeof(self_path) / 2) == NULL)
			goto unknown;
		at = strlen(self_path);
		self_path[at++] = '/';
	}
	if (at + strlen(info.dli_fname) + name >= sizeof(self_path))
		goto unknown;
	memcpy(self_path + at, info.dli_fname, strlen(info.dli_fname) + 1);
	at += (size_t)(slash + 1 - info.dli_fname);
	memcpy(guard_path, self_path, at);
	memcpy(guard_path + at, GUARD_PROGRAM, name);
	return;
unknown:
	self_path[0] = '\0';
}

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/*
 * With plain LD_PRELOAD: a name that all threads and children of this process
 * compute alike.  AT_RANDOM's bytes are the libc's stack and pointer guards,
 * and the name is public, so only a mixture of all 16 goes into it: for any
 * value of the one half there is a value of the other that explains it.
 */
static void
make_name(void)
{
	static const char key[] = CP_ENV_GUARD "=childproof/";
	static const char hex[] = "0123456789abcdef";
	const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
	uint64_t half[2] = { 0, 0 }, seed;
	char *at = guard_variable;

	if (random != NULL)
		memcpy(half, random, sizeof(half));
	seed = mix(mix(half[0]) + half[1]);
	memcpy(at, key, sizeof(key) - 1);
	at += sizeof(key) - 1;
	at += cp_procfs_decimal(at, (uint64_t)getpid());
	*at++ = '/';
	for (int i = 0; i < 16; i++, seed <<= 4)
		*at++ = hex[seed >> 60];
	*at = '\0';
}

static void
parse_options(void)
{
	const char *bad;
	size_t len;

	cp_options_init(&options);
	if (options_variable[0] != '\0')
		options_error = cp_options_parse(&options,
		    options_variable + sizeof(CP_ENV_OPTIONS), &bad, &len);
}

/* Before anybody can see the claim; two threads would write the same. */
static void
prepare(void)
{
	initialize();
	parse_options();
	if (self_path[0] == '\0')
		find_self();
	if (guard_variable[0] == '\0')
		make_name();
}

/* A symbol that musl lacks, and so none that we may link to. */
static void
register_quick_exit(void)
{
	int (*at)(void (*)(void *), void *);

	*(void **)&at = dlsym(RTLD_DEFAULT, "__cxa_at_quick_exit");
	if (at != NULL)
		(void)at(cp_leave_quick_exit, NULL);
}

static void
begin(bool first)
{
	if (first)
		register_quick_exit();
	cp_cloak_install();
	if (options_error != NULL)
		cp_note(CP_NOTE_OPTIONS, CP_ENV_OPTIONS, options_error, 0);
}

void
cp_drain(void)
{
	struct cp_shared *s = cp_owner_shared();
	struct cp_record record;
	int cursor = 0;

	if (s != NULL && cp_slot_any(&s->slots))
		while (cp_slot_next(&s->slots, &cursor, &record)) {
			cp_ward_add(&record);
			if (record.flags & CP_WARD_UNDO)
				continue;
			cp_channel_warded(&record.channel[0]);
			cp_channel_warded(&record.channel[1]);
		}
	cp_channel_review();
}

void
cp_forking(bool now)
{
	forking = now;
}

bool
cp_enter(bool promote)
{
	enum cp_where where = cp_where();

	if (where == CP_UNCLAIMED ||
	    (where == CP_FORK_CHILD && promote && !forking)) {
		if (where == CP_UNCLAIMED)
			prepare();
		else
			cp_ward_reset();
		if (!cp_owner_claim(promote))
			return cp_where() == CP_OWNER;
		cp_leave_reset();
		begin(where == CP_UNCLAIMED);
		return true;
	}
	if (where != CP_OWNER)
		return false;
	cp_drain();
	return true;
}

bool
cp_enter_heir(int old)
{
	if (!cp_owner_inherit(old))
		return false;
	cp_ward_inherit();
	cp_leave_reset();
	return true;
}

bool
cp_has_wards(void)
{
	struct cp_shared *s = cp_owner_shared();

	return cp_ward_count() != 0 || (s != NULL && cp_slot_any(&s->slots));
}
