/* SPDX-License-Identifier: MIT */
/*
 * The table of commands.  Owns nothing.  Context: cli.
 */
#include <stddef.h>
#include <string.h>

#include "main.h"

const struct cp_command *const cp_commands[] = {
	&cp_command_attach,
	&cp_command_doctor,
	&cp_command_metrics,
	&cp_command_ps,
	&cp_command_reap,
	&cp_command_report,
	&cp_command_scan,
	&cp_command_why,
	&cp_command_wrap,
	NULL,
};

const struct cp_command *
cp_command_find(const char *name)
{
	const struct cp_command *const *c = cp_commands;

	while (*c != NULL && strcmp((*c)->name, name) != 0)
		c++;
	return *c;
}

bool
cp_command_reserved(const char *name)
{
	return strcmp(name, "check") == 0;
}
