#include "service/offline/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/check.h"
#include "proto/base/harmless.h"
#include "storage/backends/backends.h"

enum { OPTIONS_MAX = 32, HELP = 256, VERSION, FIRST }; /* what getopt_long() returns: beyond every character */

static int say_where_help_is(const struct lf_command_line *line)
{
	fprintf(stderr, "Try 'leadfitd%s%s --help'.\n", *line->name != '\0' ? " " : "", line->name);
	return 2;
}

int lf_command_line_refuse(const struct lf_command_line *line, const char *what)
{
	lf_print_line(stderr, "leadfitd: %s", what);
	return say_where_help_is(line);
}

int lf_command_line_database(const struct lf_command_line *line, const char **database)
{
	struct lf_error error = LF_ERROR_INIT;
	char said[sizeof(error.message) + 8];
	int status = -1;

	if (lf_backend_by_url(*database, database, &error) == NULL) {
		snprintf(said, sizeof(said), "--db: %s", error.message);
		status = lf_command_line_refuse(line, said);
	}
	lf_error_clean_up(&error);
	return status;
}

bool lf_command_line_is_database(const char *location)
{
	return strncmp(location, "postgres:", 9) == 0 || strncmp(location, "postgresql:", 11) == 0;
}

char *lf_command_line_location(const char *location, bool asynchronous)
{
	char *said;

	if (!asynchronous)
		return strdup(location);
	if (asprintf(&said, "%s%cleadfit_asynchronous=accept", location, strchr(location, '?') != NULL ? '&' : '?') < 0)
		return NULL;
	return said;
}

int lf_command_line_printed(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* Where what came before has failed, its reason is gone: the next byte tells it again. */
	if (errno == 0 && write(STDOUT_FILENO, "\n", 1) == 1)
		errno = EIO;
	lf_print_line(stderr, "leadfitd: standard output can't be written: %s", strerror(errno != 0 ? errno : EIO));
	return status != 0 ? status : 3;
}

static bool read_number(const struct lf_command_line_option *option, const char *text)
{
	char *end;

	errno = 0;
	*option->number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *option->number >= option->low &&
		*option->number <= option->high)
		return true;
	lf_print_line(stderr, "leadfitd: --%s %s: allowed are %lu..%lu", option->name, text, option->low, option->high);
	return false;
}

static bool read_choice(const struct lf_command_line_option *option, const char *text)
{
	char allowed[128] = "";

	for (int i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(option->choices[i], text) == 0) {
			*option->choice = i;
			return true;
		}
		snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), "%s%s", i > 0 ? ", " : "",
			option->choices[i]);
	}
	lf_print_line(stderr, "leadfitd: --%s %s: allowed are %s", option->name, text, allowed);
	return false;
}

/* false: it is said why not. argument is NULL for a flag. again: the option was taken before. */
static bool take(const struct lf_command_line_option *option, const char *argument, bool again)
{
	if (again && option->list == NULL) {
		fprintf(stderr, "leadfitd: --%s is given twice\n", option->name);
		return false;
	}
	if (argument != NULL && *argument == '\0') {
		fprintf(stderr, "leadfitd: --%s is empty (a variable that is not set?)\n", option->name);
		return false;
	}
	if (option->text != NULL) {
		*option->text = argument;
	} else if (option->number != NULL) {
		return read_number(option, argument);
	} else if (option->choice != NULL) {
		return read_choice(option, argument);
	} else if (option->flag != NULL) {
		*option->flag = true;
	} else if (*option->count == option->max) {
		lf_print_line(stderr, "leadfitd: --%s is given more than %zu times", option->name, option->max);
		return false;
	} else {
		option->list[(*option->count)++] = argument;
	}
	return true;
}

static void fill_table(const struct lf_command_line *line, struct option table[OPTIONS_MAX + 3])
{
	size_t i;

	for (i = 0; i < line->option_count; i++)
		table[i] = (struct option){line->options[i].name,
			line->options[i].flag != NULL ? no_argument : required_argument, NULL, FIRST + (int)i};
	table[i++] = (struct option){"help", no_argument, NULL, HELP};
	if (*line->name == '\0')
		table[i++] = (struct option){"version", no_argument, NULL, VERSION};
	table[i] = (struct option){NULL, 0, NULL, 0};
}

int lf_command_line_read(const struct lf_command_line *line, int argc, char **argv)
{
	static char program[] = "leadfitd";
	struct option table[OPTIONS_MAX + 3];
	bool taken[OPTIONS_MAX] = {false};
	int option;

	LF_CHECK(H8, line->option_count <= OPTIONS_MAX);
	fill_table(line, table);
	argv[0] = program;
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == HELP) {
			fputs(line->usage, stdout);
			return lf_command_line_printed(0);
		}
		if (option == VERSION) {
			printf("leadfitd %s\n", LF_VERSION);
			return lf_command_line_printed(0);
		}
		if (option < FIRST)
			return say_where_help_is(line);
		option -= FIRST;
		if (!take(&line->options[option], line->options[option].flag != NULL ? NULL : optarg, taken[option]))
			return 2;
		taken[option] = true;
	}
	if (optind < argc) {
		lf_print_line(stderr, "leadfitd: unexpected argument %s", argv[optind]);
		return say_where_help_is(line);
	}
	return -1;
}
