#include <stdlib.h>
#include <string.h>

#include "client/lib/transport.h"
#include "proto/base/check.h"

/* The end of a client: what goes with the last reference. */

void lf_client_free(struct lf_client *client)
{
	if (client->own != NULL)
		client->transport->free(client);
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
