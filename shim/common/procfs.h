/* SPDX-License-Identifier: MIT */
/*
 * Reading /proc, for the shim and the guard.  System calls and arithmetic
 * only: no allocation, no locks, no stdio, errno is set on failure.
 * Context of every function: any.
 */
#ifndef CP_PROCFS_H
#define CP_PROCFS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel_id.h"

/* Room for any uint64_t in decimal, and for any path made here. */
#define CP_DECIMAL_SIZE 21
#define CP_PATH_SIZE	64

/* What /proc/PID/stat says, proc_pid_stat(5). */
struct cp_stat {
	pid_t pid;
	pid_t ppid;
	pid_t pgid;
	pid_t sid;
	char state; /* R S D T t Z X … */
	char comm[16];
	bool kernel;  /* a kernel thread */
	bool exiting; /* the main thread is, or has */
	/*
	 * A main thread that has ended (pthread_exit) is a zombie with more
	 * than one of these; descriptors and image are its others' then, under
	 * /proc/PID/task/TID.
	 */
	uint32_t threads;
	uint64_t start; /* field 22, clock ticks since boot */
	/*
	 * Field 28, the address of the bottom of the stack: equal in a fork
	 * copy, new (ASLR) after an exec, 0 if we may not know.
	 */
	uint64_t image;
	uint64_t cpu; /* utime + stime, clock ticks */
	uint64_t rss; /* pages */
};

/* An open file as a possible end of a channel. */
struct cp_end_id {
	uint8_t kind;	/* enum cp_kind, NONE if it is no channel */
	uint8_t access; /* CP_READ | CP_WRITE */
	bool deleted;	/* PTY slave: its master is closed */
	uint64_t ino;	/* inode, or the pty's number */
	uint64_t birth; /* PTY slave: see cp_procfs_birth(); 0 unknown */
};

/* An open directory whose entries are numbers: /proc, PID/fd, PID/task. */
struct cp_dir {
	int fd;
	char *buf;
	size_t size;
	size_t pos;
	size_t len;
};

/* Writes VALUE in decimal, with a NUL; returns the length. */
size_t cp_procfs_decimal(char out[CP_DECIMAL_SIZE], uint64_t value);

/*
 * Takes decimal digits from *P up to END, and moves *P behind them.  False,
 * with nothing changed, if there is none or the number is too big.
 */
bool cp_procfs_number(const char **p, const char *end, uint64_t *value);

/*
 * Writes "/proc/PID" and TAIL ("/stat", "/fd/7"; "" for none).  Returns the
 * length, or 0 with errno (ESRCH: PID is not positive; ENAMETOOLONG).
 */
size_t cp_procfs_path(char *out, size_t size, pid_t pid, const char *tail);

/*
 * Opens PATH under DIR (AT_FDCWD), reads up to SIZE bytes, closes it.  Returns
 * the length, or -1 with errno.
 */
ssize_t cp_procfs_read(int dir, const char *path, char *buf, size_t size);

/*
 * Starts to walk the open directory FD.  BUF (SIZE bytes, aligned for a
 * uint64_t, at least 512) is where getdents64(2) writes.
 */
void cp_procfs_dir(struct cp_dir *dir, int fd, void *buf, size_t size);

/*
 * The next entry that is a number, or -1 with errno (0: that was all).  *NAME,
 * if wanted, is its text, good until the next call.
 */
int cp_procfs_next(struct cp_dir *dir, const char **name);

/* Reads /proc/PID/stat.  Returns 0, or -1 with errno (ESRCH, ENOENT, EIO). */
int cp_procfs_stat(pid_t pid, struct cp_stat *st);

/* The same for the file PATH under the open directory DIR ("PID/stat"). */
int cp_procfs_stat_at(int dir, const char *path, struct cp_stat *st);

/*
 * Parses what read(2) got from /proc/PID/stat (LEN bytes at BUF).  Returns 0
 * or -1 with EINVAL, *ST untouched.  comm may hold spaces and parentheses.
 */
int cp_procfs_parse_stat(const char *buf, size_t len, struct cp_stat *st);

/*
 * Parses the text of a /proc/PID/fd/N link (LEN bytes, no NUL needed).
 * Access is left 0, as is the number of a PTMX: it is not in the text.
 * Anything that is no pipe, socket or pty gives kind NONE.  Every socket
 * counts as UNIX: the text does not tell, and no other has that inode.
 */
void cp_procfs_parse_link(const char *text, size_t len, struct cp_end_id *end);

/*
 * Looks at descriptor FD of process PID through /proc.  Returns 0, or -1 with
 * errno (ENOENT: not open or gone; EACCES: not ours to know).  For a pty
 * master the number is read from fdinfo ("tty-index", Linux 4.14; without it
 * ENODATA).  Link and access are two looks: a process that reuses the number
 * between them can be told wrong.
 */
int cp_procfs_end(pid_t pid, int fd, struct cp_end_id *end);

/* The link alone: no access, and of a pty master no number.  Half the price. */
int cp_procfs_link(pid_t pid, int fd, struct cp_end_id *end);

/* As cp_procfs_end(), FDDIR being an open /proc/PID/fd and NAME an entry. */
int cp_procfs_end_at(int fddir, const char *name, struct cp_end_id *end);

/*
 * The parts of the above, for whoever needs an end's access or number (KIND is
 * PTMX) only once the link was found to matter.
 */
int cp_procfs_access_at(int fddir, const char *name, uint8_t *access);
int cp_procfs_number_at(int fddir, const char *name, uint64_t *number);

/*
 * What tells one pty from the next of the same number: the device of its
 * devpts and the change time of the slave's inode, which is when it was made
 * (a later chmod or chown makes it another, and so nobody's).  Never 0.
 */
uint64_t cp_procfs_birth(dev_t dev, int64_t seconds, uint32_t nanoseconds);

/* Is END the host's end of the channel that CH is?  Pure. */
bool cp_procfs_is_host_end(const struct cp_channel *ch,
    const struct cp_end_id *end);

/*
 * Looks at our own descriptor FD by fstat(2) and fcntl(2); needs no /proc.
 * Returns 0 or -1 with errno (EBADF).
 */
int cp_procfs_own_end(int fd, struct cp_end_id *end);

/*
 * FD, on device DEV, is what pipe(2) has just returned: from now on a look at
 * any pipe of our own takes one call less.  Not in a vfork child.
 */
void cp_procfs_learn_pipe(int fd, dev_t dev);

#endif
