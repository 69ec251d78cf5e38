/* SPDX-License-Identifier: MIT */
/* Ending the wards of a host that leaves, where there is no guard. */
#ifndef CP_FINISH_H
#define CP_FINISH_H

/*
 * Gives the duplex wards their grace and ends those that are still there; all
 * of it bounded by the options.  Context: host, the cloak's handler included.
 */
void cp_finish(void);

#endif
