#include "client/views/keeping_page.h"

#include <inttypes.h>

/* "3 decisions", "1 decision". */
static void print_count(struct lf_page *page, uint64_t count, const char *one, const char *many)
{
	lf_page_add(page, LF_PLAIN, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

static void print_sizes(struct lf_page *page, uint64_t before, uint64_t after)
{
	lf_page_add(page, LF_PLAIN, "The log's files: %.1f MB before, %.1f MB now.\n", (double)before / 1e6,
		(double)after / 1e6);
}

void lf_erased_print(struct lf_page *page, const Leadfit__V1__PersonErased *sums)
{
	lf_page_add(page, LF_PLAIN, "Erased from ");
	print_count(page, sums->decisions, "decision, ", "decisions, ");
	print_count(page, sums->payloads, "team or project, ", "teams and projects, ");
	print_count(page, sums->acts, "recorded outcome.\n", "recorded outcomes.\n");
	print_sizes(page, sums->bytes_before, sums->bytes_after);
	lf_page_title(page, "Out of reach");
	for (size_t i = 0; i < sums->n_out_of_reach; i++)
		lf_page_item(page, sums->out_of_reach[i]);
}

void lf_pruned_print(struct lf_page *page, const Leadfit__V1__LogPruned *sums)
{
	char time[LF_TIME_BYTES];

	lf_time_print(sums->before->seconds, time);
	lf_page_add(page, LF_PLAIN, "%s ", sums->dry_run ? "Would prune" : "Pruned");
	print_count(page, sums->decisions, "decision", "decisions");
	lf_page_add(page, LF_PLAIN, " made before %s, and ", time);
	print_count(page, sums->payloads, "team or project", "teams and projects");
	lf_page_add(page, LF_PLAIN, " (%.1f MB). ", (double)sums->payload_bytes / 1e6);
	print_count(page, sums->kept_payloads, "team or project is", "teams and projects are");
	lf_page_add(page, LF_PLAIN, " kept for younger decisions.\n");
	if (sums->bytes_after != 0)
		print_sizes(page, sums->bytes_before, sums->bytes_after);
}
