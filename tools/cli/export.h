/* SPDX-License-Identifier: MIT */
/*
 * What the launcher hands to the host through its environment, as text.  Pure;
 * what is returned is for the caller to free.
 */
#ifndef CP_EXPORT_H
#define CP_EXPORT_H

#include "../../shim/common/options.h"

/*
 * The options of *O that are not the default, in the syntax that
 * cp_options_parse reads: "" if there are none.  `help` is left out.  Returns
 * NULL with errno when out of memory.
 */
char *cp_export_options(const struct cp_options *o);

/*
 * A value for LD_PRELOAD: SHIM in front of the entries of OLD (NULL: none),
 * and behind an AddressSanitizer runtime among them, which refuses anything
 * else in front of it.  Any copy of the shim in OLD is dropped; with SHIM NULL
 * that is all that happens.  Returns NULL with errno when out of memory.
 */
char *cp_export_preload(const char *shim, const char *old);

#endif
