#include "service/daemon/descriptors.h"

#include <sys/resource.h>

enum { USEFUL_MAX = 64 * 1024 }; /* more than that nobody needs here */

enum lf_code lf_descriptors_prepare(size_t connections, size_t *spare_connections, struct lf_error *error)
{
	const size_t wanted = LF_DESCRIPTORS_FOR_FILES + 2 * (connections + *spare_connections);
	const size_t least = LF_DESCRIPTORS_FOR_FILES + 2 * (connections + LF_SPARE_CONNECTIONS_MIN);
	struct rlimit limit;
	rlim_t may;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return LF_OK; /* it is as it is */
	may = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > USEFUL_MAX ? USEFUL_MAX : limit.rlim_max;
	if (limit.rlim_cur < wanted && limit.rlim_cur < may) {
		limit.rlim_cur = may < wanted ? may : wanted;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return LF_OK;
	if (limit.rlim_cur < least)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%llu file descriptors are too few: %zu connections and files need %zu: raise the limit "
			"(ulimit -Hn, LimitNOFILE=) to at least that, or lower --connections",
			(unsigned long long)limit.rlim_cur, connections, least);
	*spare_connections = ((size_t)limit.rlim_cur - LF_DESCRIPTORS_FOR_FILES) / 2 - connections;
	return LF_OK;
}
