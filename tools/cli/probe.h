/* SPDX-License-Identifier: MIT */
/*
 * Does this kernel do what childproof builds on?  Each probe does the thing
 * itself, on objects of its own, in less than a second.  They return 0, an
 * errno, or ETIME if the event never came.
 */
#ifndef CP_PROBE_H
#define CP_PROBE_H

int cp_probe_pidfd(void);	 /* pidfd_open, pidfd_send_signal */
int cp_probe_pidfd_poll(void);	 /* a death is told */
int cp_probe_sender_pidfd(void); /* SCM_PIDFD, Linux 6.5 */
int cp_probe_inotify_pipe(void); /* the last close of either end is told */
int cp_probe_inotify_socket(void);
int cp_probe_inotify_pty(void);
int cp_probe_sockdiag(void); /* which socket is connected to which */
int cp_probe_wipeonfork(void);
int cp_probe_children(void); /* /proc/PID/task/TID/children */

/* Can PATH be loaded?  On failure *WHY (SIZE bytes) is the loader's text. */
int cp_probe_load(const char *path, char *why, unsigned size);

/* For the probes: waits for what has happened already; 0, ETIME or an errno. */
int cp_probe_wait(int fd);

/* For the probes: closes those of the two that are not negative. */
void cp_probe_close(const int fds[2]);

#endif
