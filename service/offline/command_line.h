/* Command lines of leadfitd and its subcommands: a table of options each, read by one function. */
#ifndef LF_SERVICE_OFFLINE_COMMAND_LINE_H
#define LF_SERVICE_OFFLINE_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* One --name. Exactly one of text, list, number, choice and flag is set: it says what the option takes, and where that goes. */
struct lf_command_line_option {
	const char *name;      /* without the dashes */
	const char **text;     /* an argument */
	const char **list;     /* an argument each time it is given, at most max of them */
	size_t *count, max;    /* of list */
	unsigned long *number; /* a whole number of low..high */
	unsigned long low, high;
	int *choice; /* one of choices, counted from 0; NULL ends them */
	const char *const *choices;
	bool *flag; /* no argument: becomes true */
};

struct lf_command_line {
	const char *name;  /* of the subcommand; "" = of leadfitd itself, which has --version, too */
	const char *usage; /* printed for --help */
	const struct lf_command_line_option *options;
	size_t option_count;
};

/*
 * Reads the arguments into where the options say; argv's texts are borrowed. Returns -1 to go on, or the exit status: 0
 * after --help or --version (3 where they can't be printed), 2 after a mistake, which is said on standard error. An
 * empty argument is a mistake, and so is an option given twice that is no list: which of the two is meant? argv[0] is
 * replaced: getopt_long() puts it before what it says. Uses getopt's global state: once a process, before there are
 * threads.
 */
int lf_command_line_read(const struct lf_command_line *line, int argc, char **argv);
/* Whether a location is a log in a database, which several services share; else it is a file's. */
bool lf_command_line_is_database(const char *location);
/* The location to open, to be freed: a database's says whether one without a synchronous standby will do. NULL: no memory. */
char *lf_command_line_location(const char *location, bool asynchronous);
/*
 * The end of a command that printed something: the exit status, or 3 where that was 0 and standard output did not take all
 * of it, which is said on standard error in any case.
 */
int lf_command_line_printed(int status);
/* Says "leadfitd: WHAT" and where help is, on standard error. Returns 2, the exit status. */
int lf_command_line_refuse(const struct lf_command_line *line, const char *what);
/*
 * *database is what --db was given: becomes the location that lf_backend_by_url() finds in it, which is what files beside
 * the log go by. -1, or the exit status where there is no such kind of log, and that was said.
 */
int lf_command_line_database(const struct lf_command_line *line, const char **database);

#endif
