/* SPDX-License-Identifier: MIT */
/* See journal.h.  JSON is built by jansson, one object a line. */
#include <sys/stat.h>

#define LIBBSD_OPENBSD_VIS
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "journal.h"

#define ARGV_MAX 4096
#define VISIBLY	 (VIS_CSTYLE | VIS_TAB | VIS_NL) /* a line stays one */

enum target { NOWHERE, TO_SYSLOG, TO_FILE };

static enum target target;
static char *path;
static int fd = -1;

void
cp_journal_open(const char *where)
{
	/*
	 * A guard that took over has lost syslog's descriptor, but syslog(3)
	 * does not know: it would use, and close, whatever has the number now.
	 */
	closelog();
	if (strcmp(where, "none") == 0) {
		target = NOWHERE;
	} else if (strcmp(where, "syslog") == 0) {
		target = TO_SYSLOG;
		openlog("childproof", LOG_PID, LOG_DAEMON);
	} else {
		target = TO_FILE;
		path = strdup(where);
		cp_journal_reopen();
	}
}

/* Arguments can hold secrets: another user's file may not have them. */
static bool
is_ours(int file)
{
	struct stat st;

	return fstat(file, &st) == 0 &&
	    (st.st_uid == geteuid() || S_ISCHR(st.st_mode));
}

void
cp_journal_reopen(void)
{
	if (target != TO_FILE || path == NULL)
		return;
	if (fd >= 0)
		close(fd);
	fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW |
		O_NONBLOCK,
	    0600);
	if (fd >= 0 && !is_ours(fd)) {
		close(fd);
		fd = -1;
	}
}

/* Valid UTF-8 as it is (jansson escapes control characters), else vis(3). */
static json_t *
text(const char *s, size_t len)
{
	json_t *j = json_stringn(s, len);
	char *safe;

	if (j != NULL)
		return j;
	safe = malloc(4 * len + 1);
	if (safe == NULL)
		return json_string("");
	strvisx(safe, s, len, VISIBLY);
	j = json_string(safe);
	free(safe);
	return j;
}

static json_t *
argv_of(pid_t pid)
{
	char name[32], buf[ARGV_MAX];
	json_t *list = json_array();
	ssize_t n;
	int f;

	(void)snprintf(name, sizeof(name), "/proc/%d/cmdline", (int)pid);
	f = open(name, O_RDONLY | O_CLOEXEC);
	if (f < 0)
		return list;
	n = read(f, buf, sizeof(buf) - 1);
	close(f);
	if (n > 0)
		buf[n] = '\0';
	for (ssize_t i = 0; i < n;) {
		size_t len = strlen(buf + i);

		json_array_append_new(list, text(buf + i, len));
		i += (ssize_t)len + 1;
	}
	return list;
}

static const char *
kind_name(const struct cp_ward *w)
{
	static const char *const kinds[] = {
		[CP_KIND_NONE] = "none",
		[CP_KIND_PIPE] = "pipe",
		[CP_KIND_UNIX] = "socket",
		[CP_KIND_PTY] = "pty",
		[CP_KIND_PTMX] = "pty",
	};
	int in = w->channel[0].kind, out = w->channel[1].kind;

	return kinds[in != CP_KIND_NONE ? in : out];
}

static json_t *
channel_of(const struct cp_ward *w)
{
	const char *shape = w->duplex	       ? "duplex" :
	    w->channel[0].kind != CP_KIND_NONE ? "reader" :
						 "writer";

	return json_sprintf("%s %s", shape, kind_name(w));
}

/* In seconds. */
static double
age_of(const struct cp_ward *w)
{
	struct timespec up;
	uint64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &up);
	ms = (uint64_t)up.tv_sec * 1000 + (uint64_t)up.tv_nsec / 1000000;
	return (double)(ms - w->born_ms) / 1000;
}

static json_t *
child_of(const struct cp_entry *e)
{
	pid_t pid = e->pid != 0 ? e->pid : e->ward->pid;
	uint64_t start = e->pid != 0 ? e->start : e->ward->start;
	json_t *j = json_pack("{s:i, s:I, s:o, s:o}", "pid", (int)pid, "start",
	    (json_int_t)start, "name",
	    text(e->ward->name, strnlen(e->ward->name, sizeof(e->ward->name))),
	    "argv", argv_of(pid));

	json_object_set_new(j, "ward", json_integer(e->ward->pid));
	json_object_set_new(j, "ward_start",
	    json_integer((json_int_t)e->ward->start));
	json_object_set_new(j, "age", json_real(age_of(e->ward)));
	json_object_set_new(j, "channel", channel_of(e->ward));
	return j;
}

static json_t *
numbers_of(const struct cp_number *n)
{
	json_t *j = json_object();

	for (; n->name != NULL; n++) {
		bool whole = n->value == (double)(json_int_t)n->value;

		json_object_set_new(j, n->name,
		    whole ? json_integer((json_int_t)n->value) :
			    json_real(n->value));
	}
	return j;
}

static json_t *
host_of(const struct cp_host *h)
{
	return json_pack("{s:i, s:I, s:o}", "pid", (int)h->pid, "start",
	    (json_int_t)h->start, "comm",
	    text(h->comm, strnlen(h->comm, sizeof(h->comm))));
}

/* The object of *E as one line, to be freed; or NULL. */
static char *
line_of(const struct cp_entry *e)
{
	struct timespec now;
	json_t *j = json_object();
	char *line;

	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(j, "time",
	    json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
	json_object_set_new(j, "event", json_string(e->event));
	if (e->host != NULL)
		json_object_set_new(j, "host", host_of(e->host));
	if (e->ward != NULL)
		json_object_set_new(j, "child", child_of(e));
	else if (e->name != NULL)
		json_object_set_new(j, "child",
		    json_pack("{s:o}", "name", text(e->name, strlen(e->name))));
	if (e->reason != NULL)
		json_object_set_new(j, "reason", json_string(e->reason));
	if (e->step != NULL)
		json_object_set_new(j, "step", json_string(e->step));
	if (e->sig != 0)
		json_object_set_new(j, "signal", json_integer(e->sig));
	if (e->error != 0)
		json_object_set_new(j, "error",
		    json_string(strerror(e->error)));
	if (e->numbers != NULL)
		json_object_set_new(j, "numbers", numbers_of(e->numbers));
	line = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(13));
	json_decref(j);
	return line;
}

static void
write_json(const struct cp_entry *e)
{
	char *line = line_of(e);
	size_t len;

	if (line == NULL)
		return;
	/* One write, so that lines of several guards never mix. */
	len = strlen(line);
	line[len] = '\n';
	(void)!write(fd, line, len + 1);
	free(line);
}

static void
list_numbers(char *out, size_t size, const struct cp_number *n)
{
	size_t len = 0;

	for (; n->name != NULL && len < size; n++)
		len += (size_t)snprintf(out + len, size - len, "%s%s %g",
		    len == 0 ? " (" : ", ", n->name, n->value);
	if (len < size)
		(void)snprintf(out + len, size - len, ")");
}

static void
write_syslog(const struct cp_entry *e)
{
	char name[4 * sizeof(e->ward->name) + 1] = "";
	char host[4 * sizeof(e->host->comm) + 1] = "";
	char child[sizeof(name) + 32] = "", of[sizeof(host) + 32] = "";
	char numbers[256] = "";

	if (e->host != NULL) {
		strvisx(host, e->host->comm,
		    strnlen(e->host->comm, sizeof(e->host->comm)), VISIBLY);
		(void)snprintf(of, sizeof(of), " of %s[%d]", host,
		    (int)e->host->pid);
	}
	if (e->ward != NULL) {
		strvisx(name, e->ward->name,
		    strnlen(e->ward->name, sizeof(e->ward->name)), VISIBLY);
		(void)snprintf(child, sizeof(child), " %s[%d]", name,
		    (int)(e->pid != 0 ? e->pid : e->ward->pid));
	}
	if (e->ward == NULL && e->name != NULL)
		strvisx(child, e->name, strnlen(e->name, sizeof(child) / 4 - 1),
		    VISIBLY);
	if (e->numbers != NULL)
		list_numbers(numbers, sizeof(numbers), e->numbers);
	syslog(e->error != 0 ? LOG_WARNING : LOG_INFO, "%s%s%s%s%s%s%s%s%s%s%s",
	    e->event, e->ward == NULL && *child != '\0' ? " " : "", child, of,
	    e->step != NULL ? ": SIG" : "", e->step != NULL ? e->step : "",
	    e->reason != NULL ? ": " : "", e->reason != NULL ? e->reason : "",
	    e->error != 0 ? ": " : "", e->error != 0 ? strerror(e->error) : "",
	    numbers);
}

/* What happens all day long is for the file only. */
static bool
is_routine(const struct cp_entry *e)
{
	return e->error == 0 &&
	    (strcmp(e->event, "ward") == 0 || strcmp(e->event, "end") == 0 ||
		strcmp(e->event, "guard-start") == 0 ||
		strcmp(e->event, "guard-end") == 0);
}

void
cp_journal(const struct cp_entry *e)
{
	if (target == TO_FILE && fd >= 0)
		write_json(e);
	else if (target == TO_SYSLOG && !is_routine(e))
		write_syslog(e);
}

void
cp_journal_note(const char *event, const char *reason, int error)
{
	cp_journal(&(struct cp_entry){ .event = event,
	    .reason = reason,
	    .error = error });
}
