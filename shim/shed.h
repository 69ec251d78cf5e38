/* SPDX-License-Identifier: MIT */
/*
 * Host ends that a child has inherited by accident: as long as it has them,
 * what the host closes is not closed.
 */
#ifndef CP_SHED_H
#define CP_SHED_H

/*
 * Marks as close-on-exec, in this child, the host ends of other wards that it
 * has inherited by accident.  Context: child.
 */
void cp_shed(void);

/*
 * Forgets some marks of host ends that the host has closed or made
 * close-on-exec itself, so that shedding stays cheap.  Context: host.
 */
void cp_shed_review(void);

#endif
