/* SPDX-License-Identifier: MIT */
/*
 * Reading /proc by system calls and hand-made parsing: paths, numbers and
 * stat(5).  Owns nothing, keeps nothing.  Context of every function: any.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "procfs.h"
#include "raw.h"

ssize_t
cp_procfs_read(int dir, const char *path, char *buf, size_t size)
{
	ssize_t len;
	int fd;

	fd = cp_raw_openat(dir, path, O_RDONLY);
	if (fd == -1)
		return -1;
	len = cp_raw_read(fd, buf, size);
	cp_raw_close(fd);
	return len;
}

size_t
cp_procfs_decimal(char out[CP_DECIMAL_SIZE], uint64_t value)
{
	char digits[CP_DECIMAL_SIZE];
	size_t n = 0;
	size_t len;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	for (len = 0; len < n; len++)
		out[len] = digits[n - 1 - len];
	out[len] = '\0';
	return len;
}

size_t
cp_procfs_path(char *out, size_t size, pid_t pid, const char *tail)
{
	static const char proc[] = "/proc/";
	char number[CP_DECIMAL_SIZE];
	size_t n, t = strlen(tail);
	size_t len = sizeof(proc) - 1;

	if (pid <= 0) {
		errno = ESRCH;
		return 0;
	}
	n = cp_procfs_decimal(number, (uint64_t)pid);
	if (len + n + t + 1 > size) {
		errno = ENAMETOOLONG;
		return 0;
	}
	memcpy(out, proc, len);
	memcpy(out + len, number, n);
	memcpy(out + len + n, tail, t + 1);
	return len + n + t;
}

bool
cp_procfs_number(const char **p, const char *end, uint64_t *value)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		unsigned d = (unsigned)(*s - '0');

		if (v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (s == *p)
		return false;
	*p = s;
	*value = v;
	return true;
}

/* As above for a whole word; negative ones (nice, tpgid) count as 0. */
static bool
take_field(const char **p, const char *end, uint64_t *value)
{
	bool negative = false;

	if (*p == end || *(*p)++ != ' ')
		return false;
	if (*p < end && **p == '-') {
		negative = true;
		(*p)++;
	}
	if (!cp_procfs_number(p, end, value))
		return false;
	if (negative)
		*value = 0;
	/* A number that the buffer cuts off is none. */
	return *p < end && (**p == ' ' || **p == '\n');
}

/* Fields of stat(5) by their numbers there; the first is 4, behind state. */
enum {
	F_PPID = 4,
	F_PGID = 5,
	F_SID = 6,
	F_FLAGS = 9,
	F_UTIME = 14,
	F_STIME = 15,
	F_THREADS = 20,
	F_START = 22,
	F_RSS = 24,
	F_STACK = 28,
	F_END,
};

/* PF_EXITING and PF_KTHREAD of the kernel's <linux/sched.h> */
#define EXITING 0x00000004
#define KTHREAD 0x00200000

int
cp_procfs_parse_stat(const char *buf, size_t len, struct cp_stat *st)
{
	const char *end = buf + len, *p = buf, *name, *close;
	uint64_t pid, field[F_END];
	struct cp_stat new = { 0 };
	size_t n;

	/* comm may hold anything, but only numbers follow it. */
	close = end;
	while (close > buf && *--close != ')')
		;
	if (end - close < 4 || close[0] != ')' || close[1] != ' ' ||
	    !cp_procfs_number(&p, close, &pid) || pid > INT_MAX ||
	    close - p < 2 || p[0] != ' ' || p[1] != '(')
		goto bad;
	name = p + 2;
	new.state = close[2];
	p = close + 3;
	for (n = F_PPID; n < F_END; n++)
		if (!take_field(&p, end, &field[n]))
			goto bad;
	if (field[F_PPID] > INT_MAX || field[F_PGID] > INT_MAX ||
	    field[F_SID] > INT_MAX)
		goto bad;

	n = (size_t)(close - name);
	if (n > sizeof(new.comm) - 1)
		n = sizeof(new.comm) - 1;
	memcpy(new.comm, name, n);
	new.pid = (pid_t)pid;
	new.ppid = (pid_t)field[F_PPID];
	new.pgid = (pid_t)field[F_PGID];
	new.sid = (pid_t)field[F_SID];
	new.kernel = (field[F_FLAGS] & KTHREAD) != 0;
	new.exiting = (field[F_FLAGS] & EXITING) != 0;
	new.threads = (uint32_t)field[F_THREADS];
	new.start = field[F_START];
	new.image = field[F_STACK];
	new.cpu = field[F_UTIME] + field[F_STIME];
	new.rss = field[F_RSS];
	*st = new;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

/*
 * The kernel makes the whole text at the first read(2), and gives as much of
 * it as fits.  Less would be found out: what is cut off does not parse.
 */
static ssize_t
read_once(int dir, const char *path, char *buf, size_t size)
{
	ssize_t len;
	int fd;

	fd = cp_raw_openat(dir, path, O_RDONLY);
	if (fd == -1)
		return -1;
	do
		len = syscall(SYS_read, fd, buf, size);
	while (len == -1 && errno == EINTR);
	cp_raw_close(fd);
	return len;
}

int
cp_procfs_stat_at(int dir, const char *path, struct cp_stat *st)
{
	char buf[1024]; /* 28 fields of 20 digits and a long comm fit */
	ssize_t len;

	len = read_once(dir, path, buf, sizeof(buf));
	if (len == -1)
		return -1;
	if (cp_procfs_parse_stat(buf, (size_t)len, st) == -1) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int
cp_procfs_stat(pid_t pid, struct cp_stat *st)
{
	char path[CP_PATH_SIZE];

	if (cp_procfs_path(path, sizeof(path), pid, "/stat") == 0)
		return -1;
	return cp_procfs_stat_at(AT_FDCWD, path, st);
}
