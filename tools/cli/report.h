/* SPDX-License-Identifier: MIT */
/* The command `report`: a journal as a page and as a trace. */
#ifndef CP_REPORT_H
#define CP_REPORT_H

#include "../../shim/common/options.h"

/* ARGV[0] is "report".  Returns the exit status. */
int cp_report(const struct cp_options *o, int argc, char *argv[]);

#endif
