/*
 * Teams that were sent before. The same teams come again and again, with other projects: of those that came twice,
 * decoded, canonical and converted forms and the digest are kept, so that each is made once. An entry never changes
 * what it says, and is found by all the bytes that were sent, so an answer is the same with it and without.
 */
#ifndef LF_SERVICE_STATE_TEAM_CACHE_H
#define LF_SERVICE_STATE_TEAM_CACHE_H

#include "service/decide/case.h"
#include "service/rpc/rpc.h"
#include "storage/log/log.h"

/* Any thread may call all of this. */
struct lf_team_cache;

/* One team; lives while it is held. */
struct lf_cached_team {
	const Leadfit__V1__Team *message; /* canonical (lf_wire_canonicalize()); never to be written to */
	struct lf_bytes canonical;
	struct lf_digest digest; /* SHA-256 of canonical */
};

/* bytes_max: of memory; what has no room is not cached. NULL where memory ran out. */
struct lf_team_cache *lf_team_cache_new(size_t bytes_max);
/* After the last call has let go. NULL is fine. */
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
 * The team among those that a call holds, NULL where it came some other way. *from: where to begin, and where the next
 * one may be: 0 at first, and teams asked for in the order in which they were sent.
 */
const struct lf_cached_team *lf_cached_team(
	const struct lf_rpc_call *call, const Leadfit__V1__Team *message, size_t *from);

/* A team's form for the engine, from the cache or for it. Storage is the caller's. */
struct lf_conversion {
	struct lf_kept_team kept;
	const struct lf_cached_team *team; /* inside, and what follows */
	struct lf_cached_form *fresh;      /* what becomes the cache's */
};

/*
 * Before an evaluation: sets input->kept where the team's form is there or can be kept, and leaves it otherwise: for a
 * team that is not cached (NULL), with candidates of its own or ignore_undeclared (what is left out has to be told), or
 * where the cache is full.
 */
void lf_conversion_begin(struct lf_conversion *conversion, const struct lf_cached_team *team,
	const struct lf_digest *version, struct lf_case_input *input);
/* After it, however it ended. What was converted lives as long as the team. */
void lf_conversion_end(struct lf_conversion *conversion);

#endif
