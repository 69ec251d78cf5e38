/* SPDX-License-Identifier: MIT */
/*
 * The doctor's look at other preloaded objects.  The launcher puts the shim in
 * front of them, so that a function that both wrap is called through us first
 * and through them then: that works as long as they pass the call on.  Owns
 * nothing.  Context: cli.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../shim/common/procfs.h"
#include "doctor.h"
#include "exam.h"
#include "file.h"
#include "target.h"

#define CP_PRELOAD_FILE "/etc/ld.so.preload"

/* Functions of ours that an object has, too. */
struct shared {
	char names[256];
	unsigned n;
};

static const char *const hooks[] = {
#define X(type, name, parameters, missing, when) #name,
#define CP_PIDFD_SPAWN				 1
#include "../../shim/hooks.def"
#undef X
};

static void
see_name(void *arg, const char *name)
{
	struct shared *s = arg;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		if (strcmp(name, hooks[i]) != 0)
			continue;
		if (s->n++ > 0)
			strlcat(s->names, " ", sizeof(s->names));
		strlcat(s->names, name, sizeof(s->names));
	}
}

/* Is it the shim, which the launcher takes out and puts in front? */
static bool
is_shim(const char *path)
{
	const char *base = strrchr(path, '/');

	return strcmp(base != NULL ? base + 1 : path, "libchildproof.so") == 0;
}

static struct cp_finding
judge(const char *path, bool file)
{
	struct shared s = { .n = 0 };
	struct cp_file f;
	int rc;

	if (is_shim(path))
		return file ? cp_finding(CP_WARN,
				  "every program is a host by it (is "
				  "that meant?)") :
			      cp_finding(CP_OK, "the shim");
	if (strchr(path, '/') == NULL || strchr(path, '$') != NULL)
		return cp_finding(CP_OK,
		    "not looked at: the loader has to "
		    "find it");
	if (cp_file_open(path, &f) != 0)
		return cp_finding(CP_WARN,
		    "not there, which the loader says at every start (take "
		    "it out)");
	rc = cp_target_exports(f.base, f.len, see_name, &s);
	cp_file_close(&f);
	if (rc != 0)
		return cp_finding(CP_WARN,
		    "no object for this machine, which the loader says at "
		    "every start (take it out)");
	if (s.n == 0)
		return cp_finding(CP_OK, "wraps nothing that the shim wraps");
	return cp_finding(CP_WARN,
	    "wraps %u of our functions, too: %s (if a child is missed, try "
	    "without it)",
	    s.n, s.names);
}

static void
look_at_list(const char *where, const char *text, bool file)
{
	char path[PATH_MAX], what[PATH_MAX + 32];
	size_t len;

	for (; (len = cp_exam_entry(&text, file)) > 0; text += len) {
		(void)snprintf(path, sizeof(path), "%.*s", (int)len, text);
		(void)snprintf(what, sizeof(what), "%s: %s", where, path);
		cp_finding_print(what, judge(path, file));
	}
}

void
cp_doctor_preloads(void)
{
	const char *list = getenv("LD_PRELOAD");
	char text[4096];
	ssize_t n;

	if (list != NULL)
		look_at_list("LD_PRELOAD", list, false);
	n = cp_procfs_read(AT_FDCWD, CP_PRELOAD_FILE, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	look_at_list(CP_PRELOAD_FILE, text, true);
}
