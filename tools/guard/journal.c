/* SPDX-License-Identifier: MIT */
/* See journal.h: where entries go. */
#include <sys/stat.h>

#define LIBBSD_OPENBSD_VIS
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <vis.h>

#include "journal.h"

#define VISIBLY (VIS_CSTYLE | VIS_TAB | VIS_NL) /* a line stays one */

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
	openlog("childproof", LOG_PID, LOG_DAEMON);
	if (strcmp(where, "none") == 0) {
		target = NOWHERE;
	} else if (strcmp(where, "syslog") == 0) {
		target = TO_SYSLOG;
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

/* Is it in the file now? */
static bool
write_json(const struct cp_entry *e)
{
	char *line = cp_journal_json(e);
	ssize_t n;
	size_t len;

	if (line == NULL)
		return false;
	/* One write, so that lines of several guards never mix. */
	len = strlen(line);
	line[len] = '\n';
	n = write(fd, line, len + 1);
	free(line);
	return n == (ssize_t)len + 1;
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
		size_t len;
		const char *raw = cp_journal_name(e, &len);

		strvisx(name, raw, len, VISIBLY);
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

static size_t
read_of(pid_t pid, const char *what, char *buf, size_t size)
{
	char name[32];
	ssize_t n;
	int file;

	(void)snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, what);
	file = open(name, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	n = read(file, buf, size);
	close(file);
	return n > 0 ? (size_t)n : 0;
}

size_t
cp_journal_args(pid_t pid, char *buf, size_t size)
{
	return read_of(pid, "cmdline", buf, size);
}

void
cp_journal_whom(struct cp_whom *whom, const struct cp_ward *w, pid_t pid)
{
	size_t n = target == NOWHERE || pid == w->pid ?
	    0 :
	    read_of(pid, "comm", whom->name, sizeof(whom->name));

	/* A line, of 16 bytes at most. */
	whom->name[n > 0 ? n - 1 : 0] = '\0';
	whom->args_len = target != TO_FILE ?
	    0 :
	    cp_journal_args(pid, whom->args, sizeof(whom->args));
}

const char *
cp_journal_name(const struct cp_entry *e, size_t *len)
{
	const char *name = e->ward->name;

	*len = strnlen(name, sizeof(e->ward->name));
	if (e->whom != NULL && e->whom->name[0] != '\0') {
		name = e->whom->name;
		*len = strlen(name);
	}
	return name;
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

/* What has no place in its file is not lost. */
void
cp_journal(const struct cp_entry *e)
{
	if (target == TO_FILE && fd >= 0 && write_json(e))
		return;
	if (target != NOWHERE && !is_routine(e))
		write_syslog(e);
}

void
cp_journal_note(const char *event, const char *reason, int error)
{
	cp_journal(&(struct cp_entry){ .event = event,
	    .reason = reason,
	    .error = error });
}
