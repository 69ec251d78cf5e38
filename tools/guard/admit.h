/* SPDX-License-Identifier: MIT */
/*
 * May another child of this command be?  What `limit` and the respawn brake
 * say before an exec.  Context: guard.
 */
#ifndef CP_ADMIT_H
#define CP_ADMIT_H

#include "../../shim/common/options.h"
#include "facts.h"

struct cp_request {
	struct cp_host *host;
	uint64_t key; /* 0: unknown, and admitted */
	uint32_t thread;
	/*
	 * The ward, registered already; NULL: it will be.  A place is kept for
	 * it then, for a moment.
	 */
	struct cp_ward *ward;
	bool asks;	  /* it waits for our answer */
	const char *name; /* of the program, for the journal */
	uint64_t now_ms;
};

/* OPTIONS must stay; what was known is forgotten. */
void cp_admit_init(const struct cp_options *options);

/*
 * Returns 0, or the errno that the exec is to fail with.  A ward may get
 * another's rank.
 */
int cp_admit(const struct cp_request *r);

/* The place that was kept for R is not needed. */
void cp_admit_give_back(const struct cp_request *r);

/* WARD is being retired. */
void cp_admit_retired(const struct cp_ward *ward, uint64_t now_ms);

#endif
