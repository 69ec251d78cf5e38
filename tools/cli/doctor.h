/* SPDX-License-Identifier: MIT */
/* The rooms of the doctor's; each prints its findings. */
#ifndef CP_DOCTOR_H
#define CP_DOCTOR_H

/* What else is preloaded: LD_PRELOAD and /etc/ld.so.preload. */
void cp_doctor_preloads(void);

/* Can WHERE, a value of the option journal, be written? */
void cp_doctor_journal(const char *where);

/* Can COMMAND be guarded?  Returns 0, or the status it could not run with. */
int cp_doctor_subject(const char *command);

#endif
