/* SPDX-License-Identifier: MIT */
/* Files of the source that the program carries with it, as strings. */
#ifndef CP_EMBED_H
#define CP_EMBED_H

extern const char cp_embed_report_html[];
extern const char cp_embed_report_js[];
extern const char cp_embed_report_draw_js[];
extern const char cp_embed_report_ui_js[];

#endif
