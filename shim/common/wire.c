/* SPDX-License-Identifier: MIT */
/* The guard's address.  Context: any. */
#include <stddef.h>
#include <string.h>

#include "wire.h"

/* In every part, for `childproof doctor` to see whether they are of a kind. */
static const char version[] __attribute__((used)) = CP_VERSION_MARK CP_VERSION;

socklen_t
cp_wire_address(const char *name, struct sockaddr_un *sun)
{
	size_t len = strlen(name);

	if (len == 0 || len > CP_NAME_MAX)
		return 0;
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path + 1, name, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}
