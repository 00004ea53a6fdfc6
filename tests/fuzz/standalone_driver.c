/*
 * Runs a fuzz target over files, where there is no libFuzzer: fuzz_NAME FILE-OR-DIRECTORY...
 * So each build replays the corpus, and a finding stays found.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static int run_file(const char *path, size_t *count)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	struct stat status;
	size_t length;

	if (file == NULL || fstat(fileno(file), &status) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		if (file != NULL)
			fclose(file);
		return 1;
	}
	/* Of its exact size, so that a sanitizer sees a read past the end. */
	data = malloc(status.st_size > 0 ? (size_t)status.st_size : 1);
	if (data == NULL) {
		fclose(file);
		return 1;
	}
	length = fread(data, 1, (size_t)status.st_size, file);
	fclose(file);
	if (length == (size_t)status.st_size) {
		LLVMFuzzerTestOneInput(data, length);
		(*count)++;
	}
	free(data);
	return length != (size_t)status.st_size;
}

static int run_directory(const char *path, size_t *count)
{
	DIR *directory = opendir(path);
	int failed = 0;

	if (directory == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		failed |= run_file(name, count);
	}
	closedir(directory);
	return failed;
}

int main(int argc, char **argv)
{
	size_t count = 0;
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		struct stat status;

		if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
			failed |= run_directory(argv[i], &count);
		else
			failed |= run_file(argv[i], &count);
	}
	printf("%zu inputs\n", count);
	/* An empty corpus tests nothing: that is a mistake, not a success. */
	return failed != 0 || count == 0;
}
