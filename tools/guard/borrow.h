/* SPDX-License-Identifier: MIT */
/*
 * Another's descriptor, for a question to the kernel about what it is open on.
 * Nothing is opened anew and nothing that the other has is changed, so that
 * is cheap: pidfd_getfd(2), Linux 5.6.  Context: guard, cli; any thread.
 */
#ifndef CP_BORROW_H
#define CP_BORROW_H

#include <sys/types.h>

/*
 * A copy of FD of whom PIDFD, or the PID, stands for, to be closed at once; -1
 * where it is not there or may not be had.  That PID is whom the caller means
 * is to be told by what the copy is open on.
 */
int cp_borrow(int pidfd, int fd);
int cp_borrow_from(pid_t pid, int fd);

#endif
