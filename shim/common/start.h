/* SPDX-License-Identifier: MIT */
/*
 * Starting the guard.  Used by the launcher before it execs the host, and by
 * the shim from wherever the first ward is met, a vfork child included:
 * system calls only, nothing of the caller's process is changed.
 */
#ifndef CP_START_H
#define CP_START_H

/*
 * Binds the abstract socket NAME and starts the guard program PATH on it
 * (descriptor CP_GUARD_FD of the new process; argv "childproof-guard NAME";
 * environment ENVP).  The guard is a grandchild without a parent of ours: the
 * process between them has exit signal 0, so that neither SIGCHLD nor
 * waitpid(-1) of the caller tells of it.
 *
 * Returns 0 if the guard runs, or -1 with errno: EADDRINUSE when another
 * thread or process was first (then NAME can be sent to all the same),
 * ENOENT or EACCES when PATH can't be executed.  Context: any.
 */
int cp_guard_start(const char *name, const char *path, char *const envp[]);

#endif
