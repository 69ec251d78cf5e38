/* SPDX-License-Identifier: MIT */
/* The shim's own failures, for the journal. */
#ifndef CP_NOTE_H
#define CP_NOTE_H

enum cp_note {
	CP_NOTE_OPTIONS = 1,
	CP_NOTE_START = 2,
	CP_NOTE_DEAF = 4,
};

/*
 * Writes "WHAT: WHY" and, if it is not 0, what errno ERROR means to the
 * journal; once of each kind for a host and its children.  Context: any.
 */
void cp_note(enum cp_note kind, const char *what, const char *why, int error);

#endif
