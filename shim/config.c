/* SPDX-License-Identifier: MIT */
/*
 * The configuration: copies of what the environment said at the start, since
 * the host may rewrite it, or overwrite it with its title; and where the parts
 * of childproof lie.  Written by the constructor and before the claim, read in
 * any context after.
 */
#include <sys/auxv.h>

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/procfs.h"
#include "common/raw.h"
#include "common/wire.h"
#include "config.h"
#include "map.h"

#define GUARD_PROGRAM "childproof-guard"

/*
 * What only a host needs: mapped, so that with the rest all of .bss shares the
 * page of .data, and a program that is no host pays for none more.
 */
struct room {
	struct cp_options options;
	const char *error; /* what was wrong with them, or NULL */
	char bad[64];	   /* the key=value of which it was */
	char self_path[512];
	char guard_path[512];
};

static const struct room nothing;
static const struct room *room = &nothing;
static char options_variable[sizeof(CP_ENV_OPTIONS) + 2048];
static char guard_variable[sizeof(CP_ENV_GUARD) + CP_NAME_MAX + 1];
static bool guard_given;

const struct cp_options *
cp_options(void)
{
	return &room->options;
}

const char *
cp_options_variable(void)
{
	return options_variable;
}

const char *
cp_guard_name(void)
{
	return guard_variable[0] == '\0' ?
	    "" :
	    guard_variable + sizeof(CP_ENV_GUARD);
}

const char *
cp_guard_path(void)
{
	return room->guard_path;
}

const char *
cp_options_error(const char **bad)
{
	*bad = room->bad;
	return room->error;
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
		.self = room->self_path,
		.guard = guard_variable,
		.options = options_variable,
		.inject = child && room->options.inject &&
		    room->options.inherit,
		.strip = child && !room->options.inherit,
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

void
cp_config_read(void)
{
	(void)copy_variable(options_variable, sizeof(options_variable),
	    CP_ENV_OPTIONS);
	guard_given = copy_variable(guard_variable, sizeof(guard_variable),
	    CP_ENV_GUARD);
}

bool
cp_config_may_be_all(void)
{
	return strstr(options_variable, "children") != NULL;
}

/* Ours may have been preloaded by a relative path, before any chdir(2). */
static void
find_self(struct room *r)
{
	size_t at = 0, name = sizeof(GUARD_PROGRAM);
	const char *slash;
	Dl_info info;

	if (dladdr(guard_variable, &info) == 0 || info.dli_fname == NULL ||
	    (slash = strrchr(info.dli_fname, '/')) == NULL)
		return;
	if (info.dli_fname[0] != '/') {
		if (getcwd(r->self_path, sizeof(r->self_path) / 2) == NULL)
			goto unknown;
		at = strlen(r->self_path);
		r->self_path[at++] = '/';
	}
	if (at + strlen(info.dli_fname) + name >= sizeof(r->self_path))
		goto unknown;
	memcpy(r->self_path + at, info.dli_fname, strlen(info.dli_fname) + 1);
	at += (size_t)(slash + 1 - info.dli_fname);
	memcpy(r->guard_path, r->self_path, at);
	memcpy(r->guard_path + at, GUARD_PROGRAM, name);
	return;
unknown:
	r->self_path[0] = '\0';
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
	at += cp_procfs_decimal(at, (uint64_t)cp_raw_getpid());
	*at++ = '/';
	for (int i = 0; i < 16; i++, seed <<= 4)
		*at++ = hex[seed >> 60];
	*at = '\0';
}

static void
parse_options(struct room *r)
{
	const char *bad;
	size_t len;

	cp_options_init(&r->options);
	if (options_variable[0] == '\0')
		return;
	r->error = cp_options_parse(&r->options,
	    options_variable + sizeof(CP_ENV_OPTIONS), &bad, &len);
	if (r->error == NULL)
		return;
	if (len > sizeof(r->bad) - 1)
		len = sizeof(r->bad) - 1;
	memcpy(r->bad, bad, len);
	r->bad[len] = '\0';
}

bool
cp_config_complete(void)
{
	struct room *r;

	if (room != &nothing)
		return true;
	r = cp_map(sizeof(*r), MAP_PRIVATE);
	if (r == NULL)
		return false;
	parse_options(r);
	find_self(r);
	if (guard_variable[0] == '\0')
		make_name();
	room = r;
	return true;
}
