/* The one object of libleadfit that is in no room's archive. */
#include "client/packaging/version.h"

const char *lf_version(void)
{
	return LF_VERSION;
}
