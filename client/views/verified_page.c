#include "client/views/verified_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"
#include "proto/base/harmless.h"
#include "storage/tlog/note.h"

void lf_finding_print(struct lf_page *page, const Leadfit__V1__Finding *finding)
{
	lf_page_add(page, LF_WARN, "FINDING");
	if (finding->kind[0] != '\0')
		lf_page_add(page, LF_PLAIN, " record %" PRIu64 ", %s", finding->position, finding->kind);
	if (finding->decision_id[0] != '\0')
		lf_page_add(page, LF_PLAIN, " %s", finding->decision_id);
	lf_page_add(page, LF_PLAIN, "%s %s\n", finding->kind[0] != '\0' || finding->decision_id[0] != '\0' ? ":" : "",
		finding->what);
}

static void print_redactions(struct lf_page *page, const Leadfit__V1__LogVerified *report)
{
	if (report->redaction_count == 0)
		return;
	lf_page_add(page, LF_PLAIN,
		"\nErasures and prunings that the log has. Hold them against your own records of who ordered what:\n");
	if (report->redaction_count > report->n_redactions)
		lf_page_add(
			page, LF_PLAIN, "  %" PRIu64 " before these\n", report->redaction_count - report->n_redactions);
	for (size_t i = 0; i < report->n_redactions; i++) {
		const Leadfit__V1__Redaction *r = report->redactions[i];
		char time[LF_TIME_BYTES] = "?";

		if (r->at != NULL)
			lf_time_print(r->at->seconds, time);
		lf_page_add(page, LF_PLAIN,
			"  record %" PRIu64 ", %s, %s by %s: %" PRIu32 " decisions, %" PRIu32
			" teams and projects, %" PRIu32 " other records: %s\n",
			r->position, time, r->kind, r->caller, r->decisions, r->payloads, r->acts, r->reason);
	}
}

static void print_gone(struct lf_page *page, const char *how, uint64_t count)
{
	if (count > 0)
		lf_page_add(page, LF_PLAIN, "  %-12s%" PRIu64 " record%s, in whole or part, as a later record says\n",
			how, count, count == 1 ? "" : "s");
}

void lf_verified_print(struct lf_page *page, const struct lf_verified *verified, const struct lf_verify_frame *frame)
{
	const Leadfit__V1__LogVerified *report = &verified->report;
	char root[48]; /* as the checkpoint has it */

	if (report->finding_count > report->n_findings)
		lf_page_add(
			page, LF_WARN, "and %" PRIu64 " more findings\n", report->finding_count - report->n_findings);
	if (report->finding_count == 0)
		lf_page_add(page, LF_GOOD, "The log is whole: all %" PRIu64 " records are as they were written.",
			verified->recomputed.size);
	else
		lf_page_add(page, LF_WARN, "The log is not as it was written: %" PRIu64 " finding%s.",
			report->finding_count, report->finding_count == 1 ? "" : "s");
	lf_page_add(page, LF_PLAIN, "\n  %-12s%" PRIu64 ", with %.1f MB of content, in %.1f s: %.0f records/s\n",
		"records", verified->recomputed.size, (double)report->payload_bytes / 1e6, frame->seconds,
		(double)verified->looked_at / frame->seconds);
	print_gone(page, "erased", report->erased);
	print_gone(page, "pruned", report->pruned);
	if (lf_verified_has_root(verified))
		lf_base64_encode(&verified->recomputed.root, sizeof(verified->recomputed.root), root);
	else
		snprintf(root, sizeof(root), "none");
	lf_page_add(page, LF_PLAIN, "  %-12s%s\n", "root", root);
	lf_page_add(page, LF_PLAIN, "  %-12s%s%s\n", "key", report->verifier_key,
		frame->key_given ? "" : " (as the service says; --key checks with one that you trust)");
}

void lf_verified_print_prefix(struct lf_page *page, uint64_t size, const char *name)
{
	lf_page_add(
		page, LF_PLAIN, "  %-12sthe first %" PRIu64 " records are those that %s signs\n", "prefix", size, name);
}

void lf_verified_print_rest(struct lf_page *page, const struct lf_verified *verified)
{
	const Leadfit__V1__LogVerified *report = &verified->report;
	char *note;

	print_redactions(page, report);
	lf_page_add(page, LF_PLAIN,
		"\nThe signed checkpoint that it ends in. Kept elsewhere, it shows later (--checkpoint) whether\n"
		"anything was altered since:\n\n");
	note = strdup(report->checkpoint);
	if (note != NULL) {
		lf_text_make_harmless(note);
		lf_buffer_append_text(&page->text, note);
	}
	free(note);
}
