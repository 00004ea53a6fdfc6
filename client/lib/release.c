#include <stdlib.h>
#include <string.h>

#include "client/lib/internal.h"
#include "proto/base/check.h"

/* The end of a client: what is nng's goes first, the rest with the last reference. */

static void close_socket(struct lf_client *client)
{
	if (client->socket_open)
		nng_close(client->socket);
	client->socket_open = false;
}

void lf_client_free(struct lf_client *client)
{
	close_socket(client);
	if (client->mutex_made) {
		pthread_cond_destroy(&client->idle_cond);
		pthread_cond_destroy(&client->link_cond);
		pthread_cond_destroy(&client->keeper_cond);
		pthread_mutex_destroy(&client->mutex);
	}
	free(client->heap);
	if (client->authorization != NULL)
		explicit_bzero(client->authorization, strlen(client->authorization));
	free(client->authorization);
	free(client->url);
	free(client);
}

/*
 * First the aios are stopped, which waits for callbacks that are still within nng_ctx_recv(), for nng 1.5.2 may free
 * the socket under a thread that drops the last reference to one of its contexts; then contexts are closed, before
 * their socket, which waits for them. nng_close() would wait for a lost dial, too: it is left to the last reference.
 */
void lf_client_tear_down(struct lf_client *client)
{
	for (size_t i = 0; i < client->slot_count; i++)
		nng_aio_stop(client->slots[i].aio);
	for (size_t i = 0; i < client->slot_count; i++)
		nng_ctx_close(client->slots[i].context);
	if (client->connectors_lost == 0)
		close_socket(client);
	for (size_t i = 0; i < client->slot_count; i++)
		nng_aio_free(client->slots[i].aio);
	free(client->slots);
	client->slots = NULL;
	client->free_slots = NULL;
}

void lf_client_release(struct lf_client *client)
{
	bool last;

	pthread_mutex_lock(&client->mutex);
	LF_CHECK(L7, client->references > 0);
	last = --client->references == 0;
	pthread_mutex_unlock(&client->mutex);
	if (last)
		lf_client_free(client);
}
