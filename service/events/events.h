/*
 * What the service says of itself while it works: one line an event, to standard error, as text or as JSON.
 *
 * Events are in one table, each with a stable name, one level and one meaning; ../OPERATING.md has the same table, with what
 * to do. A line is bounded, and nothing in it can begin another one, whatever peers, files and requests have put into it.
 * Of each event so many lines a second are written; what is beyond is counted, and the count is told once a second. So a
 * flood of one event hides no other one.
 */
#ifndef LF_SERVICE_EVENTS_EVENTS_H
#define LF_SERVICE_EVENTS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"

enum lf_event_level { LF_LEVEL_DEBUG, LF_LEVEL_INFO, LF_LEVEL_WARNING, LF_LEVEL_ERROR, LF_LEVEL_COUNT };

/* X(constant, name, level, meaning). The name is what operators' rules go by: it is never changed. */
#define LF_EVENTS(X)                                                                                                   \
	X(STARTING, "starting", INFO, "The start has begun; the files of --rubric are read.")                          \
	X(START_FAILED, "start_failed", ERROR, "The start failed, and the process ends.")                              \
	X(READY, "ready", INFO, "The start is done: requests are taken.")                                              \
	X(STOPPING, "stopping", INFO, "A signal ends the service; the requests that are in are answered.")             \
	X(GIVING_UP, "giving_up", ERROR, "The service can't go on and ends, to be started again.")                     \
	X(REQUESTS_GIVEN_UP, "requests_given_up", WARNING, "Requests were not answered in time while it stopped.")     \
	X(LISTENING, "listening", INFO, "An address is listened on.")                                                  \
	X(PUBLISHING, "publishing", INFO, "An address tells of new decisions (--publish).")                            \
	X(LIMITS, "limits", INFO, "How many connections and how much memory strangers can take.")                      \
	X(LISTENER_REOPENED, "listener_reopened", WARNING,                                                             \
		"nng had stopped accepting on an address; it was opened again.")                                       \
	X(LISTENER_LOST, "listener_lost", ERROR, "An address of nng can't be opened again; it is tried every round.")  \
	X(NNG_STUCK, "nng_stuck", ERROR, "nng has released no connection for a minute.")                               \
	X(CERTIFICATE, "certificate", INFO, "The certificate that HTTP is served with.")                               \
	X(CERTIFICATE_UNUSABLE, "certificate_unusable", WARNING, "The certificate has expired, or is not valid yet.")  \
	X(RELOADED, "reloaded", INFO, "Callers or certificates were read again, and are used from now on.")            \
	X(RELOAD_REFUSED, "reload_refused", WARNING, "Nothing was read again; everything stays as it was.")            \
	X(SECRETS_UNLOCKED, "secrets_unlocked", WARNING, "Secrets may be swapped to disk: they can't be locked.")      \
	X(LOG_MIGRATING, "log_migrating", INFO, "The log is of an older release and is being migrated.")               \
	X(LOG_FAILED, "log_failed", ERROR, "The log can't be written any more.")                                       \
	X(LOG_DAMAGED, "log_damaged", ERROR, "The log is damaged; the service is not ready from now on.")              \
	X(LOG_CLOCK, "log_clock", WARNING, "The clock does not fit the log, or fits it again.")                        \
	X(RUBRIC_STORED, "rubric_stored", INFO, "A rubric of the command line, or the built-in one, is in the log.")   \
	X(RUBRIC_WARNING, "rubric_warning", WARNING, "A rubric of the command line has something odd.")                \
	X(RUBRIC_DEFAULT, "rubric_default", INFO, "A rubric has become the default.")                                  \
	X(RUBRIC_MISSING, "rubric_missing", WARNING, "Requests that name no rubric will be refused.")                  \
	X(RUBRIC_UNUSABLE, "rubric_unusable", ERROR, "Another service made a rubric active that is not served here.")  \
	X(KEY_MADE, "key_made", INFO, "The signing key was made.")                                                     \
	X(KEY_UNPUBLISHED, "key_unpublished", WARNING, "The file of the verifier key can't be written.")               \
	X(VERIFIER_KEY, "verifier_key", INFO, "The verifier key that checkpoints are checked with.")                   \
	X(REWOUND_ACCEPTED, "rewound_accepted", WARNING, "A log that is not the signed one was accepted.")             \
	X(CHECKPOINT_WRITTEN, "checkpoint_written", DEBUG, "A checkpoint was signed and written.")                     \
	X(CHECKPOINT_FAILED, "checkpoint_failed", ERROR, "No checkpoint can be written; it is tried every second.")    \
	X(CHECKPOINT_RESUMED, "checkpoint_resumed", INFO, "Checkpoints are written again.")                            \
	X(ACCESS_FAILED, "access_failed", ERROR, "Who looked can't be recorded; it is tried every second.")            \
	X(ACCESS_RESUMED, "access_resumed", INFO, "Who looked is recorded again.")                                     \
	X(ACCESS_LOST, "access_lost", ERROR, "The service stopped, and could not record all of who looked.")           \
	X(ERASED_LIST_FAILED, "erased_list_failed", ERROR, "The list of who was erased can't be written.")             \
	X(FORGOTTEN, "forgotten", DEBUG, "Something was erased from a shared log: memory was cleared of it.")          \
	X(JOB_DONE, "job_done", INFO, "An erasure or a pruning is done.")                                              \
	X(JOB_FAILED, "job_failed", ERROR, "An erasure or a pruning has ended without being done.")                    \
	X(JOB_WAITS, "job_waits", WARNING, "An erasure or a pruning failed, and will be tried again.")                 \
	X(BACKUP_MADE, "backup_made", INFO, "A backup was made.")                                                      \
	X(BACKUP_FAILED, "backup_failed", WARNING, "A backup was not made.")                                           \
	X(REQUEST, "request", INFO, "A request was answered (--log-requests).")                                        \
	X(REQUEST_SLOW, "request_slow", WARNING, "A request was answered, and took above 250 ms.")                     \
	X(REQUEST_FAILED, "request_failed", INFO, "A request was answered with an error.")                             \
	X(REQUEST_DENIED, "request_denied", WARNING, "A request was refused: its caller lacks the role.")              \
	X(REQUEST_STRANGE, "request_strange", WARNING,                                                                 \
		"A request of nobody known was refused, failed, or got no answer.")                                    \
	X(REQUEST_BROKEN, "request_broken", ERROR, "A request failed by a fault of the service or of its log.")        \
	X(LINES_LEFT_OUT, "lines_left_out", WARNING, "There were too many lines of an event in a second.")

enum lf_event {
#define LF_EVENT_CONSTANT(constant, name, level, meaning) LF_EVENT_##constant,
	LF_EVENTS(LF_EVENT_CONSTANT)
#undef LF_EVENT_CONSTANT
		LF_EVENT_COUNT
};

const char *lf_event_name(enum lf_event event);
enum lf_event_level lf_event_level(enum lf_event event);
/* What it means: one sentence. */
const char *lf_event_meaning(enum lf_event event);
/* "debug", "info", "warning", "error". */
const char *lf_event_level_name(enum lf_event_level level);

/* ---- how ---- */

enum lf_event_format {
	LF_EVENTS_BY_TERMINAL,
	LF_EVENTS_TEXT,
	LF_EVENTS_JSON
}; /* the first: text on a terminal, else JSON */

enum { LF_EVENT_LINES_A_SECOND = 100, LF_EVENT_STRANGE_LINES_A_SECOND = 10 };

struct lf_event_options {
	enum lf_event_format format;
	enum lf_event_level level; /* events below it are neither said nor counted */
	unsigned lines_a_second;   /* of one event; 0: LF_EVENT_LINES_A_SECOND */
};

/*
 * Says how from now on. Before any other thread; without it, events of level info and above are said as text. Where
 * $JOURNAL_STREAM names standard error, as systemd sets it, each line begins with "<N>", syslog's number of its level.
 * Standard input, output and error that are closed become /dev/null, so that no file of ours gets their numbers.
 */
void lf_event_init(const struct lf_event_options *options);

/* ---- saying one ---- */

/* A named value of an event. The name is ours: letters, digits and "_". */
struct lf_event_field {
	const char *name;
	bool said; /* the message has it already: only JSON has it again */
	bool is_number;
	uint64_t number; /* a name that ends in _us: microseconds; _bytes: bytes; else a count, or an id */
	struct lf_slice text;
};

/* text is anything, and need not be NUL-terminated. An empty one is left out of the line. */
static inline struct lf_event_field lf_event_slice(const char *name, struct lf_slice text)
{
	return (struct lf_event_field){.name = name, .text = text};
}
/* The same, NUL-terminated; NULL is empty. */
static inline struct lf_event_field lf_event_text(const char *name, const char *text)
{
	return lf_event_slice(name, (struct lf_slice){text, text != NULL ? strlen(text) : 0});
}
static inline struct lf_event_field lf_event_number(const char *name, uint64_t number)
{
	return (struct lf_event_field){.name = name, .is_number = true, .number = number};
}
/* The same one, of which the message says already what it is. */
static inline struct lf_event_field lf_event_said(struct lf_event_field field)
{
	field.said = true;
	return field;
}

/* Whether lines of it are written at all: to be asked before what a line costs is spent. Any thread. */
bool lf_event_is_wanted(enum lf_event event);

/*
 * Says that it has happened. Any thread, and with any lock held; not in a signal handler. Allocates nothing. Where
 * standard error takes nothing, at most 100 ms are spent on waiting, and from then on none until it takes a line again; a
 * line that it does not take, or fails to, is counted.
 *
 * What format makes is for people; it is cut after some 1,500 bytes. What is there for programs goes into fields, whose
 * values are cut after 256. Both as they are written, and then end in "...". Never evidence, members or tokens.
 */
void lf_event_say(enum lf_event event, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lf_event_say_with(enum lf_event event, const struct lf_event_field *fields, size_t count, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- what there was of them ---- */

struct lf_event_figures {
	uint64_t lines[LF_EVENT_COUNT];    /* written */
	uint64_t left_out[LF_EVENT_COUNT]; /* beyond the bound of a second */
	uint64_t unwritten;                /* standard error did not take them */
};

/* Since the start of the process. Any thread. */
void lf_event_figures(struct lf_event_figures *figures);

/* For one thread, about once a second and at the end: says LINES_LEFT_OUT for each event that had some since the last time. */
void lf_event_say_left_out(void);

#endif
