/* SPDX-License-Identifier: MIT */
/* Lifelines as a page of HTML, complete in itself.  Context: cli. */
#ifndef CP_PAGE_H
#define CP_PAGE_H

#include "lifeline.h"

/* Writes the page to TO.  NAME is the journal's.  See ferror(3). */
void cp_page_write(const struct cp_lifelines *l, const char *name, FILE *to);

#endif
