/* SPDX-License-Identifier: MIT */
/*
 * A finding of the doctor's: how bad, and one line of text, "finding (remedy)".
 */
#ifndef CP_FINDING_H
#define CP_FINDING_H

enum cp_level { CP_OK = 0, CP_WARN, CP_FAIL };

struct cp_finding {
	enum cp_level level;
	char text[512];
};

struct cp_finding cp_finding(enum cp_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints "LEVEL  WHAT: TEXT"; what is not printable is escaped. */
void cp_finding_print(const char *what, struct cp_finding f);

/* The worst level printed so far. */
enum cp_level cp_finding_worst(void);

#endif
