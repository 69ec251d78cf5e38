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
#include "common/wire.h"
#include "config.h"

#define GUARD_PROGRAM "childproof-guard"

static struct cp_options options;
static const char *options_error; /* what was wrong with them, or NULL */
static char options_bad[64];	  /* the key=value of which it was */
static char options_variable[sizeof(CP_ENV_OPTIONS) + 2048];
static char guard_variable[sizeof(CP_ENV_GUARD) + CP_NAME_MAX + 1];
static bool guard_given;
static char self_path[512];
static char guard_path[512];
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
	return guard_variable[0] == '\0' ?
	    "" :
	    guard_variable + sizeof(CP_ENV_GUARD);
}

const char *
cp_guard_path(void)
{
	return guard_path;
}

const char *
cp_options_error(const char **bad)
{
	*bad = options_bad;
	return options_error;
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
	if (options_variable[0] == '\0')
		return;
	options_error = cp_options_parse(&options,
	    options_variable + sizeof(CP_ENV_OPTIONS), &bad, &len);
	if (options_error == NULL)
		return;
	if (len > sizeof(options_bad) - 1)
		len = sizeof(options_bad) - 1;
	memcpy(options_bad, bad, len);
	options_bad[len] = '\0';
}

void
cp_config_complete(void)
{
	parse_options();
	if (self_path[0] == '\0')
		find_self();
	if (guard_variable[0] == '\0')
		make_name();
}
