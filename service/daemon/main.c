/*
 * leadfitd: opens the log, loads rubrics, listens, and waits for a signal.
 *
 * Exit status: 0 after SIGTERM or SIGINT; else as the CLI's (README.md): 2 usage or a bad file, 3 unavailable (also
 * after the log failed, or nng got stuck: whoever supervises it starts it again, and it reads what is on disk), 4
 * refused.
 */
#include <errno.h>
#include <getopt.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/limits.h"
#include "service/offline/commands.h"
#include "service/daemon/services.h"
#include "service/state/registry.h"
#include "service/state/state.h"
#include "service/rpc/nng/publish.h"
#include "service/seal/key.h"
#include "service/rubric/file.h"
#include "service/seal/seal.h"
#include "service/state/team_cache.h"
#include "service/rpc/tokens.h"

enum { LISTEN_MAX = 16, RUBRIC_MAX = 64, DRAIN_MS = 2000, TEAM_CACHE_BYTES = 16 * 1024 * 1024 };

struct options {
	const char *database;
	const char *listen[LISTEN_MAX];
	size_t listen_count;
	const char *rubrics[RUBRIC_MAX];
	size_t rubric_count;
	const char *tokens;
	const char *publish;
	size_t workers;
	struct lf_seal_options seal;
};

struct daemon {
	struct lf_publisher *publisher;
	struct lf_log *log;
	struct lf_seal seal;
	struct lf_registry *registry;
	struct lf_team_cache *teams;
	struct lf_tokens *tokens;
	struct lf_rpc_server *server;
	struct lf_state state;
	struct lf_daemon_services services;
	bool state_ready;
};

static const char usage[] =
	"Usage: leadfitd --db FILE [--listen URL]... [--rubric FILE]... [--tokens FILE] [OPTION]...\n"
	"       leadfitd key --db FILE [--key FILE]\n"
	"       leadfitd verify --db FILE [--checkpoint PATH]... [--key KEY]\n"
	"       leadfitd restore --db FILE --from BACKUP [--checkpoint PATH]... [--key KEY]\n"
	"Answers who should lead a project, and keeps every answer in a decision log.\n"
	"\n"
	"  --db FILE       decision log (SQLite), created where absent; one service a file\n"
	"  --listen URL    tcp://HOST:PORT or ipc://PATH; several are allowed\n"
	"                  (default tcp://127.0.0.1:7460)\n"
	"  --rubric FILE   store this rubric, and activate it where its name has no active\n"
	"                  version; several are allowed\n"
	"  --tokens FILE   callers and their roles; without it only loopback and ipc are served\n"
	"  --publish URL   tell who listens there that there are new decisions: sequence numbers,\n"
	"                  nothing else (leadfit decisions watch --publish URL)\n"
	"  --workers N     worker threads (default: one a processor)\n"
	"\n"
	"Evidence ('key' prints the verifier key; 'verify' and 'restore' have a --help of their own):\n"
	"  --key FILE      signing key, made where absent (default: the log's name and .key)\n"
	"  --origin NAME   name of a key that is made, such as example.com/leadfit\n"
	"                  (default: leadfit/ and random digits)\n"
	"  --checkpoints PATH      where signed checkpoints are written: a directory, or a file that is\n"
	"                          there or ends in .checkpoint (default: the log's name and .checkpoints)\n"
	"  --checkpoint-every N    one whenever the log has grown by N records (default 10000)\n"
	"  --checkpoint-seconds T  or T seconds after the last one, if it has grown (default 60)\n"
	"  --accept-rewound        start though the log is not the one that was signed, and keep the\n"
	"                          checkpoints aside\n"
	"\n"
	"  --version       print the version\n"
	"  --help          print this\n"
	"\n"
	"SIGTERM or SIGINT ends it after the requests that are in have been answered.\n"
	"See leadfitd(8).\n";

/* A whole number of low..high. */
static bool read_number(
	const char *option, const char *text, unsigned long low, unsigned long high, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *number >= low && *number <= high)
		return true;
	fprintf(stderr, "leadfitd: %s %s: allowed are %lu..%lu\n", option, text, low, high);
	return false;
}

static int say(const struct lf_error *error)
{
	fprintf(stderr, "leadfitd: %s\n", error->message);
	for (size_t i = 1; i < error->violation_kept; i++)
		fprintf(stderr, "leadfitd: %s: %s\n", error->violations[i].field, error->violations[i].description);
	return lf_code_exit_status(error->code);
}

/* Exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{"db", required_argument, NULL, 'd'},
		{"listen", required_argument, NULL, 'l'},
		{"rubric", required_argument, NULL, 'r'},
		{"tokens", required_argument, NULL, 't'},
		{"publish", required_argument, NULL, 'p'},
		{"workers", required_argument, NULL, 'w'},
		{"key", required_argument, NULL, 'k'},
		{"origin", required_argument, NULL, 'o'},
		{"checkpoints", required_argument, NULL, 'c'},
		{"checkpoint-every", required_argument, NULL, 'e'},
		{"checkpoint-seconds", required_argument, NULL, 's'},
		{"accept-rewound", no_argument, NULL, 'a'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	unsigned long number;
	int option;

	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (option) {
		case 'd':
			options->database = optarg;
			break;
		case 'l':
			if (options->listen_count == LISTEN_MAX) {
				fprintf(stderr, "leadfitd: --listen stands more than %d times\n", LISTEN_MAX);
				return 2;
			}
			options->listen[options->listen_count++] = optarg;
			break;
		case 'r':
			if (options->rubric_count == RUBRIC_MAX) {
				fprintf(stderr, "leadfitd: --rubric stands more than %d times\n", RUBRIC_MAX);
				return 2;
			}
			options->rubrics[options->rubric_count++] = optarg;
			break;
		case 't':
			options->tokens = optarg;
			break;
		case 'p':
			options->publish = optarg;
			break;
		case 'w':
			if (!read_number("--workers", optarg, 1, 64, &number))
				return 2;
			options->workers = number;
			break;
		case 'k':
			options->seal.key = optarg;
			break;
		case 'o':
			options->seal.origin = optarg;
			break;
		case 'c':
			options->seal.checkpoints = optarg;
			break;
		case 'e':
			if (!read_number("--checkpoint-every", optarg, 1, 1000000000, &number))
				return 2;
			options->seal.every = number;
			break;
		case 's':
			if (!read_number("--checkpoint-seconds", optarg, 1, 86400, &number))
				return 2;
			options->seal.seconds = (unsigned)number;
			break;
		case 'a':
			options->seal.accept_rewound = true;
			break;
		case 'V':
			printf("leadfitd %s\n", LF_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("Try 'leadfitd --help'.\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "leadfitd: unexpected argument %s\nTry 'leadfitd --help'.\n", argv[optind]);
		return 2;
	}
	if (options->database == NULL) {
		fputs("leadfitd: --db FILE is required\nTry 'leadfitd --help'.\n", stderr);
		return 2;
	}
	options->seal.database = options->database;
	if (options->listen_count == 0)
		options->listen[options->listen_count++] = "tcp://127.0.0.1:7460";
	return -1;
}

/* On the log's writer thread: nothing can be promised any more. The main thread ends the service. */
static void log_failed(void *context, const struct lf_error *error)
{
	(void)context;
	fprintf(stderr, "leadfitd: the decision log has failed: %s\n", error->message);
	kill(getpid(), SIGUSR1);
}

/* While lf_log_open() migrates: a line for each tenth. */
static void log_migrating(void *context, uint64_t done, uint64_t total)
{
	uint64_t *tenths = context; /* told, and one for the beginning */
	const uint64_t now = total == 0 ? 10 : done * 10 / total;

	if (done == 0 && *tenths == 0)
		fprintf(stderr,
			"leadfitd: the decision log is of an older release: giving it its tree (%llu decisions)\n",
			(unsigned long long)total);
	else if (now >= *tenths)
		fprintf(stderr, "leadfitd: migrated %llu of %llu decisions\n", (unsigned long long)done,
			(unsigned long long)total);
	else
		return;
	*tenths = now + 1;
}

/* On a thread of the RPC server: only a new process gets rid of what nng keeps. */
static void rpc_stuck(void *context)
{
	(void)context;
	fputs("leadfitd: nng lets go of no connection any more\n", stderr);
	kill(getpid(), SIGUSR1);
}

static int load_rubric(struct daemon *d, const char *path)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_version *version = NULL;
	bool added = false, activated = false;
	char *text = NULL;
	size_t length = 0;
	int status = 0;

	if (lf_rubric_file_load(&version, path, &text, &length, &error) != LF_OK ||
		lf_registry_put(d->registry, version, &(struct lf_actor){.caller = "local"}, &added, &activated,
			&error) != LF_OK) {
		lf_rubric_file_say(path, text, length, &error);
		/* Whatever is wrong with the file is bad input; only the log has failures of its own. */
		status = version == NULL || error.code == LF_FAILED_PRECONDITION ? 2 : lf_code_exit_status(error.code);
	} else {
		fprintf(stderr, "leadfitd: rubric %s %.12s from %s: %s, %s\n", version->message->name,
			version->digest_text, path, added ? "stored" : "known",
			activated ? "activated" : "active version unchanged");
		lf_rubric_file_warn(path, text, length, version);
	}
	lf_version_release(version);
	lf_error_clean_up(&error);
	free(text);
	return status;
}

/* Brings everything up. 0, or the exit status. */
static int start(struct daemon *d, const struct options *options)
{
	struct lf_error error = LF_ERROR_INIT;
	uint64_t tenths = 0;
	struct lf_log_options log_options = {.location = options->database,
		.on_failed = log_failed,
		.on_migrating = log_migrating,
		.on_migrating_context = &tenths};
	char bound[512];
	int status = 0;

	if (options->tokens != NULL && lf_tokens_load(&d->tokens, options->tokens, &error) != LF_OK)
		goto fail;
	if (options->publish != NULL) {
		if (lf_publisher_new(
			    &d->publisher, options->publish, d->tokens != NULL, bound, sizeof(bound), &error) != LF_OK)
			goto fail;
		fprintf(stderr, "leadfitd: publishing on %s\n", bound);
		log_options.on_committed = lf_publisher_note;
		log_options.on_committed_context = d->publisher;
	}
	if (lf_log_open(&d->log, &lf_sqlite_backend, &log_options, &error) != LF_OK ||
		lf_seal_open(&d->seal, d->log, &options->seal, &error) != LF_OK ||
		lf_registry_new(&d->registry, d->log, &error) != LF_OK)
		goto fail;
	for (size_t i = 0; i < options->rubric_count && status == 0; i++)
		status = load_rubric(d, options->rubrics[i]);
	if (status != 0)
		return status;
	d->teams = lf_team_cache_new(TEAM_CACHE_BYTES);
	if (d->teams == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for teams");
		goto fail;
	}
	if (lf_rpc_server_new(&d->server,
		    &(struct lf_rpc_options){.worker_count = options->workers,
			    .tokens = d->tokens,
			    .on_stuck = rpc_stuck,
			    .cache = lf_team_cache_rpc(d->teams)},
		    &error) != LF_OK)
		goto fail;
	if (lf_state_init(&d->state, d->log, d->registry, &error) != LF_OK)
		goto fail;
	d->state_ready = true;
	d->state.teams = d->teams;
	d->state.signer = &d->seal.signer;
	d->state.checkpoints = d->seal.checkpoints;
	lf_daemon_services_init(&d->services, &d->state);
	if (lf_daemon_services_add(&d->services, d->server, &error) != LF_OK)
		goto fail;
	for (size_t i = 0; i < options->listen_count; i++) {
		if (lf_rpc_server_listen(d->server, options->listen[i], bound, sizeof(bound), &error) != LF_OK)
			goto fail;
		fprintf(stderr, "leadfitd: listening on %s\n", bound);
	}
	return 0;
fail:
	status = say(&error);
	lf_error_clean_up(&error);
	return status;
}

/* Takes down what start() brought up, in reverse. */
static void stop(struct daemon *d)
{
	size_t given_up = 0;

	if (d->state_ready)
		atomic_store(&d->state.draining, true);
	if (d->server != NULL)
		given_up = lf_rpc_server_stop(d->server, DRAIN_MS);
	if (given_up > 0)
		fprintf(stderr, "leadfitd: %zu requests were given up\n", given_up);
	if (d->state_ready)
		lf_state_end_chores(&d->state);
	lf_seal_close(&d->seal);
	lf_log_close(d->log);
	lf_publisher_destroy(d->publisher);
	if (d->state_ready) {
		lf_daemon_services_clean_up(&d->services);
		lf_state_clean_up(&d->state);
	}
	lf_rpc_server_destroy(d->server);
	lf_team_cache_destroy(d->teams);
	lf_registry_destroy(d->registry);
	lf_tokens_destroy(d->tokens);
}

/*
 * A batch of whole decisions takes and returns megabytes. Returned to the system each time, they come back as page
 * faults, which cost a third of such a batch. So the free memory at a heap's end is kept, up to what all requests may
 * use together; large messages come from there, too.
 */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, LF_REQUEST_BYTES_MAX);
	mallopt(M_MMAP_THRESHOLD, 2 * LF_MESSAGE_BYTES_MAX);
#endif
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct daemon daemon = {0};
	sigset_t signals;
	int status, received = 0;

	if (argc > 1 && strcmp(argv[1], "key") == 0)
		return lf_key_command(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "verify") == 0)
		return lf_verify_command(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "restore") == 0)
		return lf_restore_command(argc - 1, argv + 1);
	status = parse_options(argc, argv, &options);
	if (status >= 0)
		return status;
	keep_memory();
	/* Blocked before any thread starts, so that only sigwait() sees them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	status = start(&daemon, &options);
	if (status == 0) {
		fputs("leadfitd: ready\n", stderr);
		while (sigwait(&signals, &received) != 0)
			continue;
		status = received == SIGUSR1 ? 3 : 0;
		fprintf(stderr, "leadfitd: %s\n", status == 0 ? "stopping" : "stopping, to be started again");
	}
	stop(&daemon);
	return status;
}
