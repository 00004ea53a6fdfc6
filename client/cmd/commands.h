/* The commands, a file each, and what several of them share. */
#ifndef LF_CLIENT_CMD_COMMANDS_H
#define LF_CLIENT_CMD_COMMANDS_H

#include "client/session/cli.h"
#include "leadfit/v1/scoring.pb-c.h"

/* Row for a command's table of options: lf_key_take() reads it. */
#define LF_KEY_OPTION                                                                                                  \
	{                                                                                                              \
		"key", "VKEY|FILE", "the log's verifier key, or a file that holds it", false                           \
	}

/*
 * leadfit score --sweep: asks who leads over one trait, with what request holds. sources are those of the request.
 * Returns the exit status.
 */
int lf_score_sweep(struct lf_cli *cli, const struct lf_arguments *arguments, const Leadfit__V1__ScoreRequest *request,
	const struct lf_source *sources, size_t source_count);
/* Whether the arguments go together as far as --sweep is concerned. */
enum lf_code lf_score_sweep_check(
	const struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_error *error);

extern const struct lf_command lf_command_score;
extern const struct lf_command lf_command_batch;
extern const struct lf_command lf_command_profile;
extern const struct lf_command lf_command_decisions_list;
extern const struct lf_command lf_command_decisions_show;
extern const struct lf_command lf_command_decisions_verify;
extern const struct lf_command lf_command_decisions_prove;
extern const struct lf_command lf_command_decisions_verify_proof;
extern const struct lf_command lf_command_decisions_replay;
extern const struct lf_command lf_command_decisions_outcome;
extern const struct lf_command lf_command_decisions_report;
extern const struct lf_command lf_command_decisions_erase;
extern const struct lf_command lf_command_decisions_export;
extern const struct lf_command lf_command_decisions_watch;
extern const struct lf_command lf_command_rubric_check;
extern const struct lf_command lf_command_rubric_list;
extern const struct lf_command lf_command_rubric_show;
extern const struct lf_command lf_command_rubric_explain;
extern const struct lf_command lf_command_rubric_diff;
extern const struct lf_command lf_command_rubric_fmt;
extern const struct lf_command lf_command_rubric_weights;
extern const struct lf_command lf_command_rubric_test;
extern const struct lf_command lf_command_rubric_put;
extern const struct lf_command lf_command_rubric_activate;
extern const struct lf_command lf_command_rubric_deactivate;
extern const struct lf_command lf_command_rubric_default;
extern const struct lf_command lf_command_rubric_history;
extern const struct lf_command lf_command_audit_access;
extern const struct lf_command lf_command_audit_impact;
extern const struct lf_command lf_command_rubric_backtest;
extern const struct lf_command lf_command_backup;
extern const struct lf_command lf_command_retention;
extern const struct lf_command lf_command_jobs_list;
extern const struct lf_command lf_command_jobs_show;
extern const struct lf_command lf_command_convert;
extern const struct lf_command lf_command_call;
extern const struct lf_command lf_command_health;
extern const struct lf_command lf_command_version;
extern const struct lf_command lf_command_token;
extern const struct lf_command lf_command_help;

#endif
