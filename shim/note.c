/* SPDX-License-Identifier: MIT */
/*
 * One line to the journal when something of ours fails.  By plain system
 * calls on a descriptor that is closed at once; nothing is reported if that
 * fails too, since the only other place would be the host's own output.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/procfs.h"
#include "common/raw.h"
#include "config.h"
#include "note.h"
#include "owner.h"

#define WARNING_DAEMON "<28>" /* LOG_DAEMON | LOG_WARNING */

struct line {
	size_t len;
	char text[768];
};

static void
put(struct line *l, const char *text)
{
	size_t n = strlen(text);

	if (n > sizeof(l->text) - l->len)
		n = sizeof(l->text) - l->len;
	memcpy(l->text + l->len, text, n);
	l->len += n;
}

/* Nothing that JSON or a terminal could take for its own. */
static void
put_plain(struct line *l, const char *text)
{
	size_t start = l->len;

	put(l, text);
	for (size_t i = start; i < l->len; i++)
		if (l->text[i] == '"' || l->text[i] == '\\' ||
		    (unsigned char)l->text[i] < ' ')
			l->text[i] = '?';
}

static void
put_number(struct line *l, uint64_t value)
{
	char digits[CP_DECIMAL_SIZE];

	cp_procfs_decimal(digits, value);
	put(l, digits);
}

static void
put_reason(struct line *l, const char *what, const char *why, int error)
{
	put_plain(l, what);
	put(l, ": ");
	put_plain(l, why);
	if (error == 0)
		return;
	/* strerror(3) may load a message catalogue. */
	put(l, ": ");
	switch (error) {
	case ENOENT:
		put(l, "No such file or directory");
		break;
	case EACCES:
		put(l, "Permission denied");
		break;
	default:
		put(l, "errno ");
		put_number(l, (uint64_t)error);
	}
}

static void
to_file(const char *path, const char *what, const char *why, int error)
{
	struct line l = { 0 };
	struct timespec now;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW |
		O_NONBLOCK,
	    0600);

	if (fd == -1)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	put(&l, "{\"time\":");
	put_number(&l, (uint64_t)now.tv_sec);
	put(&l, ",\"event\":\"shim-failed\",\"host\":{\"pid\":");
	put_number(&l, (uint64_t)cp_raw_getpid());
	put(&l, "},\"reason\":\"");
	put_reason(&l, what, why, error);
	if (l.len > sizeof(l.text) - 3)
		l.len = sizeof(l.text) - 3;
	put(&l, "\"}\n");
	(void)syscall(SYS_write, fd, l.text, l.len);
	cp_raw_close(fd);
}

static void
to_syslog(const char *what, const char *why, int error)
{
	static const struct sockaddr_un log = { AF_UNIX, "/dev/log" };
	struct line l = { 0 };
	int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC,
	    0);

	if (fd == -1)
		return;
	put(&l, WARNING_DAEMON "childproof[");
	put_number(&l, (uint64_t)cp_raw_getpid());
	put(&l, "]: ");
	put_reason(&l, what, why, error);
	(void)syscall(SYS_sendto, fd, l.text, l.len,
	    MSG_DONTWAIT | MSG_NOSIGNAL, &log, sizeof(log));
	cp_raw_close(fd);
}

void
cp_note(enum cp_note kind, const char *what, const char *why, int error)
{
	const char *journal = cp_options()->journal;
	struct cp_shared *s = cp_owner_shared();
	int saved = errno;

	if (s == NULL || (atomic_fetch_or(&s->noted, kind) & kind) != 0)
		return;
	if (journal[0] == '/')
		to_file(journal, what, why, error);
	else if (strcmp(journal, "none") != 0)
		to_syslog(what, why, error);
	cp_errno(saved);
}
