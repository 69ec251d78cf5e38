/* SPDX-License-Identifier: MIT */
/*
 * See embed.h.  The assembler reads the files, by their names from the top of
 * the tree, so the compiler can't tell make of them: see the Makefile.
 */
#include "embed.h"

#define EMBED(name, file)                                                      \
	__asm__(".pushsection .rodata\n"                                       \
		".global " #name "\n"                                          \
		".type " #name ", %object\n" #name ":\n"                       \
		".incbin \"" file "\"\n"                                       \
		".byte 0\n"                                                    \
		".size " #name ", . - " #name "\n"                             \
		".popsection\n")

EMBED(cp_embed_report_html, "tools/cli/report.html");
EMBED(cp_embed_report_js, "tools/cli/report.js");
EMBED(cp_embed_report_draw_js, "tools/cli/report-draw.js");
EMBED(cp_embed_report_ui_js, "tools/cli/report-ui.js");
