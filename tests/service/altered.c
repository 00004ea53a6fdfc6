#include <sqlite3.h>
#include <unistd.h>

#include "service/offline/commands.h"
#include "storage/tlog/note.h"
#include "tests/service/altered.h"

void file_copy(const char *from, const char *to)
{
	size_t length;
	uint8_t *data = file_read(from, &length);

	assert_non_null(data);
	file_write(to, data, length);
	free(data);
}

int64_t sql_run(const char *file, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	int64_t value = 0;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	for (const char *rest = sql; *rest != '\0';) {
		int result;

		if (sqlite3_prepare_v2(db, rest, -1, &statement, &rest) != SQLITE_OK)
			fail_msg("%s: %s", sql, sqlite3_errmsg(db));
		result = SQLITE_DONE;
		while (statement != NULL && (result = sqlite3_step(statement)) == SQLITE_ROW)
			value = sqlite3_column_int64(statement, 0);
		if (result != SQLITE_DONE)
			fail_msg("%s: %s", sql, sqlite3_errmsg(db));
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
	return value;
}

int verify_run(
	const struct place *place, const char *file, const char *checkpoint, const char *key, char *output, size_t size)
{
	const char *const texts[] = {"verify", "--db", file, "--checkpoint", checkpoint != NULL ? checkpoint : "",
		"--key", key != NULL ? key : ""};
	char copies[7][LF_KEY_TEXT_MAX], *argv[8] = {NULL}, path[96];
	const int count = checkpoint != NULL ? 7 : 3;
	size_t length;
	int kept, status;
	uint8_t *data;

	for (int i = 0; i < count; i++) {
		snprintf(copies[i], sizeof(copies[i]), "%s", texts[i]);
		argv[i] = copies[i];
	}
	snprintf(path, sizeof(path), "%s/output", place->folder);
	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	assert_non_null(freopen(path, "w", stdout));
	optind = 0;
	status = lf_verify_command(count, argv);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	data = file_read(path, &length);
	snprintf(output, size, "%.*s", (int)length, (const char *)data);
	free(data);
	return status;
}

bool output_has_line(const char *output, const char *begin, const char *text, bool first)
{
	char line[1024];

	for (const char *at = output; *at != '\0'; at += at[0] == '\n') {
		const size_t length = strcspn(at, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)length, at);
		if (strncmp(line, begin, strlen(begin)) == 0 && strstr(line, text) != NULL)
			return true;
		if (first)
			return false;
		at += length;
	}
	return false;
}
