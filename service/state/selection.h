/* A Selection message as a scan of the log. */
#ifndef LF_SERVICE_STATE_SELECTION_H
#define LF_SERVICE_STATE_SELECTION_H

#include "leadfit/v1/audit.pb-c.h"
#include "service/rubric/checker.h"
#include "storage/log/log.h"

/*
 * Fills scan from a selection (NULL: everything) and where to go on from; limit, bytes_max, newest_first and payloads
 * stay the caller's. Violations go to checker, under "selection.". The scan borrows the selection's texts.
 */
void lf_selection_read(const Leadfit__V1__Selection *selection, uint64_t from_sequence, struct lf_scan *scan,
	struct lf_checker *checker);

#endif
