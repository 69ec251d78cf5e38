/* SPDX-License-Identifier: MIT */
/* Names and arguments of others, which may be any bytes, for jansson. */
#ifndef CP_JSON_TEXT_H
#define CP_JSON_TEXT_H

#include <jansson.h>

/*
 * LEN bytes of S as a JSON string, which is the caller's: valid UTF-8 as it is
 * (jansson escapes control characters), else by vis(3).  NULL: no memory.
 * Context: guard, cli.
 */
json_t *cp_json_text(const char *s, size_t len);

#endif
