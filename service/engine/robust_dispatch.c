/* Which kernel this machine runs: chosen when a rubric is compiled and kept there, so there is no state to share. */
#include <string.h>
#include "service/engine/internal.h"

const struct lf_kernel *lf_kernel_named(const char *name)
{
#ifdef LF_KERNEL_X86
	if (strcmp(name, lf_kernel_avx512.name) == 0 && __builtin_cpu_supports("avx512f") &&
		__builtin_cpu_supports("fma"))
		return &lf_kernel_avx512;
	if (strcmp(name, lf_kernel_avx2.name) == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &lf_kernel_avx2;
#endif
	return strcmp(name, lf_kernel_baseline.name) == 0 ? &lf_kernel_baseline : NULL;
}

const struct lf_kernel *lf_kernel_widest(void)
{
	static const char *const widest_first[] = {"avx512", "avx2"};

	for (size_t i = 0; i < sizeof(widest_first) / sizeof(*widest_first); i++) {
		const struct lf_kernel *kernel = lf_kernel_named(widest_first[i]);

		if (kernel != NULL)
			return kernel;
	}
	return &lf_kernel_baseline;
}
