/* The command line: a table of commands, each with a table of options. */
#ifndef LF_CLIENT_TERM_OPTIONS_H
#define LF_CLIENT_TERM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/base/arena.h"
#include "proto/base/status.h"

struct lf_cli;
struct lf_arguments;

struct lf_option {
	const char *name;  /* without the dashes; NULL ends a table */
	const char *value; /* what the value is called in help, e.g. FILE; NULL: a flag */
	const char *help;
	bool many; /* may be given more than once */
};

struct lf_command {
	const char *name;                /* one word or two: "score", "decisions list" */
	const char *operands;            /* for the usage line, e.g. "FILE"; "" where there are none */
	const char *summary;             /* one line */
	const char *help;                /* paragraphs for --help; may be "" */
	const struct lf_option *options; /* its own ones */
	size_t operand_min, operand_max;
	/* Returns the exit status. */
	int (*run)(struct lf_cli *cli, const struct lf_arguments *arguments);
	bool writes_lines; /* --output is json or csv, never table */
};

/* Options that every command takes, before or after its name. */
extern const struct lf_option lf_global_options[];

struct lf_given {
	const struct lf_option *option;
	const char *value; /* "" for a flag */
};

/* Points into argv. */
struct lf_arguments {
	const struct lf_command *command; /* NULL: none was named (help or version was asked for, or nothing at all) */
	struct lf_given *given;
	size_t given_count;
	const char **operands;
	size_t operand_count;
};

/*
 * Reads the command line. Options are --name VALUE, --name=VALUE, --flag; -h is --help; -- ends them. INVALID_ARGUMENT
 * for anything unknown (with the nearest known one), missing, empty, given twice or left over; with --help nothing is
 * missing. So a command meets no empty value. Clean up in any case.
 */
enum lf_code lf_arguments_parse(struct lf_arguments *arguments, const struct lf_command *const *commands, int argc,
	char *const *argv, struct lf_error *error);
void lf_arguments_clean_up(struct lf_arguments *arguments);

/* Value of an option ("" for a flag), NULL where it is not given. */
const char *lf_argument(const struct lf_arguments *arguments, const char *name);
/*
 * Copies an option's value into arena, at *field, which stays where the option was not given. RESOURCE_EXHAUSTED where
 * the arena is full.
 */
enum lf_code lf_argument_text(const struct lf_arguments *arguments, const char *option, char **field,
	struct lf_arena *arena, struct lf_error *error);
/* The index-th value of an option that may be given often, NULL past the last. */
const char *lf_argument_at(const struct lf_arguments *arguments, const char *name, size_t index);

/* Whole number, min..max. */
enum lf_code lf_option_number(
	const char *name, const char *text, unsigned min, unsigned max, unsigned *value, struct lf_error *error);
/* One of the choices; *index says which. */
enum lf_code lf_option_choice(const char *name, const char *text, const char *const *choices, size_t count,
	size_t *index, struct lf_error *error);

/* The command of that name (two words: "decisions list"), or NULL. */
const struct lf_command *lf_command_find(const struct lf_command *const *commands, const char *name);
/* Appends the page that --help shows, at most so many columns wide (46..100): of a command, or of all where command is
 * NULL. */
void lf_help_print(struct lf_buffer *out, size_t columns, const struct lf_command *const *commands,
	const struct lf_command *command);
/* The same for the first word of two-word commands: "decisions". false where no command begins with it. */
bool lf_help_print_group(
	struct lf_buffer *out, size_t columns, const struct lf_command *const *commands, const char *group);

#endif
