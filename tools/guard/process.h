/* SPDX-License-Identifier: MIT */
/*
 * What the census wants to know of one process, through a descriptor of its
 * /proc/PID/fd, or else of /proc/PID: the number may be another's by now, what
 * is reached through it is not.  Context of every function: guard, cli.
 */
#ifndef CP_PROCESS_H
#define CP_PROCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "../../shim/common/procfs.h"
#include "census.h"

/* Where a process, or one thread of it, can be looked at. */
struct cp_place {
	int dir;   /* its "fd" directory, or if ERROR is not 0 the one above */
	int error; /* why its "fd" can't be opened */
};

/*
 * Opens NAME, a process in the open directory PROC (or a path of one, with
 * AT_FDCWD).  -1 with errno; ENOENT or ESRCH: it is gone.
 */
int cp_place_open(int proc, const char *name, struct cp_place *at);
/* The same, by the directory above at once; ERROR is why. */
int cp_place_above(int proc, const char *name, int error, struct cp_place *at);
void cp_place_close(const struct cp_place *at);

/*
 * Its stat(5), and who owns its directory.  0, or -1 with errno; EACCES or
 * EPERM with ERROR 0: it has just become somebody we may not look into.
 */
int cp_place_stat(const struct cp_place *at, struct cp_stat *st);
int cp_place_owner(const struct cp_place *at, uid_t *uid);

/* Its program, as cp_process_exe() below. */
uint64_t cp_place_exe(const struct cp_place *at);

/*
 * If only the main thread of the process AT has ended: *TASK is a living
 * thread, to be closed, whose state, image and number go to *P.  -1 with errno;
 * ESRCH: a zombie, or gone.
 */
int cp_process_task(const struct cp_place *at, const struct cp_stat *st,
    struct cp_proc *p, struct cp_place *task);

/* Is the main thread at its end? */
bool cp_process_is_dead(const struct cp_stat *st);
/* And no other thread lives? */
bool cp_process_is_over(const struct cp_stat *st);

/*
 * The number by which /proc shows what PID has open: its own, or that of a
 * living thread where only the main thread has ended.
 */
pid_t cp_process_shown(pid_t pid);

/* Whether it is a zombie, or gone, by now. */
bool cp_process_ended(const struct cp_place *at);

/* Has PID given up its memory, or more, on its way out? */
bool cp_process_is_dying(pid_t pid);

/*
 * The device and inode of the program that PATH, a /proc/PID/exe, stands for,
 * mixed; 0 if unreadable.  Keeps errno.
 */
uint64_t cp_process_exe(int dir, const char *path);

/*
 * The device that the file behind FDDIR/NAME is on; 0 if unknown, and *BIRTH
 * (see procfs.h) untouched.
 */
uint32_t cp_process_dev(int fddir, const char *name, uint64_t *birth);

/* The number at which PID has an end of CH's that IS one; -1: none, or gone. */
int cp_process_find(pid_t pid,
    bool (*is)(const struct cp_channel *, const struct cp_end_id *),
    const struct cp_channel *ch);
bool cp_process_has(pid_t pid,
    bool (*is)(const struct cp_channel *, const struct cp_end_id *),
    const struct cp_channel *ch);

#endif
