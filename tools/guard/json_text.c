/* SPDX-License-Identifier: MIT */
/* See json_text.h. */
#define LIBBSD_OPENBSD_VIS
#include <stdlib.h>
#include <vis.h>

#include "json_text.h"

json_t *
cp_json_text(const char *s, size_t len)
{
	json_t *j = json_stringn(s, len);
	char *safe;

	if (j != NULL)
		return j;
	safe = malloc(4 * len + 1);
	if (safe == NULL)
		return NULL;
	strvisx(safe, s, len, VIS_CSTYLE | VIS_TAB | VIS_NL);
	j = json_string(safe);
	free(safe);
	return j;
}
