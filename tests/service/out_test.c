/* What gets decisions out of a running service: Export, what watches it, and Backup. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/keeping.pb-c.h"
#include "proto/base/limits.h"
#include "tests/service/daemon.h"
#include "tests/lost_by_nng.h"

enum { BATCH = 200, STORED_MAX = 4000 };

static struct daemon daemon_;
static char backups[80];
static struct lf_client *client;

/* ---- helpers ---- */

/*
 * Asks, and where a read gets no answer asks again over a new connection: after a service was killed amid an answer,
 * nng 1.5.2 may never tell that the connection has gone, nor that later ones have (the holes in client/lib/link.c's
 * design notes), and a call then only ends by its deadline. What these tests are about is that nothing is missing in
 * the end.
 */
static ProtobufCMessage *call(const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, unsigned timeout_ms, struct lf_error *error)
{
	const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(service, method);
	const bool reads = strncmp(method, "Score", 5) != 0 && service != &leadfit__v1__keeping__descriptor;
	struct lf_error inner = LF_ERROR_INIT;
	ProtobufCMessage *reply = NULL;

	assert_non_null(found);
	for (int attempt = 0; reply == NULL && attempt < (reads ? 6 : 1); attempt++) {
		if (attempt > 0) {
			lf_client_destroy(client);
			client = daemon_client(&daemon_);
			lf_error_clean_up(&inner);
			lf_error_init(&inner);
		}
		reply = lf_client_call(client, service, (unsigned)(found - service->methods), request,
			&(struct lf_call_options){.timeout_ms = reads && timeout_ms > 10000 ? 10000 : timeout_ms},
			&inner);
		if (reply == NULL && inner.code != LF_DEADLINE_EXCEEDED)
			break;
	}
	if (error != NULL)
		lf_error_move(error, &inner);
	lf_error_clean_up(&inner);
	return reply;
}

/* Stores count decisions: of teams t-0..t-4, projects p-0..p-2, every fourth batch what-ifs. */
static void fill(size_t count)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ScoreBatchRequest *request = (Leadfit__V1__ScoreBatchRequest *)daemon_message(
		&leadfit__v1__score_batch_request__descriptor,
		"{teams: [{id: t-0, members: [{id: a, discipline: BACKEND}, {id: b, discipline: FRONTEND, evidence: "
		"[{criterion: interaction, rating: 4}]}]},"
		" {id: t-1, members: [{id: a, discipline: BACKEND, evidence: [{criterion: architecture, rating: 5, "
		"note: \"a \\\"note\\\"\"}]}, {id: c, discipline: DESIGN}]},"
		" {id: t-2, members: [{id: c, discipline: FULLSTACK, evidence: [{criterion: collaboration, rating: "
		"2}]}, {id: d, discipline: FULLSTACK, evidence: [{criterion: collaboration, rating: 3}]}]}],"
		" projects: [{id: p-0, traits: {interaction_focus: 0.9}}, {id: p-1, title: Second}]}");
	Leadfit__V1__BatchItem items[BATCH], *list[BATCH];

	for (size_t done = 0; done < count;) {
		size_t n = count - done < BATCH ? count - done : BATCH;
		Leadfit__V1__ScoreBatchResponse *response;

		for (size_t i = 0; i < n; i++) {
			leadfit__v1__batch_item__init(&items[i]);
			items[i].team = (uint32_t)((done + i) % 3);
			items[i].project = (uint32_t)((done + i) / 7 % 2);
			list[i] = &items[i];
		}
		request->items = list;
		request->n_items = n;
		request->purpose =
			done / BATCH % 4 == 3 ? LEADFIT__V1__PURPOSE__WHAT_IF : LEADFIT__V1__PURPOSE__DECISION;
		response = (Leadfit__V1__ScoreBatchResponse *)call(
			&leadfit__v1__scoring__descriptor, "ScoreBatch", &request->base, 60000, &error);
		if (response == NULL)
			fail_msg("%s", error.message);
		for (size_t i = 0; i < response->n_results; i++)
			if (response->results[i]->error != NULL)
				fail_msg("%s", response->results[i]->error->message);
		leadfit__v1__score_batch_response__free_unpacked(response, NULL);
		done += n;
	}
	request->items = NULL;
	request->n_items = 0;
	leadfit__v1__score_batch_request__free_unpacked(request, NULL);
}

static Leadfit__V1__ExportResponse *page(const Leadfit__V1__ExportRequest *request)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ExportResponse *response = (Leadfit__V1__ExportResponse *)call(
		&leadfit__v1__decisions__descriptor, "Export", &request->base, 60000, &error);

	if (response == NULL)
		fail_msg("%s", error.message);
	return response;
}

/* Everything, page by page. Each decision on the heap. */
struct exported {
	size_t count, pages;
	Leadfit__V1__ExportedDecision *all[STORED_MAX];
};

static struct exported *export_all(Leadfit__V1__ExportRequest request, unsigned page_max)
{
	struct exported *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	do {
		Leadfit__V1__ExportResponse *response;

		request.page_size = page_max == 0 ? 0 : 1 + (unsigned)rand() % page_max;
		response = page(&request);
		assert_true(page_max == 0 || response->n_decisions <= request.page_size);
		for (size_t i = 0; i < response->n_decisions; i++) {
			assert_true(x->count < STORED_MAX);
			x->all[x->count++] = response->decisions[i];
		}
		response->n_decisions = 0;
		request.from_sequence = response->next;
		x->pages++;
		leadfit__v1__export_response__free_unpacked(response, NULL);
	} while (request.from_sequence != 0);
	return x;
}

static void forget(struct exported *x)
{
	for (size_t i = 0; i < x->count; i++)
		leadfit__v1__exported_decision__free_unpacked(x->all[i], NULL);
	free(x);
}

static Leadfit__V1__Decision *get(char *id)
{
	Leadfit__V1__GetDecisionRequest request = LEADFIT__V1__GET_DECISION_REQUEST__INIT;
	Leadfit__V1__Decision *decision;

	request.decision_id = id;
	decision =
		(Leadfit__V1__Decision *)call(&leadfit__v1__decisions__descriptor, "Get", &request.base, 60000, NULL);
	assert_non_null(decision);
	return decision;
}

static void same_bytes(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	const size_t length = protobuf_c_message_get_packed_size(a);
	uint8_t *packed[2] = {malloc(length + 1), malloc(length + 1)};

	assert_int_equal(protobuf_c_message_get_packed_size(b), length);
	protobuf_c_message_pack(a, packed[0]);
	protobuf_c_message_pack(b, packed[1]);
	assert_memory_equal(packed[0], packed[1], length);
	free(packed[0]);
	free(packed[1]);
}

static int set_up(void **state)
{
	(void)state;
	daemon_init(&daemon_);
	snprintf(backups, sizeof(backups), "%s/backups", daemon_.directory);
	assert_int_equal(mkdir(backups, 0700), 0);
	daemon_.more[0] = "--backups";
	daemon_.more[1] = backups;
	daemon_start(&daemon_);
	client = daemon_client(&daemon_);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lf_client_destroy(client);
	if (daemon_.pid != 0)
		daemon_stop(&daemon_);
	daemon_clean_up(&daemon_);
	return 0;
}

/* ---- Export ---- */

static void an_empty_log_exports_nothing(void **state)
{
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;

	(void)state;
	for (int i = 0; i < 4; i++) {
		Leadfit__V1__ExportResponse *response;

		request.newest_first = i & 1;
		request.from_sequence = i > 1 ? 7 : 0;
		response = page(&request);
		assert_int_equal(response->n_decisions, 0);
		assert_int_equal(response->next, 0);
		assert_int_equal(response->newest_sequence, 0);
		leadfit__v1__export_response__free_unpacked(response, NULL);
	}
}

static void every_decision_comes_once_in_order_and_as_get_gives_it(void **state)
{
	enum { COUNT = 900 };
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	struct exported *rising, *paged, *falling, *brief;

	(void)state;
	fill(COUNT);
	rising = export_all(request, 0);
	paged = export_all(request, 50);
	request.newest_first = true;
	falling = export_all(request, 300);
	request.newest_first = false;
	request.brief = true;
	brief = export_all(request, 0);
	assert_int_equal(rising->count, COUNT);
	assert_int_equal(paged->count, COUNT);
	assert_int_equal(falling->count, COUNT);
	assert_int_equal(brief->count, COUNT);
	assert_true(paged->pages > 10);
	for (size_t i = 0; i < COUNT; i++) {
		const Leadfit__V1__Decision *columns = brief->all[i]->decision;
		Leadfit__V1__Decision *whole = rising->all[i]->decision;
		Leadfit__V1__Decision *got;

		assert_int_equal(rising->all[i]->sequence, i + 1);
		same_bytes(&rising->all[i]->base, &paged->all[i]->base);
		same_bytes(&rising->all[i]->base, &falling->all[COUNT - 1 - i]->base);
		got = get(whole->decision_id);
		same_bytes(&got->base, &whole->base);
		leadfit__v1__decision__free_unpacked(got, NULL);
		assert_int_equal(brief->all[i]->sequence, i + 1);
		assert_string_equal(columns->decision_id, whole->decision_id);
		same_bytes(&columns->decided_at->base, &whole->decided_at->base);
		assert_string_equal(columns->team->id, whole->team->id);
		assert_string_equal(columns->project->id, whole->project->id);
		same_bytes(&columns->rubric->base, &whole->rubric->base);
		assert_int_equal(columns->outcome, whole->outcome);
		assert_string_equal(columns->recommended, whole->recommended);
		assert_string_equal(columns->caller, whole->caller);
		assert_int_equal(columns->purpose, whole->purpose);
		assert_int_equal(columns->n_ranking, 0);
	}
	forget(rising);
	forget(paged);
	forget(falling);
	forget(brief);
}

static bool has_candidate(const Leadfit__V1__Decision *d, const char *candidate)
{
	for (size_t i = 0; i < d->n_ranking; i++)
		if (strcmp(d->ranking[i]->candidate, candidate) == 0)
			return true;
	return false;
}

static bool selected(const Leadfit__V1__Decision *d, const Leadfit__V1__Selection *s)
{
	return (*s->team == '\0' || strcmp(d->team->id, s->team) == 0) &&
		(*s->project == '\0' || strcmp(d->project->id, s->project) == 0) &&
		(*s->candidate == '\0' || has_candidate(d, s->candidate)) &&
		(s->outcome == 0 || d->outcome == s->outcome) &&
		(!s->decisions_only || d->purpose == LEADFIT__V1__PURPOSE__DECISION);
}

static void a_selection_exports_what_fits_it_and_nothing_else(void **state)
{
	static const char *const selections[] = {"{team: t-1}", "{project: p-1}", "{candidate: c}",
		"{outcome: RECOMMENDED}", "{outcome: TOO_CLOSE}", "{outcome: INSUFFICIENT_EVIDENCE}",
		"{decisions_only: true}", "{team: t-2, project: p-0, candidate: d, decisions_only: true}",
		"{team: nobody}"};
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	struct exported *all, *some;
	Leadfit__V1__Selection between;

	(void)state;
	fill(1000);
	all = export_all(request, 0);
	for (size_t s = 0; s < sizeof(selections) / sizeof(selections[0]); s++) {
		size_t at;

		request.selection =
			(Leadfit__V1__Selection *)daemon_message(&leadfit__v1__selection__descriptor, selections[s]);
		some = export_all(request, 100);
		at = 0;
		for (size_t i = 0; i < all->count; i++) {
			if (!selected(all->all[i]->decision, request.selection))
				continue;
			assert_true(at < some->count);
			same_bytes(&all->all[i]->base, &some->all[at++]->base);
		}
		assert_int_equal(at, some->count);
		forget(some);
		leadfit__v1__selection__free_unpacked(request.selection, NULL);
	}
	/* Between two instants. */
	leadfit__v1__selection__init(&between);
	between.since = all->all[300]->decision->decided_at;
	between.until = all->all[700]->decision->decided_at;
	request.selection = &between;
	some = export_all(request, 0);
	assert_true(some->count > 0);
	assert_true(some->all[0]->sequence <= 301); /* one commit, one instant */
	assert_true(some->all[some->count - 1]->sequence <= 700);
	forget(some);
	forget(all);
}

static void what_is_wrong_with_a_request_is_said_field_by_field(void **state)
{
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	Leadfit__V1__Selection selection = LEADFIT__V1__SELECTION__INIT;
	struct lf_error error = LF_ERROR_INIT;
	char team[200];

	(void)state;
	request.page_size = 1001;
	request.selection = &selection;
	memset(team, 'x', sizeof(team));
	team[sizeof(team) - 1] = '\0';
	selection.team = team;
	assert_null(call(&leadfit__v1__decisions__descriptor, "Export", &request.base, 60000, &error));
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_int_equal(error.violation_count, 2);
	assert_string_equal(error.violations[0].field, "selection.team");
	assert_string_equal(error.violations[1].field, "page_size");
	lf_error_clean_up(&error);
}

static bool serves(void)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	ProtobufCMessage *reply = call(&grpc__health__v1__health__descriptor, "Check", &request.base, 10000, NULL);
	bool serving;

	assert_non_null(reply);
	serving = ((Grpc__Health__V1__HealthCheckResponse *)reply)->status ==
		GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	protobuf_c_message_free_unpacked(reply, NULL);
	return serving;
}

/* What the service says on standard error. */
static bool has_said(const char *text)
{
	char path[96], line[1024];
	bool found = false;
	FILE *log;

	snprintf(path, sizeof(path), "%s/log", daemon_.directory);
	log = fopen(path, "r");
	assert_non_null(log);
	while (!found && fgets(line, sizeof(line), log) != NULL)
		found = strstr(line, text) != NULL;
	fclose(log);
	return found;
}

/* How many decisions come before that one, on as many pages as it takes. */
static size_t count_up_to(Leadfit__V1__ExportRequest request, uint64_t sequence)
{
	size_t count = 0;

	do {
		Leadfit__V1__ExportResponse *response = page(&request);

		count += response->n_decisions;
		request.from_sequence = response->next;
		leadfit__v1__export_response__free_unpacked(response, NULL);
	} while (request.from_sequence != 0 && request.from_sequence != sequence);
	assert_int_equal(request.from_sequence, sequence);
	return count;
}

static void a_damaged_decision_is_named_and_those_around_it_still_come_out(void **state)
{
	enum { COUNT = 12, DAMAGED = 7 };
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	sqlite3 *db;
	struct exported *brief;

	(void)state;
	fill(COUNT);
	daemon_stop(&daemon_);
	assert_int_equal(sqlite3_open(daemon_.database, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "UPDATE decision SET answer = x'0a' WHERE sequence = 7", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	daemon_start(&daemon_);
	assert_true(serves());
	assert_int_equal(count_up_to(request, DAMAGED), DAMAGED - 1);
	request.from_sequence = DAMAGED;
	assert_null(call(&leadfit__v1__decisions__descriptor, "Export", &request.base, 60000, &error));
	assert_int_equal(error.code, LF_DATA_LOSS);
	assert_non_null(strstr(error.message, "sequence 7"));
	lf_error_clean_up(&error);
	assert_false(serves()); /* until it is started again */
	assert_true(has_said("the decision log is damaged, and the service is not ready from now on: "));
	request.newest_first = true;
	request.from_sequence = 0;
	assert_int_equal(count_up_to(request, DAMAGED), COUNT - DAMAGED);
	/* Its columns are whole. */
	request.brief = true;
	brief = export_all(request, 0);
	assert_int_equal(brief->count, COUNT);
	forget(brief);
}

static void a_page_of_large_decisions_fits_a_message(void **state)
{
	enum { COUNT = 12, MEMBERS = 700 };
	Leadfit__V1__ExportRequest export = LEADFIT__V1__EXPORT_REQUEST__INIT;
	char *yaml = NULL;
	size_t size;
	FILE *text = open_memstream(&yaml, &size);
	Leadfit__V1__ScoreRequest *request;
	struct exported *x;
	size_t bytes;

	(void)state;
	fprintf(text, "{detail: ALL, team: {id: t, members: [");
	for (int i = 0; i < MEMBERS; i++)
		fprintf(text,
			"{id: member-%d-%0100d, discipline: BACKEND, evidence: [{criterion: interaction, rating: "
			"%d}]}, ",
			i, 0, 1 + i % 5);
	fprintf(text, "]}, project: {id: p}}");
	fclose(text);
	request = daemon_request(yaml);
	free(yaml);
	for (int i = 0; i < COUNT; i++) {
		ProtobufCMessage *reply = call(&leadfit__v1__scoring__descriptor, "Score", &request->base, 60000, NULL);

		assert_non_null(reply);
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	leadfit__v1__score_request__free_unpacked(request, NULL);
	x = export_all(export, 0);
	assert_int_equal(x->count, COUNT);
	bytes = 0;
	for (size_t i = 0; i < COUNT; i++) {
		Leadfit__V1__Decision *got = get(x->all[i]->decision->decision_id);

		same_bytes(&got->base, &x->all[i]->decision->base);
		bytes += protobuf_c_message_get_packed_size(&got->base);
		leadfit__v1__decision__free_unpacked(got, NULL);
	}
	assert_true(bytes > 4 << 20);
	assert_true(x->pages > 1);
	forget(x);
}

/* ---- load ---- */

struct load {
	atomic_bool stop;
	atomic_size_t answered;
};

static void *keep_scoring(void *context)
{
	struct load *load = context;
	Leadfit__V1__ScoreRequest *request =
		daemon_request("{team: {id: t, members: [{id: a, discipline: BACKEND}, {id: b, discipline: FRONTEND, "
			       "evidence: [{criterion: interaction, rating: 4}]}]}, project: {id: p}}");

	while (!atomic_load(&load->stop)) {
		ProtobufCMessage *reply = call(&leadfit__v1__scoring__descriptor, "Score", &request->base, 2000, NULL);

		if (reply != NULL)
			atomic_fetch_add(&load->answered, 1);
		else
			usleep(5000); /* it is being restarted */
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	leadfit__v1__score_request__free_unpacked(request, NULL);
	return NULL;
}

enum { THREADS = 8 };

static void start_load(struct load *load, pthread_t threads[THREADS])
{
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_scoring, load), 0);
}

static void stop_load(struct load *load, pthread_t threads[THREADS])
{
	atomic_store(&load->stop, true);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- watching ---- */

/* leadfit decisions watch --from 1 --output json into a file. publish: of the command, NULL = none. */
static pid_t start_watch(const char *publish, const char *out)
{
	const pid_t pid = fork();
	char log[128];
	int file;

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it waits for a service for ever, also where the test has failed */
	file = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	snprintf(log, sizeof(log), "%s.log", out);
	dup2(file, STDOUT_FILENO);
	dup2(open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
	execl(LF_BINARY_DIR "/bin/leadfit", "leadfit", "--server", daemon_.url, "decisions", "watch", "--from", "1",
		"--output", "json", "--timeout", "2", publish != NULL ? "--publish" : (char *)NULL, publish,
		(char *)NULL);
	_exit(127);
}

/* How many whole lines the file has; each is the sequence that follows the one before. */
static uint64_t watched(const char *out)
{
	char *line = NULL;
	size_t size = 0;
	uint64_t count = 0, sequence;
	FILE *file = fopen(out, "r");

	if (file == NULL)
		return 0;
	while (getline(&line, &size, file) > 0 && line[strlen(line) - 1] == '\n') {
		assert_int_equal(sscanf(line, "{\"sequence\":\"%lu\"", &sequence), 1);
		assert_int_equal(sequence, ++count);
	}
	free(line);
	fclose(file);
	return count;
}

static uint64_t newest(void)
{
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	Leadfit__V1__ExportResponse *response;
	uint64_t sequence;

	request.brief = true;
	request.page_size = 1;
	response = page(&request);
	sequence = response->newest_sequence;
	leadfit__v1__export_response__free_unpacked(response, NULL);
	return sequence;
}

static void wait_until_watched(const char *out, uint64_t all)
{
	for (int i = 0; i < 4000 && watched(out) < all; i++) /* against hanging alone */
		usleep(50 * 1000);
	assert_int_equal(watched(out), all);
}

static void whoever_watches_sees_every_decision_once_in_order_while_the_service_is_killed(void **state)
{
	enum { KILLS = 6 };
	static const char *const ways[] = {"told", "asking", "deaf"};
	char publish[128], deaf[128], out[3][128];
	const char *urls[3] = {publish, NULL, deaf};
	struct load load = {0};
	pthread_t threads[THREADS];
	pid_t pids[3];
	uint64_t all;

	(void)state;
	snprintf(publish, sizeof(publish), "ipc://%s/publish", daemon_.directory);
	snprintf(deaf, sizeof(deaf), "ipc://%s/nobody", daemon_.directory); /* every message is lost */
	daemon_stop(&daemon_);
	daemon_.more[0] = "--publish";
	daemon_.more[1] = publish;
	daemon_start(&daemon_);
	for (size_t i = 0; i < 3; i++) {
		snprintf(out[i], sizeof(out[i]), "%s/%s", daemon_.directory, ways[i]);
		pids[i] = start_watch(urls[i], out[i]);
	}
	start_load(&load, threads);
	for (size_t i = 0; i < 3; i++)
		for (int tries = 0; tries < 600 && watched(out[i]) == 0; tries++)
			usleep(50 * 1000); /* it is up: a service that was never there is an error */
	for (int kill_ = 0; kill_ < KILLS; kill_++) {
		const size_t before = atomic_load(&load.answered);

		while (atomic_load(&load.answered) < before + 40)
			usleep(1000);
		usleep((useconds_t)(rand() % 100000));
		if (kill_ % 3 == 2)
			daemon_stop(&daemon_);
		else
			daemon_kill(&daemon_);
		daemon_start(&daemon_);
	}
	stop_load(&load, threads);
	all = newest();
	assert_true(all >= atomic_load(&load.answered));
	for (size_t i = 0; i < 3; i++) {
		wait_until_watched(out[i], all);
		assert_int_equal(waitpid(pids[i], NULL, WNOHANG), 0); /* it went on all the time */
		assert_int_equal(kill(pids[i], SIGTERM),
			0); /* not SIGINT: who runs tests in the background may have that ignored */
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	}
	print_message("%lu decisions, %d restarts\n", (unsigned long)all, KILLS);
}

/* The first look at a long log is many pages. Once one came, the address is right, and the rest is waited for. */
static void a_service_killed_during_the_first_look_is_waited_for(void **state)
{
	enum { COUNT = 3000 };
	char out[128];
	pid_t pid;

	(void)state;
	fill(COUNT);
	snprintf(out, sizeof(out), "%s/first", daemon_.directory);
	pid = start_watch(NULL, out);
	for (int tries = 0; tries < 30000 && watched(out) == 0; tries++)
		usleep(1000);
	assert_int_equal(kill(pid, SIGSTOP), 0); /* so that it does not read on until the service is gone */
	daemon_kill(&daemon_);
	assert_in_range(watched(out), 1, COUNT - 1); /* or there was nothing to wait for */
	assert_int_equal(kill(pid, SIGCONT), 0);
	daemon_start(&daemon_);
	wait_until_watched(out, COUNT);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- backup ---- */

static enum lf_code back_up(char *name, unsigned timeout_ms, Leadfit__V1__BackupResponse **response, char message[512])
{
	Leadfit__V1__BackupRequest request = LEADFIT__V1__BACKUP_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	enum lf_code code;

	request.name = name;
	*response = (Leadfit__V1__BackupResponse *)call(
		&leadfit__v1__keeping__descriptor, "Backup", &request.base, timeout_ms, &error);
	snprintf(message, 512, "%s", error.message);
	code = *response == NULL ? error.code : LF_OK;
	lf_error_clean_up(&error);
	return code;
}

static void a_backup_under_load_is_a_log_and_decisions_go_on_meanwhile(void **state)
{
	char name[] = "copy.db", file[128], message[512];
	struct load load = {0};
	pthread_t threads[THREADS];
	Leadfit__V1__BackupResponse *response;
	struct stat status;
	size_t at_end;
	Leadfit__V1__ExportRequest request;
	Leadfit__V1__ExportResponse *here, *there;

	(void)state;
	snprintf(file, sizeof(file), "%s/copy.db", backups);
	fill(2000);
	start_load(&load, threads);
	while (atomic_load(&load.answered) < 50)
		usleep(1000);
	if (back_up(name, 60000, &response, message) != LF_OK)
		fail_msg("%s", message);
	at_end = atomic_load(&load.answered);
	while (atomic_load(&load.answered) < at_end + 50)
		usleep(1000);
	stop_load(&load, threads);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_size, response->bytes);
	assert_true(response->size >= 2000);
	assert_string_equal(response->file, file);
	leadfit__v1__backup_response__free_unpacked(response, NULL);
	assert_int_equal(back_up(name, 60000, &response, message), LF_ALREADY_EXISTS);
	/* A service takes the copy as its log, and has what the other one had. */
	leadfit__v1__export_request__init(&request);
	request.page_size = 200;
	here = page(&request);
	daemon_stop(&daemon_);
	snprintf(daemon_.database, sizeof(daemon_.database), "%s/copy.db", backups);
	daemon_.more[0] = NULL; /* it is in the directory of the log now */
	daemon_start(&daemon_);
	there = page(&request);
	assert_true(there->newest_sequence >= 2050 && there->newest_sequence <= here->newest_sequence);
	assert_true(there->n_decisions > 0);
	for (size_t i = 0; i < there->n_decisions && i < here->n_decisions; i++)
		same_bytes(&there->decisions[i]->base, &here->decisions[i]->base);
	leadfit__v1__export_response__free_unpacked(here, NULL);
	leadfit__v1__export_response__free_unpacked(there, NULL);
}

static void a_bad_name_is_refused_and_a_backup_that_is_given_up_leaves_nothing(void **state)
{
	static const struct {
		const char *name, *said;
	} bad[] = {
		{"", "name: is missing"},
		{"/tmp/x", "is not a plain name"},
		{"a/b", "is not a plain name"},
		{"../x", "is not a plain name"},
		{"a\nb", "is not a plain name"},
		{"..", "begins with a dot"},
		{".hidden", "begins with a dot"},
		{"copy.db-wal", "ends as a file that goes with another one does"},
		{"copy.db.lock", "ends as a file that goes with another one does"},
		{"copy.db.part", "ends as a file that goes with another one does"},
	};
	char name[LF_ID_BYTES_MAX + 2], file[128], part[160], message[512];
	Leadfit__V1__BackupResponse *response;
	enum lf_code given_up, code;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(name, sizeof(name), "%s", bad[i].name);
		assert_int_equal(back_up(name, 60000, &response, message), LF_INVALID_ARGUMENT);
		if (strncmp(message, "name: ", 6) != 0 || strstr(message, bad[i].said) == NULL)
			fail_msg("%s: %s", bad[i].name, message);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(back_up(name, 60000, &response, message), LF_INVALID_ARGUMENT);
	assert_non_null(strstr(message, "name: has 129 bytes, more than 128"));
	name[LF_ID_BYTES_MAX] = '\0';
	assert_int_equal(back_up(name, 60000, &response, message), LF_OK);
	leadfit__v1__backup_response__free_unpacked(response, NULL);
	fill(2000);
	snprintf(name, sizeof(name), "copy.db");
	snprintf(file, sizeof(file), "%s/copy.db", backups);
	snprintf(part, sizeof(part), "%s.part", file);
	given_up = back_up(name, 1, &response, message); /* who is first to see it: the client, or the service */
	assert_true(given_up == LF_DEADLINE_EXCEEDED || given_up == LF_CANCELLED);
	/* It ends at its next step, if it was begun at all. Then another one can be made. */
	code = LF_ALREADY_EXISTS;
	for (int i = 0; i < 100 && code == LF_ALREADY_EXISTS; i++) {
		unlink(file); /* where it was faster than its deadline */
		code = back_up(name, 60000, &response, message);
	}
	assert_int_equal(code, LF_OK);
	leadfit__v1__backup_response__free_unpacked(response, NULL);
	assert_int_equal(access(part, F_OK), -1);
}

/* Somebody else puts a link into the directory: what it leads to is nobody's to make or replace. */
static void a_link_in_the_directory_leads_nowhere(void **state)
{
	char name[] = "link", link[128], target[128], message[512];
	Leadfit__V1__BackupResponse *response;

	(void)state;
	snprintf(link, sizeof(link), "%s/link", backups);
	snprintf(target, sizeof(target), "%s/elsewhere", daemon_.directory);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(back_up(name, 60000, &response, message), LF_ALREADY_EXISTS);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink(daemon_.database, link), 0);
	assert_int_equal(back_up(name, 60000, &response, message), LF_INVALID_ARGUMENT);
	assert_non_null(strstr(message, "is a name of the log itself"));
}

static void without_the_option_a_backup_is_refused(void **state)
{
	char name[] = "copy.db", message[512];
	Leadfit__V1__BackupResponse *response;

	(void)state;
	daemon_stop(&daemon_);
	daemon_.more[0] = NULL;
	daemon_start(&daemon_);
	lf_client_destroy(
		client); /* what is not to be done twice is not sent over a connection that is being made again */
	client = daemon_client(&daemon_);
	assert_int_equal(back_up(name, 60000, &response, message), LF_FAILED_PRECONDITION);
	assert_non_null(strstr(message, "--backups DIR"));
}

int main(void)
{
	const char *wanted = getenv("LF_TEST_SEED");
	const unsigned seed = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : (unsigned)time(NULL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_log_exports_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			every_decision_comes_once_in_order_and_as_get_gives_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_selection_exports_what_fits_it_and_nothing_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_wrong_with_a_request_is_said_field_by_field, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_damaged_decision_is_named_and_those_around_it_still_come_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_page_of_large_decisions_fits_a_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_service_killed_during_the_first_look_is_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			whoever_watches_sees_every_decision_once_in_order_while_the_service_is_killed, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_backup_under_load_is_a_log_and_decisions_go_on_meanwhile, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_bad_name_is_refused_and_a_backup_that_is_given_up_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_link_in_the_directory_leads_nowhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_the_option_a_backup_is_refused, set_up, tear_down),
	};

	print_message("LF_TEST_SEED=%u\n", seed);
	srand(seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
