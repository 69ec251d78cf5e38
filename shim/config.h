/* SPDX-License-Identifier: MIT */
/* What the shim was told, and where the parts of childproof lie. */
#ifndef CP_CONFIG_H
#define CP_CONFIG_H

#include <stdbool.h>

#include "common/options.h"
#include "preload.h"

/* The constructor's part: copies the environment.  Context: host. */
void cp_config_read(void);

/* May the options, not yet parsed, say children=all?  Context: host. */
bool cp_config_may_be_all(void);

/*
 * The claim's part: parses, finds, names; false without memory.  Until then
 * all options are off.  Context: host, one thread.
 */
bool cp_config_complete(void);

/* As CHILDPROOF_OPTIONS said when the program was started.  Context: any. */
const struct cp_options *cp_options(void);

/* The name of the guard's socket; "" before the first cp_enter.  any. */
const char *cp_guard_name(void);
/* Its program, beside our own file; "" if that is unknown.  any. */
const char *cp_guard_path(void);
/* "CHILDPROOF_OPTIONS=text", or "".  Context: any. */
const char *cp_options_variable(void);
/* What was wrong with the option *BAD, or NULL if none was.  Context: any. */
const char *cp_options_error(const char **bad);
/* Did the environment name a guard?  Context: any. */
bool cp_guard_given(void);

/* What is to be done to a child's environment.  Context: any. */
struct cp_preload cp_preload_facts(bool child);

#endif
