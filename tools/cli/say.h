/* SPDX-License-Identifier: MIT */
/*
 * What the commands say on stderr: one line, "childproof: what: why (what to
 * do)", whatever it quotes.  Context: cli.
 */
#ifndef CP_SAY_H
#define CP_SAY_H

/* As warnx(3); what a terminal can't show, an end of line included, as \n. */
void cp_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* NAME, or quotes if it is empty, so that it can be seen. */
const char *cp_say_name(const char *name);

#endif
