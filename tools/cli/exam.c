/* SPDX-License-Identifier: MIT */
/*
 * Judging values of this system.  Pure, owns nothing.  Context: any that may
 * use stdio.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../shim/common/wire.h"
#include "exam.h"

/* Fewer children than this may be too few for somebody. */
#define CP_FEW 1024
/* What the guard has open besides one descriptor for each child and host. */
#define CP_GUARD_OWN 64
/* net.unix.max_dgram_qlen as the kernel sets it. */
#define CP_QUEUE 10

/* The number that is all of TEXT, but for white space at its end. */
static bool
number(const char *text, uint64_t *n)
{
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*n = strtoull(text, &end, 10);
	return errno == 0 && end[strspn(end, " \t\n")] == '\0';
}

static struct cp_finding
unreadable(void)
{
	return cp_finding(CP_OK, "can't be read, so not judged");
}

struct cp_finding
cp_exam_watches(const char *text)
{
	unsigned long long wards;
	uint64_t n;

	if (!number(text, &n))
		return unreadable();
	wards = n / 2;
	if (wards < CP_FEW)
		return cp_finding(CP_WARN,
		    "%llu, enough for %llu duplex children (sysctl "
		    "fs.inotify.max_user_watches=65536)",
		    (unsigned long long)n, wards);
	return cp_finding(CP_OK, "%llu, enough for %llu duplex children",
	    (unsigned long long)n, wards);
}

struct cp_finding
cp_exam_instances(const char *text)
{
	uint64_t n;

	if (!number(text, &n))
		return unreadable();
	if (n < 16)
		return cp_finding(CP_WARN,
		    "%llu; each guard needs one or two (sysctl "
		    "fs.inotify.max_user_instances=128)",
		    (unsigned long long)n);
	return cp_finding(CP_OK, "%llu; each guard needs one or two",
	    (unsigned long long)n);
}

struct cp_finding
cp_exam_queue(const char *text)
{
	uint64_t n;

	if (!number(text, &n))
		return unreadable();
	if (n < CP_QUEUE)
		return cp_finding(CP_WARN,
		    "%llu; many spawns at once have to wait for the guard "
		    "(sysctl net.unix.max_dgram_qlen=%d)",
		    (unsigned long long)n, CP_QUEUE);
	return cp_finding(CP_OK, "%llu", (unsigned long long)n);
}

struct cp_finding
cp_exam_yama(const char *text)
{
	uint64_t n;

	if (!number(text, &n))
		return cp_finding(CP_OK, "not here");
	/* Links of /proc/PID/fd need PTRACE_MODE_READ; Yama limits ATTACH. */
	return cp_finding(CP_OK, "%llu; it does not limit what the guard reads",
	    (unsigned long long)n);
}

struct cp_finding
cp_exam_descriptors(uint64_t limit)
{
	unsigned long long wards;

	if (limit == UINT64_MAX)
		return cp_finding(CP_OK, "unlimited");
	wards = limit > CP_GUARD_OWN ? limit - CP_GUARD_OWN : 0;
	if (wards < CP_FEW / 2)
		return cp_finding(CP_WARN,
		    "hard limit %llu, enough for %llu children (ulimit -Hn "
		    "4096, LimitNOFILE=)",
		    (unsigned long long)limit, wards);
	return cp_finding(CP_OK, "hard limit %llu, enough for %llu children",
	    (unsigned long long)limit, wards);
}

/*
 * Splits a line of proc_pid_mountinfo(5): the fifth word is where, the first
 * behind " - " is what, the third how.  False if it is not for /proc.
 */
static bool
is_proc_mount(const char *line, char type[32], char options[256])
{
	char where[16];
	const char *dash = strstr(line, " - ");

	if (sscanf(line, "%*s %*s %*s %*s %15s", where) != 1 ||
	    strcmp(where, "/proc") != 0 || dash == NULL)
		return false;
	options[0] = '\0';
	return sscanf(dash, " - %31s %*s %255s", type, options) >= 1;
}

/* The value of hidepid among mount options; "" if there is none. */
static void
hidepid(const char *options, char value[32])
{
	const char *p = strstr(options, "hidepid=");

	value[0] = '\0';
	if (p != NULL)
		(void)sscanf(p, "hidepid=%31[a-z0-9]", value);
	if (strcmp(value, "0") == 0 || strcmp(value, "off") == 0)
		value[0] = '\0';
}

struct cp_finding
cp_exam_proc(const char *mountinfo, bool root)
{
	char line[1024], type[32], options[256], last[32] = "", value[32] = "";
	size_t len;

	/* The last one lies on top. */
	for (; mountinfo != NULL && *mountinfo != '\0'; mountinfo += len) {
		len = strcspn(mountinfo, "\n");
		(void)snprintf(line, sizeof(line), "%.*s", (int)len, mountinfo);
		len += mountinfo[len] == '\n';
		if (!is_proc_mount(line, type, options))
			continue;
		strlcpy(last, type, sizeof(last));
		hidepid(options, value);
	}
	if (strcmp(last, "proc") != 0)
		return cp_finding(CP_FAIL,
		    "not mounted (mount -t proc proc /proc)");
	if (value[0] == '\0')
		return cp_finding(CP_OK, "mounted, nothing hidden");
	if (root)
		return cp_finding(CP_OK,
		    "mounted, hidepid=%s, which does not concern root", value);
	if (strcmp(value, "4") == 0 || strcmp(value, "ptraceable") == 0)
		return cp_finding(CP_WARN,
		    "mounted, hidepid=%s: processes that may not be traced, "
		    "as ones that changed their user, are not seen (mount it "
		    "without)",
		    value);
	return cp_finding(CP_OK,
	    "mounted, hidepid=%s: only processes of yours are seen, which is "
	    "enough for your hosts",
	    value);
}

struct cp_finding
cp_exam_self(const char *link, int pid)
{
	uint64_t n;

	if (!number(link, &n) || n != (uint64_t)pid)
		return cp_finding(CP_FAIL,
		    "of another PID namespace (mount -t proc proc /proc)");
	return cp_finding(CP_OK, "of this PID namespace");
}

struct cp_finding
cp_exam_probe(int error, enum cp_level level, const char *remedy, bool seccomp)
{
	const char *what = strerror(error);

	if (error == 0)
		return cp_finding(CP_OK, "works");
	if (error == ETIME)
		what = "the event never came";
	else if (error == ENODATA)
		what = "does something else";
	if (seccomp && (error == EPERM || error == ENOSYS || error == EACCES))
		return cp_finding(level,
		    "%s; a seccomp filter is in force (allow it there; %s)",
		    what, remedy);
	return cp_finding(level, "%s (%s)", what, remedy);
}

bool
cp_exam_seccomp(const char *status)
{
	const char *p = status != NULL ? strstr(status, "\nSeccomp:") : NULL;

	if (p == NULL)
		return false;
	p += strlen("\nSeccomp:");
	return p[strspn(p, " \t")] == '2';
}

bool
cp_exam_version(const void *base, size_t len, char *version, size_t size)
{
	static const char mark[] = CP_VERSION_MARK;
	const char *p = memmem(base, len, mark, sizeof(mark) - 1);
	size_t left, n;

	if (p == NULL)
		return false;
	p += sizeof(mark) - 1;
	left = len - (size_t)(p - (const char *)base);
	n = strnlen(p, left);
	if (n == 0 || n == left || n >= size)
		return false;
	memcpy(version, p, n + 1);
	return true;
}

size_t
cp_exam_entry(const char **text, bool file)
{
	for (;;) {
		*text += strspn(*text, file ? " \t\n:" : " :");
		if (!file || **text != '#')
			return strcspn(*text, file ? " \t\n:#" : " :");
		*text += strcspn(*text, "\n");
	}
}
