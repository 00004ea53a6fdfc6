#include "client/term/options.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"
#include "proto/base/limits.h"
#include "proto/base/nearest.h"

enum { CANDIDATES_MAX = 64 };

const struct lf_option lf_global_options[] = {
	{"server", "URL",
		"the service: http://HOST[:PORT], https://HOST[:PORT], unix:PATH, tcp://HOST:PORT or ipc://PATH "
		"(default: "
		"LEADFIT_SERVER, else tcp://127.0.0.1:7460)",
		false},
	{"ca", "FILE", "https: trust what the certificates in FILE sign, and nothing else (default: LEADFIT_CA)",
		false},
	{"cert", "FILE", "https: this caller's certificate (default: LEADFIT_CERT)", false},
	{"cert-key", "FILE", "https: its private key, where it is not with it (default: LEADFIT_CERT_KEY)", false},
	{"token-file", "FILE", "file that holds this caller's token (default: LEADFIT_TOKEN)", false},
	{"timeout", "SECONDS", "how long a call may take, retries included (default 10)", false},
	{"output", "FORMAT", "table or json (default table); batch: json or csv (default json)", false},
	{"color", "WHEN", "auto, always or never (default auto)", false},
	{"help", NULL, "say how the command is used", true},
	{NULL, NULL, NULL, false},
};

static const struct lf_option version_option = {"version", NULL, "as the command version", true};

static const struct lf_option *find_option(const struct lf_option *options, const char *name, size_t length)
{
	for (; options != NULL && options->name != NULL; options++)
		if (strlen(options->name) == length && memcmp(options->name, name, length) == 0)
			return options;
	return NULL;
}

static bool is_given(const struct lf_arguments *arguments, const struct lf_option *option)
{
	for (size_t i = 0; i < arguments->given_count; i++)
		if (arguments->given[i].option == option)
			return true;
	return false;
}

static enum lf_code unknown_option(const struct lf_command *command, const char *name, struct lf_error *error)
{
	const char *known[CANDIDATES_MAX];
	size_t count = 0;
	const char *nearest;

	for (const struct lf_option *o = lf_global_options; o->name != NULL && count < CANDIDATES_MAX; o++)
		known[count++] = o->name;
	for (const struct lf_option *o = command == NULL ? NULL : command->options;
		o != NULL && o->name != NULL && count < CANDIDATES_MAX; o++)
		known[count++] = o->name;
	nearest = lf_nearest(name, known, count);
	return lf_error_set(error, LF_INVALID_ARGUMENT, "unknown option --%s%s%s%s", name,
		nearest == NULL ? "" : "; did you mean --", nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}

/* Reads the option at argv[*index], and its value; moves *index to its last word. */
static enum lf_code parse_option(
	struct lf_arguments *arguments, int argc, char *const *argv, int *index, struct lf_error *error)
{
	const char *word = argv[*index];
	const char *name, *value;
	size_t length;
	const struct lf_option *option;

	if (strcmp(word, "-h") == 0)
		word = "--help";
	if (strncmp(word, "--", 2) != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "unknown option %s; options are written --name", word);
	name = word + 2;
	length = strcspn(name, "=");
	option = find_option(lf_global_options, name, length);
	if (option == NULL && arguments->command != NULL)
		option = find_option(arguments->command->options, name, length);
	if (option == NULL && arguments->command == NULL && strcmp(name, "version") == 0)
		option = &version_option;
	if (option == NULL) {
		char copy[LF_ID_BYTES_MAX + 1];
		const size_t kept = length < sizeof(copy) - 1 ? length : sizeof(copy) - 1;

		memcpy(copy, name, kept);
		copy[kept] = '\0';
		return unknown_option(arguments->command, copy, error);
	}
	if (!option->many && is_given(arguments, option))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--%s is given twice", option->name);
	value = "";
	if (option->value == NULL && name[length] == '=')
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--%s takes no value", option->name);
	if (option->value != NULL && name[length] == '=') {
		value = name + length + 1;
	} else if (option->value != NULL) {
		if (*index + 1 >= argc)
			return lf_error_set(
				error, LF_INVALID_ARGUMENT, "--%s needs a value: %s", option->name, option->value);
		value = argv[++*index];
	}
	if (option->value != NULL && value[0] == '\0')
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "--%s is empty (a variable that is not set?)", option->name);
	arguments->given[arguments->given_count++] = (struct lf_given){option, value};
	return LF_OK;
}

const struct lf_command *lf_command_find(const struct lf_command *const *commands, const char *name)
{
	for (; *commands != NULL; commands++)
		if (strcmp((*commands)->name, name) == 0)
			return *commands;
	return NULL;
}

/* Whether command's name has two words of which word is the first. */
static bool in_group(const struct lf_command *command, const char *word)
{
	const size_t length = strlen(word);

	return strncmp(command->name, word, length) == 0 && command->name[length] == ' ';
}

static bool is_group(const struct lf_command *const *commands, const char *word)
{
	for (; *commands != NULL; commands++)
		if (in_group(*commands, word))
			return true;
	return false;
}

static enum lf_code unknown_command(
	const struct lf_command *const *commands, const char *group, const char *word, struct lf_error *error)
{
	const char *known[CANDIDATES_MAX];
	size_t count = 0;
	char first[CANDIDATES_MAX][32]; /* first words of two-word commands */
	const char *nearest;

	for (; *commands != NULL && count < CANDIDATES_MAX; commands++) {
		const char *name = (*commands)->name;
		const size_t length = strcspn(name, " ");

		if (group != NULL && !in_group(*commands, group))
			continue;
		if (group != NULL) {
			known[count++] = name + length + 1;
			continue;
		}
		memcpy(first[count], name, length);
		first[count][length] = '\0';
		known[count] = first[count];
		count++;
	}
	nearest = lf_nearest(word, known, count);
	return lf_error_set(error, LF_INVALID_ARGUMENT, "unknown command %s%s%s%s%s%s", group == NULL ? "" : group,
		group == NULL ? "" : " ", word, nearest == NULL ? "" : "; did you mean ",
		nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}

/* Takes a word that names the command, or its first half. */
static enum lf_code take_command(struct lf_arguments *arguments, const struct lf_command *const *commands,
	const char **group, const char *word, struct lf_error *error)
{
	if (*group == NULL) {
		arguments->command = lf_command_find(commands, word);
		if (arguments->command == NULL && is_group(commands, word))
			*group = word;
		else if (arguments->command == NULL)
			return unknown_command(commands, NULL, word, error);
		return LF_OK;
	}
	for (size_t i = 0; commands[i] != NULL; i++)
		if (in_group(commands[i], *group) && strcmp(commands[i]->name + strlen(*group) + 1, word) == 0)
			arguments->command = commands[i];
	return arguments->command == NULL ? unknown_command(commands, *group, word, error) : LF_OK;
}

static enum lf_code check_operands(const struct lf_arguments *arguments, const char *group, struct lf_error *error)
{
	const struct lf_command *command;

	if (lf_argument(arguments, "help") != NULL)
		return LF_OK;
	if (arguments->command == NULL && group != NULL)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s needs a second word; see leadfit help %s", group, group);
	command = arguments->command;
	if (command == NULL)
		return LF_OK;
	if (arguments->operand_count < command->operand_min)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s needs %s", command->name, command->operands);
	if (arguments->operand_count > command->operand_max)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: one word too many: %s", command->name,
			arguments->operands[command->operand_max]);
	for (size_t i = 0; i < arguments->operand_count; i++)
		if (arguments->operands[i][0] == '\0')
			return lf_error_set(error, LF_INVALID_ARGUMENT,
				"%s: an operand is empty (a variable that is not set?); it takes %s", command->name,
				command->operands);
	return LF_OK;
}

enum lf_code lf_arguments_parse(struct lf_arguments *arguments, const struct lf_command *const *commands, int argc,
	char *const *argv, struct lf_error *error)
{
	size_t count;
	const char *group;
	bool options_ended;

	*arguments = (struct lf_arguments){0};
	count = argc > 0 ? (size_t)argc : 1;
	arguments->given = calloc(count, sizeof(*arguments->given));
	arguments->operands = calloc(count, sizeof(*arguments->operands));
	if (arguments->given == NULL || arguments->operands == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	group = NULL;
	options_ended = false;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		enum lf_code code = LF_OK;

		if (!options_ended && strcmp(word, "--") == 0)
			options_ended = true;
		else if (!options_ended && word[0] == '-' && word[1] != '\0')
			code = parse_option(arguments, argc, argv, &i, error);
		else if (arguments->command == NULL)
			code = take_command(arguments, commands, &group, word, error);
		else
			arguments->operands[arguments->operand_count++] = word;
		if (code != LF_OK)
			return code;
	}
	if (arguments->command == NULL && group != NULL && lf_argument(arguments, "help") != NULL)
		arguments->operands[arguments->operand_count++] = group; /* whose help is asked for */
	return check_operands(arguments, group, error);
}

void lf_arguments_clean_up(struct lf_arguments *arguments)
{
	free(arguments->given);
	free(arguments->operands);
	*arguments = (struct lf_arguments){0};
}

const char *lf_argument_at(const struct lf_arguments *arguments, const char *name, size_t index)
{
	for (size_t i = 0; i < arguments->given_count; i++)
		if (strcmp(arguments->given[i].option->name, name) == 0 && index-- == 0)
			return arguments->given[i].value;
	return NULL;
}

const char *lf_argument(const struct lf_arguments *arguments, const char *name)
{
	return lf_argument_at(arguments, name, 0);
}

enum lf_code lf_argument_text(const struct lf_arguments *arguments, const char *option, char **field,
	struct lf_arena *arena, struct lf_error *error)
{
	const char *text = lf_argument(arguments, option);

	if (text == NULL)
		return LF_OK;
	*field = lf_arena_strdup(arena, text, strlen(text));
	return *field == NULL ? lf_error_set(error, LF_RESOURCE_EXHAUSTED, "--%s: is too long", option) : LF_OK;
}

enum lf_code lf_option_number(
	const char *name, const char *text, unsigned min, unsigned max, unsigned *value, struct lf_error *error)
{
	unsigned long long number = 0;
	const char *digit = text;

	for (; *digit >= '0' && *digit <= '9' && number <= max; digit++)
		number = number * 10 + (unsigned)(*digit - '0');
	if (digit == text || *digit != '\0' || number < min || number > max)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "--%s: %s is not a whole number %u..%u", name, text, min, max);
	*value = (unsigned)number;
	return LF_OK;
}

enum lf_code lf_option_choice(const char *name, const char *text, const char *const *choices, size_t count,
	size_t *index, struct lf_error *error)
{
	struct lf_buffer list = {0};
	const char *nearest;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(choices[i], text) == 0) {
			*index = i;
			lf_buffer_clean_up(&list);
			return LF_OK;
		}
		lf_buffer_append_text(&list, i == 0 ? "" : i + 1 == count ? " or " : ", ");
		lf_buffer_append_text(&list, choices[i]);
	}
	nearest = lf_nearest(text, choices, count);
	lf_error_set(error, LF_INVALID_ARGUMENT, "--%s: %s is not %s%s%s%s", name, text,
		list.data == NULL ? "known" : list.data, nearest == NULL ? "" : "; did you mean ",
		nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
	lf_buffer_clean_up(&list);
	return LF_INVALID_ARGUMENT;
}
