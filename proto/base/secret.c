#include "proto/base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void *lf_secret_new(size_t size, int *unlocked)
{
	void *secret = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secret == MAP_FAILED)
		return NULL;
	madvise(secret, size, MADV_DONTDUMP);
	if (mlock(secret, size) != 0)
		*unlocked = errno;
	return secret;
}

void lf_secret_free(void *secret, size_t size)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, size);
	munmap(secret, size); /* which unlocks it, too */
}

void lf_process_seclude(void)
{
	const struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
}
