/*
 * Memory that is freed is cleared, whoever frees it: this service, SQLite, nng, protobuf-c. So what was said about a
 * person is in nobody's leavings, and an erasure has only that to look after which is still in use.
 *
 * The C library's own functions are replaced in the program, for itself and for the shared libraries. Clearing costs
 * less than 1% of the instructions of a Score (tests/bench/NOTES.md). Sanitizers have a heap of their own.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GLIBC__) && !defined(LF_SANITIZED)

void __libc_free(void *pointer);

/* In pieces, which the C library clears by plain stores. A string instruction, which it takes for more, starts slowly. */
static void clear(char *bytes, size_t size)
{
	enum { PIECE = 1024 };

	for (; size > PIECE; bytes += PIECE, size -= PIECE)
		explicit_bzero(bytes, PIECE);
	explicit_bzero(bytes, size);
}

__attribute__((visibility("default"))) void free(void *pointer)
{
	const int kept = errno;

	if (pointer == NULL)
		return;
	clear(pointer, malloc_usable_size(pointer));
	__libc_free(pointer);
	errno = kept;
}

/* The C library's would leave the old place, or the end that is cut off, as it was. */
__attribute__((visibility("default"))) void *realloc(void *pointer, size_t size)
{
	const size_t usable = pointer == NULL ? 0 : malloc_usable_size(pointer);
	void *moved;

	if (pointer != NULL && size <= usable && size > usable / 2)
		return pointer;
	if (pointer != NULL && size == 0) {
		free(pointer);
		return NULL;
	}
	moved = malloc(size);
	if (moved == NULL || pointer == NULL)
		return moved;
	memcpy(moved, pointer, size < usable ? size : usable);
	free(pointer);
	return moved;
}

#endif
