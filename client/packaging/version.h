/* The version of the library that a program runs with. */
#ifndef LF_CLIENT_PACKAGING_VERSION_H
#define LF_CLIENT_PACKAGING_VERSION_H

#pragma GCC visibility push(default)

/* Version of the library, e.g. "0.1.0". Static storage. */
const char *lf_version(void);

#pragma GCC visibility pop

#endif
