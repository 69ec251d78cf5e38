/* SPDX-License-Identifier: MIT */
/*
 * Lifelines in the trace event format (JSON), which Perfetto and Chromium's
 * about:tracing read.  Context: cli.
 */
#ifndef CP_TRACE_H
#define CP_TRACE_H

#include "lifeline.h"

/* Writes the trace to TO.  See ferror(3). */
void cp_trace_write(const struct cp_lifelines *l, FILE *to);

#endif
