/* The backend in a SQLite file: all that others may know of this room. lf_backend_by_url() finds it. */
#ifndef LF_STORAGE_SQLITE_SQLITE_H
#define LF_STORAGE_SQLITE_SQLITE_H

struct lf_backend;

/* Exclusive. location: a file's name. */
extern const struct lf_backend lf_sqlite_backend;

#endif
