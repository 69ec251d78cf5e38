/* SPDX-License-Identifier: MIT */
/* See dismiss.h. */
#include <stddef.h>

#include "dismiss.h"
#include "gather.h"
#include "journal.h"

void
cp_dismiss_tell(struct cp_ward *w, const char *event, const char *reason)
{
	struct cp_host *h = w->host;

	if (w->announced || w->step != CP_STEP_WATCH || reason != NULL)
		cp_journal(&(struct cp_entry){ .event = event,
		    .reason = reason,
		    .host = h,
		    .ward = w,
		    .step = !cp_is_frozen(w)	  ? NULL :
			w->step == CP_STEP_KILL	  ? "KILL" :
			w->step == CP_STEP_TERM	  ? "TERM" :
			w->step == CP_STEP_DOOMED ? "EOF" :
						    NULL });
	if (cp_is_frozen(w)) {
		h->ended++;
		cp_facts_tally()->reaped[w->rule][w->step]++;
	} else
		cp_facts_tally()->ended++;
}

void
cp_dismiss(struct cp_ward *w, const char *event, const char *reason)
{
	cp_dismiss_tell(w, event, reason);
	cp_facts_forget_ward(w);
}
