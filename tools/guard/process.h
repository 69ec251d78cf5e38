/* SPDX-License-Identifier: MIT */
/*
 * What the census wants to know of one process, given a descriptor of its
 * /proc/PID directory.  Context of every function: guard, cli.
 */
#ifndef CP_PROCESS_H
#define CP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../shim/common/procfs.h"
#include "census.h"

/*
 * The directory whose "fd" and "exe" tell of the process: PIDDIR itself, or if
 * only the main thread has ended that of a living thread (to be closed), whose
 * state and image go to *P.  -1 with errno; ESRCH: a zombie, or gone.
 */
int cp_process_task(int piddir, const struct cp_stat *st, struct cp_proc *p);

/* Whether it is a zombie, or gone, by now. */
bool cp_process_ended(int piddir);

/* Has PID given up its memory, or more, on its way out? */
bool cp_process_is_dying(pid_t pid);

/* The program's device and inode mixed; 0 if unreadable.  Keeps errno. */
uint64_t cp_process_exe(int dir);

/*
 * The device that the file behind FDDIR/NAME is on; 0 if unknown, and *BIRTH
 * (see procfs.h) untouched.
 */
uint32_t cp_process_dev(int fddir, const char *name, uint64_t *birth);

#endif
