/* SPDX-License-Identifier: MIT */
/* The cloak: our handler where the host sees SIG_DFL. */
#ifndef CP_CLOAK_H
#define CP_CLOAK_H

/* Puts it on in this process.  Context: host. */
void cp_cloak_install(void);

#endif
