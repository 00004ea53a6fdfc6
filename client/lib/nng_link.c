#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/lib/nng.h"

/*
 * Design notes: the connection
 *
 * A client has at most one connection. The connector thread dials, blocking in nng_dialer_start(), because only a
 * blocking dial tells why it failed. The keeper bounds a dial by closing the dialer, which makes nng_dialer_start()
 * return. When a connection is lost, the connector closes its dialer and makes a new one; nng's own redialling is put
 * off (REDIAL_BY_NNG_MS), since it would hide the reasons. A dial follows the loss of a stable or useful connection at
 * once, else after a pause that doubles.
 *
 * The connection is up when nng has added the pipe to the socket, and down when it was removed; its number is the
 * pipe's. nng may report the removal before the addition (removed_pipe_id). A peer of another SP protocol is dropped by
 * nng between dial and addition; then nng_dialer_start() succeeds without pipe_was_added.
 *
 * nng has one hole: a dialer that is closed after nng_dialer_start() was entered and before it got to connecting never
 * makes it return. So a dial is not ended before it is LF_DIAL_MS_MIN old, and if its thread was held up for longer
 * than that, the dial is lost: another connector takes over, and the lost one is left alone with what it holds: a
 * thread, the socket, and a reference to the client. A connector knows that it is lost by the generation having
 * changed.
 *
 * nng 1.5.2 has another: where a connection is closed from this side while the reading of a message is between its two
 * halves, nng never learns that the reading ended, and its one reaping thread waits for that for ever, and with it
 * every nng_close(). So a connection is only closed when nothing is under way: the calls have ended, and the answers
 * that nobody waits for any more have come, or have not for LF_DRAIN_MS. What is left of the chance is an answer that
 * comes later and at that very moment; then lf_client_destroy() returns all the same (LF_TEAR_DOWN_MS), and the keeper
 * keeps what nng did not give back. The same may befall a connection that nng closes itself, so its loss is also
 * noticed by what happens to calls (lf_nng_lost()), not only by nng's report.
 */

enum { REDIAL_BY_NNG_MS = 60 * 60 * 1000 };

const char *lf_nng_reason(int nng_error)
{
	switch (nng_error) {
	case NNG_ECONNREFUSED:
		return "connection refused";
	case NNG_ECONNRESET:
	case NNG_ECONNABORTED:
	case NNG_ECONNSHUT:
	case NNG_ECLOSED:
		return "the peer closed the connection";
	case NNG_ENOENT:
		return "there is no such socket";
	case NNG_EADDRINVAL:
		return "there is no such host";
	case NNG_EPERM:
		return "permission denied";
	case NNG_EUNREACHABLE:
		return "the host can't be reached";
	case NNG_EPROTO:
		return "the peer is no leadfit service: it does not speak SP";
	case NNG_EPEERAUTH:
	case NNG_ECRYPTO:
		return "the peer could not be authenticated";
	case NNG_ENOMEM:
	case NNG_ENOFILES:
		return "out of memory or file descriptors";
	case NNG_ENOTSUP:
		return "this build of nng has no such transport";
	case NNG_ETIMEDOUT:
		return "no answer";
	default:
		return nng_strerror(nng_error);
	}
}

/* ---- what nng reports, on its threads ---- */

static const char LOST[] = "the connection was lost";

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct lf_client *client = arg;
	struct lf_nng *nng = client->own;
	uint32_t id = (uint32_t)nng_pipe_id(pipe);

	pthread_mutex_lock(&client->mutex);
	if (event == NNG_PIPE_EV_ADD_POST) {
		nng->pipe_was_added = true;
		lf_link_up(client, id);
		nng->pipe_sent = 0;
		nng->pipe_answered = 0;
		client->pump_wanted = true;
		lf_keeper_wake(client, INT64_MIN + 1);
		if (id == nng->removed_pipe_id)
			lf_link_down(client, LOST);
	} else {
		nng->removed_pipe_id = id;
		if (id == client->connection)
			lf_link_down(client, LOST);
	}
	pthread_mutex_unlock(&client->mutex);
}

void lf_nng_lost(struct lf_client *client, uint32_t pipe_id)
{
	if (pipe_id != 0 && pipe_id == client->connection)
		lf_link_down(client, LOST);
}

/* nng reports removals only of pipes whose coming it could report, too. */
static void on_pipe_before(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	(void)pipe;
	(void)event;
	(void)arg;
}

int lf_nng_watch(struct lf_client *client)
{
	struct lf_nng *nng = client->own;
	int error = nng_pipe_notify(nng->socket, NNG_PIPE_EV_ADD_PRE, on_pipe_before, client);

	if (error == 0)
		error = nng_pipe_notify(nng->socket, NNG_PIPE_EV_ADD_POST, on_pipe, client);
	if (error == 0)
		error = nng_pipe_notify(nng->socket, NNG_PIPE_EV_REM_POST, on_pipe, client);
	return error;
}

/* ---- the connector ---- */

/* Without the mutex. Makes the dialer and puts nng's own redialling off. 0 or an error number of nng. */
static int make_dialer(struct lf_client *client, nng_dialer *dialer)
{
	struct lf_nng *nng = client->own;
	int error = nng_dialer_create(dialer, nng->socket, client->url);

	if (error != 0)
		return error;
	error = nng_dialer_set_ms(*dialer, NNG_OPT_RECONNMAXT, REDIAL_BY_NNG_MS);
	if (error == 0)
		error = nng_dialer_set_ms(*dialer, NNG_OPT_RECONNMINT, REDIAL_BY_NNG_MS);
	if (error != 0)
		nng_dialer_close(*dialer);
	return error;
}

enum dialled { CONNECTED, FAILED, DIAL_LOST };

/* Under the mutex, which it releases meanwhile. Starts the dialer, which the keeper may close. 0 or an error number of
 * nng; -1: lost. */
static int start_dialer(struct lf_client *client, nng_dialer dialer)
{
	struct lf_nng *nng = client->own;
	unsigned generation = nng->connectors_lost;
	int error;

	nng->dialer = dialer;
	nng->dialing = true;
	nng->dial_ended = false;
	nng->dial_since_ms = lf_now_ms();
	nng->dial_due_ms = nng->dial_since_ms + client->connect_timeout_ms;
	if (nng->dial_due_ms < nng->dial_since_ms + LF_DIAL_MS_MIN)
		nng->dial_due_ms = nng->dial_since_ms + LF_DIAL_MS_MIN;
	nng->pipe_was_added = false;
	lf_keeper_wake(client, nng->dial_due_ms);
	pthread_mutex_unlock(&client->mutex);
	error = nng_dialer_start(dialer, 0);
	pthread_mutex_lock(&client->mutex);
	if (generation != nng->connectors_lost)
		return -1;
	nng->dialing = false;
	return error;
}

/* Under the mutex, which it releases meanwhile. Dials once. The dialer is closed again where that failed, else it is
 * nng->dialer. */
static enum dialled dial(struct lf_client *client)
{
	struct lf_nng *nng = client->own;
	nng_dialer dialer;
	int error;

	pthread_mutex_unlock(&client->mutex);
	error = make_dialer(client, &dialer);
	pthread_mutex_lock(&client->mutex);
	if (error != 0) {
		lf_link_set_reason(client, lf_nng_reason(error));
		return FAILED;
	}
	error = client->closing ? NNG_ECLOSED : start_dialer(client, dialer);
	if (error < 0)
		return DIAL_LOST;
	if (error == 0 && nng->pipe_was_added)
		return CONNECTED;
	if (nng->dial_ended)
		snprintf(client->link_error, sizeof(client->link_error), "no answer within %u ms",
			client->connect_timeout_ms);
	else
		lf_link_set_reason(client,
			error == 0 ? "the peer is no leadfit service: another SP protocol than REP"
				   : lf_nng_reason(error));
	pthread_mutex_unlock(&client->mutex);
	nng_dialer_close(dialer);
	pthread_mutex_lock(&client->mutex);
	return FAILED;
}

/* Messages that nng has received over a connection; UINT64_MAX where it can't be told. */
static uint64_t count_received(uint32_t pipe_id)
{
	uint64_t count = UINT64_MAX;
	nng_stat *all, *stat;

	if (nng_stats_get(&all) != 0)
		return UINT64_MAX;
	for (stat = nng_stat_child(all); stat != NULL; stat = nng_stat_next(stat)) {
		nng_stat *id = nng_stat_find(stat, "id"), *received = nng_stat_find(stat, "rx_msgs");

		if (strcmp(nng_stat_name(stat), "pipe") == 0 && id != NULL && received != NULL &&
			(uint32_t)nng_stat_value(id) == pipe_id)
			count = nng_stat_value(received);
	}
	nng_stats_free(all);
	return count;
}

/*
 * Under the mutex, which it releases meanwhile: waits until the answers to all requests have come, wanted or not, but
 * not for long. See the design notes for why.
 */
static void drain(struct lf_client *client)
{
	struct lf_nng *nng = client->own;
	struct timespec pause = {.tv_nsec = 2000000};
	int64_t until = lf_now_ms() + LF_DRAIN_MS;
	uint32_t pipe_id = client->connection;
	uint64_t sent = nng->pipe_sent, received;

	if (pipe_id == 0 || nng->pipe_answered >= sent)
		return;
	do {
		pthread_mutex_unlock(&client->mutex);
		received = count_received(pipe_id);
		nanosleep(&pause, NULL); /* also after the last one: nng takes a moment to wait for the next */
		pthread_mutex_lock(&client->mutex);
	} while ((received == UINT64_MAX || received < sent) && client->connection == pipe_id && lf_now_ms() < until);
}

/*
 * Under the mutex, which it releases meanwhile: waits for the loss of the connection, or closes it where the client is
 * closing and no call lives. Whether the connection was worth having.
 */
static bool hold(struct lf_client *client)
{
	struct lf_nng *nng = client->own;
	nng_dialer dialer = nng->dialer;
	int64_t since = lf_now_ms();
	bool useful;

	while (client->connection != 0 && !(client->closing && client->live == 0))
		pthread_cond_wait(&client->link_cond, &client->mutex);
	useful = nng->pipe_answered > 0 || lf_now_ms() - since >= LF_STABLE_MS;
	drain(client);
	pthread_mutex_unlock(&client->mutex);
	nng_dialer_close(dialer);
	pthread_mutex_lock(&client->mutex);
	return useful;
}

/* Under the mutex, which it releases meanwhile. */
static void pause_for(struct lf_client *client, int64_t pause_ms)
{
	int64_t until = lf_now_ms() + lf_jitter(client, pause_ms);

	while (!client->closing && lf_now_ms() < until)
		lf_cond_wait_until(&client->link_cond, &client->mutex, until);
}

static void *link_main(void *arg)
{
	struct lf_client *client = arg;
	int64_t pause = LF_REDIAL_MS_MIN;

	pthread_mutex_lock(&client->mutex);
	while (!client->closing) {
		enum dialled dialled = dial(client);

		if (dialled == DIAL_LOST) {
			pthread_mutex_unlock(&client->mutex);
			lf_client_release(client);
			return NULL;
		}
		lf_link_tried(client);
		if (dialled == CONNECTED && hold(client)) {
			pause = LF_REDIAL_MS_MIN;
			continue;
		}
		pause_for(client, pause);
		pause = lf_link_next_pause(client, pause);
	}
	client->connector_runs = false;
	pthread_cond_broadcast(&client->idle_cond);
	lf_keeper_wake(client, INT64_MIN + 1);
	pthread_mutex_unlock(&client->mutex);
	return NULL;
}

bool lf_nng_connect(struct lf_client *client)
{
	pthread_t connector;

	/* Its end is told by connector_runs: one that is lost could not be joined. */
	client->connector_runs = lf_thread_start(&connector, link_main, client) == 0;
	if (client->connector_runs)
		pthread_detach(connector);
	return client->connector_runs;
}

int64_t lf_nng_due(const struct lf_client *client)
{
	const struct lf_nng *nng = client->own;

	return nng->dialing ? nng->dial_due_ms : INT64_MAX;
}

void lf_nng_on_due(struct lf_client *client, int64_t now_ms)
{
	struct lf_nng *nng = client->own;
	nng_dialer dialer = nng->dialer;

	if (!nng->dial_ended) {
		nng->dial_ended = true;
		nng->dial_due_ms = now_ms + LF_DIAL_LOST_MS;
		pthread_mutex_unlock(&client->mutex);
		nng_dialer_close(dialer);
		pthread_mutex_lock(&client->mutex);
		return;
	}
	nng->connectors_lost++;
	client->references++;
	nng->dialing = false;
	lf_link_set_reason(client, "no answer");
	if (client->closing || !lf_nng_connect(client))
		client->connector_runs = false;
	lf_link_tried(client);
	pthread_cond_broadcast(&client->idle_cond);
}

void lf_nng_close(struct lf_client *client)
{
	struct lf_nng *nng = client->own;

	if (nng->dialing && !nng->dial_ended) {
		int64_t due = nng->dial_since_ms + LF_DIAL_MS_MIN;

		if (due < nng->dial_due_ms)
			nng->dial_due_ms = due;
	}
	pthread_cond_broadcast(&client->link_cond);
	lf_keeper_wake(client, INT64_MIN + 1);
}
