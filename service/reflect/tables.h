/* Private to this room: tables that descgen makes at build time from the .proto files. */
#ifndef LF_SERVICE_REFLECT_TABLES_H
#define LF_SERVICE_REFLECT_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of lf_file_descriptor_set: each after what it imports. */
struct lf_reflect_file {
	const char *name;
	size_t offset, length; /* in lf_file_descriptor_set */
	uint64_t needs;        /* what it imports, directly or not, and itself: a bit each */
};
extern const struct lf_reflect_file lf_reflect_files[];
extern const size_t lf_reflect_file_count;

/* Services, methods, messages and enums by full name; sorted by it. */
struct lf_reflect_symbol {
	const char *name;
	size_t file;
	bool is_message;
};
extern const struct lf_reflect_symbol lf_reflect_symbols[];
extern const size_t lf_reflect_symbol_count;

#endif
