#include "service/daemon/options.h"

#include <string.h>

#include "proto/base/limits.h"
#include "service/offline/command_line.h"

static const char usage[] =
	"Usage: leadfitd --db FILE [--listen URL]... [--http ADDRESS]... [--rubric FILE]... [--tokens FILE] "
	"[OPTION]...\n"
	"       leadfitd init --db URL --key FILE [OPTION]...\n"
	"       leadfitd copy --from LOCATION --to LOCATION\n"
	"       leadfitd key --db FILE [--key FILE]\n"
	"       leadfitd verify --db FILE [--checkpoint PATH]... [--key KEY]\n"
	"       leadfitd restore --db FILE --from BACKUP [--checkpoint PATH]... [--key KEY]\n"
	"Answers who should lead a project, and keeps every answer in a decision log.\n"
	"\n"
	"  --db FILE       decision log (SQLite), created where absent; one service a file\n"
	"  --db URL        decision log in PostgreSQL (postgres://...), made by 'leadfitd init'; any\n"
	"                  number of services share it. --key and --checkpoints are required\n"
	"  --keeper-db URL the same log as the role that may erase and prune: without it this service\n"
	"                  refuses both, where the log is in PostgreSQL\n"
	"  --accept-asynchronous   of a server without a synchronous standby: a failover may lose\n"
	"                  what was acknowledged last\n"
	"  --listen URL    tcp://HOST:PORT or ipc://PATH; several are allowed\n"
	"                  (default tcp://127.0.0.1:7460)\n"
	"  --http ADDRESS  HOST:PORT or unix:PATH: the same services over HTTP (gRPC, gRPC-Web,\n"
	"                  Connect); several are allowed (default: none)\n"
	"  --allow-origin ORIGIN   pages of this origin may call, as in https://hr.example.com; several\n"
	"                  are allowed (default: pages of no other origin)\n"
	"  --rubric FILE   store this rubric; the first one of a log without a default rubric\n"
	"                  becomes active and the default; several are allowed\n"
	"                  (default, for a log without any rubric: the built-in tech-lead)\n"
	"  --tokens FILE   callers and their roles; without it only loopback and ipc are served\n"
	"  --tls-certificate FILE  serve HTTP over TLS: PEM, the service's certificate, then those\n"
	"                  that lead from it to a root\n"
	"  --tls-key FILE  its private key (default: in the certificate's file)\n"
	"  --tls-client-ca FILE    ask clients for a certificate, signed by one of these; lines\n"
	"                  cert:NAME ROLES of the tokens file say what each may do\n"
	"  --tls-client-required   refuse clients without one\n"
	"  --publish URL   tell who listens there that there are new decisions: sequence numbers,\n"
	"                  nothing else (leadfit decisions watch --publish URL)\n"
	"  --backups DIR   where Keeping/Backup may make files (default: nowhere, and it is refused)\n"
	"  --workers N     worker threads (default: one for each processor that it may use)\n"
	"  --connections N connections over tcp:// (default 64; each may take 4 MiB while a message\n"
	"                  arrives); local sockets have 1024 of their own\n"
	"  --connections-per-address N   of these from one address (default 16)\n"
	"  --log FORMAT    text or json, one line an event on standard error\n"
	"                  (default: text on a terminal, else json)\n"
	"  --log-level LEVEL       debug, info, warning or error, and what is above it (default: info)\n"
	"  --log-requests  a line for each request; without it, for those that fail, are denied, or take\n"
	"                  above 250 ms\n"
	"  --core-dumps    allow core dumps and debuggers: they see keys, tokens and people\n"
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
	"SIGHUP reads the tokens file and the files of --tls-... again.\n"
	"See leadfitd(8).\n";

/* Options that need others. NULL, or what is wrong. */
static const char *complete_tls(struct lf_daemon_options *o)
{
	if (o->tls_client_required && o->tls_client_ca == NULL)
		return "--tls-client-required needs --tls-client-ca FILE, which says whose certificates count";
	if (o->tls_certificate == NULL)
		return o->tls_key != NULL || o->tls_client_ca != NULL
			? "--tls-key and --tls-client-ca need --tls-certificate FILE"
			: NULL;
	if (o->tls_key == NULL)
		o->tls_key = o->tls_certificate;
	if (o->http_count == 0)
		return "--tls-certificate needs --http HOST:PORT, which it is for";
	if (o->tls_client_ca != NULL && o->tokens == NULL)
		return "--tls-client-ca needs --tokens FILE: its lines cert:NAME ROLES say who may call";
	return NULL;
}

/* What is beside a file has no place beside a database. NULL, or what is wrong. */
static const char *check_database(struct lf_daemon_options *o)
{
	o->seal.shared = lf_command_line_is_database(o->database);
	if (o->seal.shared && o->seal.key == NULL)
		return "--key FILE is required where --db is a database: leadfitd init makes it, and every service "
		       "gets the same";
	if (o->seal.shared && o->seal.checkpoints == NULL)
		return "--checkpoints PATH is required where --db is a database";
	if (!o->seal.shared && o->keeper != NULL)
		return "--keeper-db is about a database, and --db is a file, which has no roles";
	if (!o->seal.shared && o->accept_asynchronous)
		return "--accept-asynchronous is about a database, and --db is a file";
	return NULL;
}

int lf_daemon_options_read(struct lf_daemon_options *o, int argc, char **argv)
{
	unsigned long every = 0, seconds = 0;
	static const char *const formats[] = {"text", "json", NULL};
	static const char *const levels[] = {"debug", "info", "warning", "error", NULL};
	int format = -1, level = LF_LEVEL_INFO;
	const struct lf_command_line_option table[] = {
		{.name = "db", .text = &o->database},
		{.name = "keeper-db", .text = &o->keeper},
		{.name = "accept-asynchronous", .flag = &o->accept_asynchronous},
		{.name = "listen", .list = o->listen, .count = &o->listen_count, .max = LF_LISTEN_MAX},
		{.name = "http", .list = o->http, .count = &o->http_count, .max = LF_LISTEN_MAX},
		{.name = "allow-origin", .list = o->origins, .count = &o->origin_count, .max = LF_ORIGINS_MAX},
		{.name = "rubric", .list = o->rubrics, .count = &o->rubric_count, .max = LF_RUBRIC_FILES_MAX},
		{.name = "tokens", .text = &o->tokens},
		{.name = "tls-certificate", .text = &o->tls_certificate},
		{.name = "tls-key", .text = &o->tls_key},
		{.name = "tls-client-ca", .text = &o->tls_client_ca},
		{.name = "tls-client-required", .flag = &o->tls_client_required},
		{.name = "publish", .text = &o->publish},
		{.name = "backups", .text = &o->backups},
		{.name = "workers", .number = &o->workers, .low = 1, .high = 64},
		{.name = "connections", .number = &o->connections, .low = 1, .high = LF_CONNECTIONS_MAX},
		{.name = "connections-per-address",
			.number = &o->address_connections,
			.low = 1,
			.high = LF_CONNECTIONS_MAX},
		{.name = "log", .choice = &format, .choices = formats},
		{.name = "log-level", .choice = &level, .choices = levels},
		{.name = "log-requests", .flag = &o->log_requests},
		{.name = "core-dumps", .flag = &o->core_dumps},
		{.name = "key", .text = &o->seal.key},
		{.name = "origin", .text = &o->seal.origin},
		{.name = "checkpoints", .text = &o->seal.checkpoints},
		{.name = "checkpoint-every", .number = &every, .low = 1, .high = 1000000000},
		{.name = "checkpoint-seconds", .number = &seconds, .low = 1, .high = 86400},
		{.name = "accept-rewound", .flag = &o->seal.accept_rewound},
	};
	const struct lf_command_line line = {"", usage, table, sizeof(table) / sizeof(table[0])};
	const char *wrong;
	int status;

	*o = (struct lf_daemon_options){.database = NULL};
	status = lf_command_line_read(&line, argc, argv);
	if (status >= 0)
		return status;
	if (o->database == NULL)
		return lf_command_line_refuse(&line, "--db FILE is required");
	status = lf_command_line_database(&line, &o->database);
	if (status >= 0)
		return status;
	wrong = check_database(o);
	if (wrong != NULL)
		return lf_command_line_refuse(&line, wrong);
	if (o->origin_count != 0 && o->http_count == 0)
		return lf_command_line_refuse(&line, "--allow-origin is about --http ADDRESS, which is missing");
	wrong = complete_tls(o);
	if (wrong != NULL)
		return lf_command_line_refuse(&line, wrong);
	if (o->connections == 0)
		o->connections = LF_TCP_CONNECTIONS;
	if (o->address_connections == 0)
		o->address_connections = LF_ADDRESS_CONNECTIONS;
	o->events.format = format < 0 ? LF_EVENTS_BY_TERMINAL : format == 0 ? LF_EVENTS_TEXT : LF_EVENTS_JSON;
	o->events.level = (enum lf_event_level)level;
	o->seal.database = o->database;
	o->seal.every = every;
	o->seal.seconds = (unsigned)seconds;
	if (o->listen_count == 0)
		o->listen[o->listen_count++] = "tcp://127.0.0.1:7460";
	return -1;
}
