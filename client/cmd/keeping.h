/* What the commands share that take something out of the log: asking first, and the job that does it. */
#ifndef LF_CLIENT_CMD_KEEPING_H
#define LF_CLIENT_CMD_KEEPING_H

#include "client/session/cli.h"
#include "leadfit/v1/jobs.pb-c.h"
#include "leadfit/v1/keeping.pb-c.h"

/* Row for a command's table of options: lf_keeping_run() reads it. */
#define LF_NO_WAIT_OPTION                                                                                              \
	{                                                                                                              \
		"no-wait", NULL, "start the job and return", false                                                     \
	}

/*
 * Whether it may be done: --yes was given, or whoever sits at the terminal answers the question with yes.
 * INVALID_ARGUMENT where nobody can be asked; CANCELLED where the answer is no.
 */
enum lf_code lf_keeping_confirm(const struct lf_arguments *arguments, const char *question, struct lf_error *error);

/* A job to start: the method and its request, and how the command shows what the job has done. */
struct lf_keeping_job {
	const char *method;
	const ProtobufCMessage *request;
	void (*show)(struct lf_cli *cli, const Leadfit__V1__Job *job);
	const struct lf_source *sources;
	size_t source_count;
};
/*
 * Starts the job, waits until it has ended, and says meanwhile how far it is; with --no-wait it shows the job and
 * returns. Ended by a signal, or where the service is lost, it says that the job goes on. *error is what happened
 * before: then nothing is started. Returns the exit status, having said what went wrong.
 */
int lf_keeping_run(struct lf_cli *cli, const struct lf_arguments *arguments, const struct lf_keeping_job *job,
	struct lf_error *error);

#endif
