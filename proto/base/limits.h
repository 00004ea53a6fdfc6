/*
 * Every limit of leadfit, in one place. An overrun is INVALID_ARGUMENT or RESOURCE_EXHAUSTED and names limit and value.
 */
#ifndef LF_PROTO_BASE_LIMITS_H
#define LF_PROTO_BASE_LIMITS_H

#include <assert.h>

enum {
	LF_MAP_ENTRIES_MAX = 1024, /* above every limit of a map; bounds the memory of the check for duplicate keys */
	LF_MESSAGE_BYTES_MAX = 4 * 1024 * 1024, /* one frame, header included */
	LF_MEMBERS_MAX = 1000,                  /* a team */
	LF_EVIDENCE_MAX = 256,                  /* a member */
	LF_CRITERIA_MAX = 64,                   /* a rubric */
	LF_TRAITS_MAX = 64,                     /* a rubric; also of one map of traits */
	LF_DISCIPLINES_MAX = 32,                /* a rubric; also distinct ones in a request */
	LF_SOURCES_MAX = 64,                    /* a rubric */
	LF_GATES_MAX = 64,                      /* a rubric: one bit each */
	LF_CURVE_POINTS_MAX = 32,               /* a criterion */
	LF_LEVELS_MAX = 32,                     /* a criterion */
	LF_NEEDS_MAX = 32,                      /* a criterion */
	LF_SCENARIOS_MAX = 256,                 /* a rubric */
	LF_BATCH_MAX = 256,                     /* requests in a ScoreBatch, records in a commit */
	LF_ID_BYTES_MAX = 128,                  /* an id, name or key: valid UTF-8 without control characters */
	LF_TITLE_BYTES_MAX = 256,               /* a title or display name */
	LF_TEXT_BYTES_MAX = 4096,               /* a description, question, level text or note */
	LF_SAMPLES_MAX = 65536,                 /* perturbations */
	LF_SAMPLES_DEFAULT = 1024,
	LF_SWEEP_POINTS_MAX = 1001, /* points of a trait that one Sweep scores */
	LF_PAGE_MAX = 1000,         /* decisions in a page */
	LF_ACTIVATIONS_MAX = 1000,  /* acts of a rubric's history that are told: the newest */
	/*
	 * New versions of rubrics that one caller may put within 24 hours. Each is kept for ever: somebody who edits all
	 * day puts some dozens, and a script in a loop must not fill the log.
	 */
	LF_RUBRIC_VERSIONS_A_DAY_MAX = 256,
	LF_DETAIL_RANKS = 20,            /* ranks whose criteria are detailed by default */
	LF_IN_FLIGHT_MAX = 1024,         /* requests being worked on */
	LF_BUNDLE_MAX = 64,              /* calls in one message over nng */
	LF_URGENT_MAX = 32,              /* health checks and scrapes of metrics beyond these */
	LF_CONNECTIONS_MAX = 1024,       /* over local sockets; over TCP at the most */
	LF_TCP_CONNECTIONS = 64,         /* over nng's TCP listeners, unless --connections says more */
	LF_ADDRESS_CONNECTIONS = 16,     /* of these from one address, unless --connections-per-address says more */
	LF_STREAMS_MAX = 256,            /* calls that stream; they are not in flight */
	LF_STREAMS_CALLER_MAX = 64,      /* of these, of one caller; "anonymous" is one */
	LF_QUOTA_REQUESTS_MAX = 1000000, /* requests_per_second in the tokens file */
	LF_REQUEST_BYTES_MAX = 48 * 1024 * 1024, /* request bytes and arenas together */
	LF_MESSAGE_DEPTH_MAX = 16,               /* nesting of messages on the wire */
	LF_JSON_DEPTH_MAX = 32,                  /* nesting of JSON or YAML */
	LF_JSON_VALUES_MAX = 256 * 1024,         /* values in one JSON or YAML text: bounds the memory of its tree */
	LF_VIOLATIONS_MAX = 100,                 /* kept in one error; further ones are counted */
	LF_METADATA_MAX = 16,                    /* entries in a frame */
	LF_METADATA_BYTES_MAX = 1024,            /* of a value of these, and of a request's id */
	LF_TIMEOUT_MS_MAX = 24 * 60 * 60 * 1000,
};

static_assert(LF_GATES_MAX <= 64, "failed gates are one bit each of a 64-bit word");
static_assert(LF_MESSAGE_BYTES_MAX < LF_REQUEST_BYTES_MAX, "one message must fit the budget of all");
static_assert(LF_STREAMS_CALLER_MAX < LF_STREAMS_MAX, "one caller must leave streams to others");
static_assert(
	LF_BATCH_MAX <= LF_IN_FLIGHT_MAX / 2, "one connection may send a full batch: half of what is free is its own");
static_assert(LF_TCP_CONNECTIONS < LF_IN_FLIGHT_MAX, "each connection has a share of at least one request in flight");
static_assert(LF_ADDRESS_CONNECTIONS < LF_TCP_CONNECTIONS, "one address can't take all connections");

#endif
