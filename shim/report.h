/* SPDX-License-Identifier: MIT */
/* Telling the guard. */
#ifndef CP_REPORT_H
#define CP_REPORT_H

#include <stdbool.h>

#include "common/wire.h"

enum {
	CP_REPORT_INSIST = 1, /* a full queue is waited for, up to a second */
	CP_REPORT_START = 2,  /* without a guard one is started */
};

/*
 * Sends *MSG, whose magic is filled in.  Returns 0, or -1 with errno:
 * ECONNREFUSED when there is no guard.  Context: any.
 */
int cp_report(const struct cp_msg *msg, int how);

/*
 * Sends *MSG with a copy of descriptor FILE; waits a tenth of a second for
 * room.  Returns 0, or -1 with errno.  Context: any.
 */
int cp_report_file(const struct cp_msg *msg, int file);

/* A message of that type without any content.  Context: any. */
int cp_report_type(enum cp_msg_type type, int how);

/*
 * A guard that does not read is not waited for, for a while that grows each
 * time; is it so now?  Context: any.
 */
void cp_report_mute(void);
bool cp_report_is_muted(void);

/* Is there likely to be a guard?  Context: any. */
bool cp_report_known(void);

/* CP_MSG_MADE, at most once a second.  Context: any. */
void cp_report_made(void);

#endif
