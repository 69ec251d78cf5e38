/* SPDX-License-Identifier: MIT */
/*
 * The string functions of the shim, under other names, against those of the
 * libc: over all short lengths and distances.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

void *own_memcpy(void *restrict, const void *restrict, size_t);
void *own_memmove(void *, const void *, size_t);
void *own_memset(void *, int, size_t);
int own_memcmp(const void *, const void *, size_t);
void *own_memchr(const void *, int, size_t);
size_t own_strlen(const char *);
int own_strncmp(const char *, const char *, size_t);
int own_strcmp(const char *, const char *);
char *own_strchr(const char *, int);
char *own_strrchr(const char *, int);
char *own_strstr(const char *, const char *);

#define memcpy	own_memcpy
#define memmove own_memmove
#define memset	own_memset
#define memcmp	own_memcmp
#define memchr	own_memchr
#define strlen	own_strlen
#define strncmp own_strncmp
#define strcmp	own_strcmp
#define strchr	own_strchr
#define strrchr own_strrchr
#define strstr	own_strstr
#include "../../shim/text.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strncmp
#undef strcmp
#undef strchr
#undef strrchr
#undef strstr

#define SIZE 40
#define MOST 20

static const char *const strings[] = { "", "a", "b", "ab", "ba", "aab", "\377",
	"a\377", "abcabd", "abcabcabd", "LD_PRELOAD=/a/b:c", "/a/b/c", "b/" };
#define STRINGS (sizeof(strings) / sizeof(strings[0]))

static void
fill(char a[SIZE], char b[SIZE])
{
	for (int i = 0; i < SIZE; i++)
		a[i] = b[i] = (char)(i * 37 + 200);
}

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

Test(text, memory_is_written_as_by_the_libc)
{
	char a[SIZE], b[SIZE], from[SIZE];

	fill(from, from);
	for (size_t n = 0; n <= MOST; n++)
		for (size_t to = 0; to <= MOST; to++)
			for (size_t at = 0; at <= MOST; at++) {
				fill(a, b);
				cr_assert_eq(own_memmove(a + to, a + at, n),
				    a + to);
				memmove(b + to, b + at, n);
				cr_assert_eq(memcmp(a, b, SIZE), 0);
				own_memcpy(a + to, from + at, n);
				memcpy(b + to, from + at, n);
				cr_assert_eq(memcmp(a, b, SIZE), 0);
				own_memset(a + to, (int)at + 250, n);
				memset(b + to, (int)at + 250, n);
				cr_assert_eq(memcmp(a, b, SIZE), 0);
			}
}

Test(text, two_strings_compare_as_by_the_libc)
{
	for (size_t i = 0; i < STRINGS; i++)
		for (size_t j = 0; j < STRINGS; j++) {
			const char *s = strings[i], *t = strings[j];
			size_t least = strlen(s) < strlen(t) ? strlen(s) :
							       strlen(t);

			cr_assert_eq(sign(own_strcmp(s, t)), sign(strcmp(s, t)),
			    "%s %s", s, t);
			cr_assert_eq(own_strstr(s, t), strstr(s, t), "%s %s", s,
			    t);
			for (size_t n = 0; n <= MOST; n++)
				cr_assert_eq(sign(own_strncmp(s, t, n)),
				    sign(strncmp(s, t, n)), "%s %s", s, t);
			for (size_t n = 0; n <= least; n++)
				cr_assert_eq(sign(own_memcmp(s, t, n)),
				    sign(memcmp(s, t, n)), "%s %s", s, t);
		}
}

Test(text, a_byte_is_found_as_by_the_libc)
{
	for (size_t i = 0; i < STRINGS; i++)
		for (int c = 0; c < 256; c++) {
			const char *s = strings[i];

			cr_assert_eq(own_strlen(s), strlen(s));
			cr_assert_eq(own_strchr(s, c), strchr(s, c));
			cr_assert_eq(own_strrchr(s, c), strrchr(s, c));
			cr_assert_eq(own_memchr(s, c, strlen(s)),
			    memchr(s, c, strlen(s)));
		}
}
