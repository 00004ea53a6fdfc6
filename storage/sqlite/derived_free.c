/*
 * The pages that nothing uses. What is deleted from a log is overwritten (secure_delete), so its free pages hold zeros;
 * bytes there were deleted by another program, and somebody who was erased may be among them. SQLite has no statement
 * that reads a free page, so they are read through its own files: the WAL where it has the page, else the database. A
 * descriptor of our own would drop SQLite's locks when it is closed.
 *
 * For a log that nobody writes. https://sqlite.org/fileformat2.html: 1.5 says what the list of free pages is, 4 what a
 * WAL is.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/derived.h"

enum { HEADER = 100, WAL_HEADER = 32, FRAME_HEADER = 24, PAGE_SIZE_MIN = 512, PAGE_SIZE_MAX = 65536 };

struct pages {
	sqlite3_file *file, *wal; /* wal NULL: there is none, or nothing in it counts */
	uint32_t page_size;
	uint32_t count;    /* of the database */
	uint32_t page_max; /* more pages than the two files have room for are in no log */
	uint32_t *frames;  /* by page: the frame of the WAL that has it, from 1 on; 0: none */
	uint8_t *page;     /* the last one that was read */
};

static uint32_t big_endian(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int read_file(sqlite3_file *file, void *out, size_t length, uint64_t offset)
{
	return file->pMethods->xRead(file, out, (int)length, (sqlite3_int64)offset);
}

static sqlite3_file *file_of(sqlite3 *db, int which)
{
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(db, "main", which, &file) != SQLITE_OK || file == NULL || file->pMethods == NULL)
		return NULL;
	return file;
}

/* ---- the WAL ---- */

/* Goes on with a checksum over whole words, of whichever byte order the WAL is. */
static void add_checksum(bool big, const uint8_t *bytes, size_t length, uint32_t sum[2])
{
	for (size_t i = 0; i + 8 <= length; i += 8) {
		const uint8_t *b = bytes + i;
		uint32_t words[2] = {big_endian(b), big_endian(b + 4)};

		for (size_t w = 0; w < 2 && !big; w++)
			words[w] = __builtin_bswap32(words[w]);
		sum[0] += words[0] + sum[1];
		sum[1] += words[1] + sum[0];
	}
}

/* Notes that this frame has the page, instead of an earlier one. */
static int note_frame(struct pages *p, uint32_t page, uint32_t frame)
{
	if (page == 0 || page > p->page_max)
		return SQLITE_CORRUPT;
	if (p->frames == NULL)
		p->frames = calloc((size_t)p->page_max + 1, sizeof(*p->frames));
	if (p->frames == NULL)
		return SQLITE_NOMEM;
	p->frames[page] = frame;
	return SQLITE_OK;
}

/* How many pages the files have room for. */
static int find_page_max(struct pages *p)
{
	sqlite3_int64 size = 0, wal_size = 0, most;
	int result = p->file->pMethods->xFileSize(p->file, &size);

	if (result == SQLITE_OK && p->wal != NULL)
		result = p->wal->pMethods->xFileSize(p->wal, &wal_size);
	most = (size + wal_size) / p->page_size;
	p->page_max = most < INT32_MAX ? (uint32_t)most : INT32_MAX;
	return result;
}

/* One pass over the frames that count; with last 0, it finds the last of them that ends a transaction. */
static int walk_wal(struct pages *p, uint32_t last, uint32_t *ended)
{
	uint8_t header[WAL_HEADER], frame[FRAME_HEADER];
	uint32_t sum[2] = {0, 0}, magic;
	sqlite3_int64 size = 0;
	int result = p->wal->pMethods->xFileSize(p->wal, &size);

	*ended = 0;
	if (result != SQLITE_OK || size < WAL_HEADER)
		return result;
	result = read_file(p->wal, header, sizeof(header), 0);
	magic = big_endian(header);
	add_checksum(magic & 1, header, 24, sum);
	if (result != SQLITE_OK || (magic & ~1u) != 0x377f0682 || big_endian(header + 8) != p->page_size ||
		sum[0] != big_endian(header + 24) || sum[1] != big_endian(header + 28))
		return result;
	for (uint32_t i = 1; last == 0 || i <= last; i++) {
		const uint64_t at = WAL_HEADER + (uint64_t)(i - 1) * (FRAME_HEADER + p->page_size);

		if (at + FRAME_HEADER + p->page_size > (uint64_t)size)
			return SQLITE_OK;
		result = read_file(p->wal, frame, sizeof(frame), at);
		if (result == SQLITE_OK)
			result = read_file(p->wal, p->page, p->page_size, at + FRAME_HEADER);
		add_checksum(magic & 1, frame, 8, sum);
		add_checksum(magic & 1, p->page, p->page_size, sum);
		if (result != SQLITE_OK || memcmp(frame + 8, header + 16, 8) != 0 || sum[0] != big_endian(frame + 16) ||
			sum[1] != big_endian(frame + 20))
			return result;
		result = last > 0 ? note_frame(p, big_endian(frame), i) : SQLITE_OK;
		if (result != SQLITE_OK)
			return result;
		if (big_endian(frame + 4) != 0) {
			*ended = i;
			p->count = big_endian(frame + 4);
		}
	}
	return SQLITE_OK;
}

/* ---- pages ---- */

static int read_page(struct pages *p, uint32_t page)
{
	const uint32_t frame = p->frames != NULL && page <= p->page_max ? p->frames[page] : 0;

	if (frame == 0)
		return read_file(p->file, p->page, p->page_size, (uint64_t)(page - 1) * p->page_size);
	return read_file(p->wal, p->page, p->page_size,
		WAL_HEADER + (uint64_t)(frame - 1) * (FRAME_HEADER + p->page_size) + FRAME_HEADER);
}

/* Finds out where all pages are, and reads the first. */
static int open_pages(struct pages *p, sqlite3 *db)
{
	uint8_t header[HEADER];
	uint32_t last = 0;
	int result;

	p->file = file_of(db, SQLITE_FCNTL_FILE_POINTER);
	p->wal = file_of(db, SQLITE_FCNTL_JOURNAL_POINTER);
	result = p->file != NULL ? read_file(p->file, header, sizeof(header), 0) : SQLITE_ERROR;
	if (result != SQLITE_OK)
		return result;
	p->page_size = (uint32_t)header[16] << 8 | header[17];
	p->page_size = p->page_size == 1 ? PAGE_SIZE_MAX : p->page_size;
	p->count = big_endian(header + 28);
	if (p->page_size < PAGE_SIZE_MIN || (p->page_size & (p->page_size - 1)) != 0)
		return SQLITE_CORRUPT;
	p->page = malloc(p->page_size);
	if (p->page == NULL)
		return SQLITE_NOMEM;
	result = find_page_max(p);
	if (result == SQLITE_OK && p->wal != NULL)
		result = walk_wal(p, 0, &last);
	if (result == SQLITE_OK && last > 0)
		result = walk_wal(p, last, &last);
	return result == SQLITE_OK ? read_page(p, 1) : result;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* A page of the list itself: behind its entries are zeros, or numbers of pages that it once had. */
static bool is_clean_trunk(const struct pages *p, uint32_t entries)
{
	for (size_t i = 8 + (size_t)entries * 4; i + 4 <= p->page_size; i += 4)
		if (big_endian(p->page + i) > p->count)
			return false;
	return true;
}

/* ---- the list of free pages ---- */

struct free_list {
	uint32_t left;    /* pages that it can still have, or it runs in a circle */
	uint32_t filled;  /* pages that hold something */
	uint32_t example; /* one of them */
};

static void note_page(struct free_list *list, uint32_t page, bool clean)
{
	if (!clean && list->filled++ == 0)
		list->example = page;
}

/* The page of the list that was read, and the free pages that it names. *next: 0 at the end. */
static int walk_trunk(struct pages *p, struct free_list *list, uint32_t trunk, uint32_t *next)
{
	const uint32_t entries = big_endian(p->page + 4);
	uint8_t *numbers;
	int result = SQLITE_OK;

	if (entries > p->page_size / 4 - 2 || entries >= list->left)
		return SQLITE_CORRUPT;
	list->left -= entries + 1;
	note_page(list, trunk, is_clean_trunk(p, entries));
	*next = big_endian(p->page);
	numbers = malloc((size_t)entries * 4 + 1);
	if (numbers == NULL)
		return SQLITE_NOMEM;
	memcpy(numbers, p->page + 8, (size_t)entries * 4);
	for (uint32_t i = 0; i < entries && result == SQLITE_OK; i++) {
		const uint32_t page = big_endian(numbers + (size_t)i * 4);

		result = page == 0 || page > p->count ? SQLITE_CORRUPT : read_page(p, page);
		if (result == SQLITE_OK)
			note_page(list, page, is_zero(p->page, p->page_size));
	}
	free(numbers);
	return result;
}

static int walk_list(struct lf_derived *check, struct pages *p, struct free_list *list)
{
	int result = SQLITE_OK;
	uint32_t trunk = big_endian(p->page + 32);

	list->left = p->count;
	while (trunk != 0 && result == SQLITE_OK) {
		if (check->go_on != NULL && !check->go_on(check->context))
			return SQLITE_INTERRUPT;
		result = trunk > p->count ? SQLITE_CORRUPT : read_page(p, trunk);
		if (result == SQLITE_OK)
			result = walk_trunk(p, list, trunk, &trunk);
	}
	return result;
}

enum lf_code lf_derived_free_pages(struct lf_derived *check)
{
	struct pages pages = {.file = NULL};
	struct free_list list = {.filled = 0};
	sqlite3_int64 size = 0;
	int result = lf_sqlite_begin_reading(check->reader);

	if (result == SQLITE_OK) /* SQLite opens the WAL when something is read */
		result = sqlite3_exec(check->reader->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = open_pages(&pages, check->reader->db);
	if (result == SQLITE_OK)
		result = walk_list(check, &pages, &list);
	if (list.filled > 0)
		lf_derived_find(check,
			"%u free pages hold what another program deleted (page %u is one): erased people may be in "
			"them; a vacuum overwrites them",
			list.filled, list.example);
	if (result == SQLITE_OK && pages.frames == NULL)
		result = pages.file->pMethods->xFileSize(pages.file, &size);
	if (size > (sqlite3_int64)pages.count * pages.page_size)
		lf_derived_find(check, "the file goes on behind its last page: %lld bytes were put there",
			(long long)size - (long long)pages.count * pages.page_size);
	lf_sqlite_end_reading(check->reader);
	free(pages.frames);
	free(pages.page);
	if (result == SQLITE_INTERRUPT)
		return lf_error_set(check->error, LF_CANCELLED, "the check was ended");
	if (result == SQLITE_NOMEM)
		return lf_error_set(check->error, LF_UNAVAILABLE, "out of memory");
	if (result != SQLITE_OK)
		lf_derived_find(check, "the list of free pages is damaged: %s", sqlite3_errstr(result));
	return LF_OK;
}
