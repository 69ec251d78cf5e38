/* SPDX-License-Identifier: MIT */
/*
 * Rebuilds an environment array around LD_PRELOAD.  Pure, and without any
 * memory of its own: the caller has the room, on its stack, since this runs
 * between fork and exec.
 *
 * A host that takes the preload out may mean it, so by default nothing is put
 * back.  What a child that does inherit us lacks at most is the name of the
 * guard; with that, a host among the children starts none of its own.
 */
#include <string.h>

#include "common/wire.h"
#include "preload.h"

#define PRELOAD	     "LD_PRELOAD="
#define PRELOAD_LEN  (sizeof(PRELOAD) - 1)
#define POINTERS_MAX 1024 /* on the stack of whatever thread */
#define TEXT_MAX     4096

struct plan {
	size_t n;	 /* variables there are */
	ptrdiff_t place; /* of LD_PRELOAD, or -1 */
	bool change;	 /* LD_PRELOAD is rewritten, or dropped */
	bool add_guard;
	bool add_options;
	size_t text; /* for LD_PRELOAD with all that stays or comes */
};

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool
is_separator(char c)
{
	return c == ':' || c == ' ';
}

/* The next entry of a preload list at *P; false at the end. */
static bool
next_entry(const char **p, const char **entry, size_t *len)
{
	while (is_separator(**p))
		(*p)++;
	*entry = *p;
	while (**p != '\0' && !is_separator(**p))
		(*p)++;
	*len = (size_t)(*p - *entry);
	return *len > 0;
}

/* By base name: $LIB, symlinks and a second installation are all us. */
static bool
is_self(const struct cp_preload *p, const char *entry, size_t len)
{
	const char *name = base_name(p->self);
	size_t n = strlen(name);

	return n > 0 && len >= n && memcmp(entry + len - n, name, n) == 0 &&
	    (len == n || entry[len - n - 1] == '/');
}

static bool
has_self(const struct cp_preload *p, const char *list)
{
	const char *entry;
	size_t len;

	/* As a rule there is but us, by that very path. */
	if (p->self[0] != '\0' && strcmp(list, p->self) == 0)
		return true;
	while (next_entry(&list, &entry, &len))
		if (is_self(p, entry, len))
			return true;
	return false;
}

static bool
has_key(const char *variable, const char *key)
{
	size_t n = strlen(key);

	return strncmp(variable, key, n) == 0 && variable[n] == '=';
}

static struct plan
make_plan(const struct cp_preload *p, char *const envp[])
{
	struct plan plan = { .place = -1 };
	bool guard = false, options = false, self = false;
	size_t i;

	for (i = 0; envp != NULL && envp[i] != NULL; i++) {
		if (plan.place == -1 &&
		    strncmp(envp[i], PRELOAD, PRELOAD_LEN) == 0)
			plan.place = (ptrdiff_t)i;
		guard = guard || has_key(envp[i], CP_ENV_GUARD);
		options = options || has_key(envp[i], CP_ENV_OPTIONS);
	}
	plan.n = i;
	if (plan.place != -1)
		self = has_self(p, envp[plan.place] + PRELOAD_LEN);
	if (p->strip)
		plan.change = self;
	else if (p->inject && !self && p->self[0] != '\0')
		plan.change = true;
	plan.add_guard = (self || plan.change) && !p->strip && !guard &&
	    p->guard[0] != '\0';
	plan.add_options = plan.change && !p->strip && !options &&
	    p->options[0] != '\0';
	if (plan.change)
		plan.text = PRELOAD_LEN + strlen(p->self) + 2 +
		    (plan.place != -1 ? strlen(envp[plan.place]) : 0);
	return plan;
}

struct cp_room
cp_preload_room(const struct cp_preload *p, char *const envp[])
{
	struct cp_room none = { 0, 0 };
	struct plan plan;

	if (p->guard[0] == '\0' && !p->inject && !p->strip)
		return none;
	plan = make_plan(p, envp);
	if (!plan.change && !plan.add_guard)
		return none;
	if (plan.n + 4 > POINTERS_MAX || plan.text > TEXT_MAX)
		return none;
	return (struct cp_room){ plan.n + 4, plan.text + 1 };
}

/* Writes LD_PRELOAD with us in or out; false if nothing is left of it. */
static bool
write_list(const struct cp_preload *p, const char *list, char *text)
{
	char *start, *at = text;
	const char *entry;
	size_t len;

	memcpy(at, PRELOAD, PRELOAD_LEN);
	at += PRELOAD_LEN;
	start = at;
	while (next_entry(&list, &entry, &len)) {
		if (is_self(p, entry, len))
			continue;
		if (at != start)
			*at++ = ':';
		memcpy(at, entry, len);
		at += len;
	}
	if (!p->strip) {
		if (at != start)
			*at++ = ':';
		len = strlen(p->self);
		memcpy(at, p->self, len);
		at += len;
	}
	*at = '\0';
	return at != start;
}

void
cp_preload_build(const struct cp_preload *p, char *const envp[], char *out[],
    char *text)
{
	struct plan plan = make_plan(p, envp);
	const char *list = plan.place != -1 ? envp[plan.place] + PRELOAD_LEN :
					      "";
	bool left = plan.change && write_list(p, list, text);
	size_t n = 0;

	for (size_t i = 0; i < plan.n; i++) {
		if (!plan.change || (ptrdiff_t)i != plan.place)
			out[n++] = envp[i];
		else if (left)
			out[n++] = text;
	}
	if (left && plan.place == -1)
		out[n++] = text;
	/* Strings of our own that nobody writes to, execve included. */
	if (plan.add_guard)
		out[n++] = (char *)(uintptr_t)p->guard;
	if (plan.add_options)
		out[n++] = (char *)(uintptr_t)p->options;
	out[n] = NULL;
}
