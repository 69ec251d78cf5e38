/* SPDX-License-Identifier: MIT */
/*
 * What is said to the guard by signals: SIGTERM, that there is no time left;
 * SIGHUP, that the journal has been moved.  It hears no other.  Context: guard.
 */
#ifndef CP_SIGNALS_H
#define CP_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on CP_TAG_SIGNAL tells of them. */
void cp_signals_open(void);

/* Does what they ask for. */
void cp_signals_hear(uint64_t now_ms);

/* Was there a SIGTERM?  What is proven gets no grace then. */
bool cp_signals_hurried(void);

#endif
