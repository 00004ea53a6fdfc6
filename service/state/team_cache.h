/*
 * Teams that were sent before. The same teams come again and again, with other projects: of those that came twice,
 * decoded, canonical and converted forms and the digest are kept, so that each is made once. An entry never changes
 * what it says, and is found by all the bytes that were sent, so an answer is the same with it and without.
 *
 * What is held of it is a struct lf_team, which lives while it is held.
 */
#ifndef LF_SERVICE_STATE_TEAM_CACHE_H
#define LF_SERVICE_STATE_TEAM_CACHE_H

#include "service/decide/team.h"
#include "service/rpc/rpc.h"

/* Any thread may call all of this. */
struct lf_team_cache;

/* bytes_max: of memory; what has no room is not cached. NULL where memory ran out. */
struct lf_team_cache *lf_team_cache_new(size_t bytes_max);
/*
 * After the server has stopped. Where calls that it gave up hold teams still, the memory is left to the end of the
 * process. NULL is fine.
 */
void lf_team_cache_destroy(struct lf_team_cache *cache);
/* What the RPC server asks while it decodes. Lives as long as the cache. */
const struct lf_rpc_cache *lf_team_cache_rpc(const struct lf_team_cache *cache);
/*
 * Forgets all, for what was erased from the log; requests that are being worked on keep what they hold to their end.
 * NULL is fine.
 */
void lf_team_cache_clear(struct lf_team_cache *cache);

struct lf_team_cache_figures {
	uint64_t hits, misses; /* teams asked for */
	size_t teams, bytes;
};
/* For tests. */
void lf_team_cache_figures(struct lf_team_cache *cache, struct lf_team_cache_figures *figures);

/*
 * The team of a message among those that a call holds (lf_rpc_held(), of which held and count are), NULL where it came
 * some other way. It lives until the call is answered. *from: where to begin, and where the next one may be: 0 at
 * first, and teams asked for in the order in which they were sent.
 */
struct lf_team *lf_held_team(void *const *held, size_t count, const Leadfit__V1__Team *message, size_t *from);

#endif
