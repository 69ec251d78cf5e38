/* SPDX-License-Identifier: MIT */
/* What the commands that show guards share.  Context: cli. */
#ifndef CP_PS_H
#define CP_PS_H

#include "main.h"
#include "view.h"

/*
 * Prints the hosts (ONLY not NULL: that one) as one JSON object.  Returns 0,
 * or -1 with ENOMEM.
 */
int cp_ps_json(const struct cp_view *v, const struct cp_seen_host *only);

/* The same as a table; of all hosts with a summary. */
int cp_ps_tree(const struct cp_view *v, const struct cp_seen_host *only);

/* The operand TEXT as a process ID; anything else ends the program. */
pid_t cp_pid_operand(const struct cp_command *c, const char *text);

#endif
