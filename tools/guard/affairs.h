/* SPDX-License-Identifier: MIT */
/*
 * What hosts and wards say of themselves later on: that they made a channel,
 * leave, exec, became a daemon, left their session.  Context: guard.
 */
#ifndef CP_AFFAIRS_H
#define CP_AFFAIRS_H

#include "trust.h"

/* Hears one message, of any type but CP_MSG_WARD, of a living sender. */
void cp_affairs_hear(const struct cp_heard *x);

#endif
