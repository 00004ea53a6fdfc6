/*
 * How much is under way at once, counted in full messages: as many as are good for throughput. It grows by one while
 * that raises the rate, steps back where it does not, and halves where the service says that it has too much.
 */
#ifndef LF_CLIENT_BATCH_GATE_H
#define LF_CLIENT_BATCH_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct lf_gate {
	pthread_mutex_t mutex;
	pthread_cond_t opened;
	unsigned window, window_max; /* full messages; at least 1 */
	size_t under_way;            /* weight */
	bool open;                   /* nobody waits any more: the run ends */
	/* The rate of a stretch of time, against that of the one before. */
	int64_t since_ms;
	uint64_t items;
	unsigned messages;
	double rate_before;
	int step;      /* what was done last: +1, -1, 0 */
	unsigned rest; /* stretches that are left as they are */
};

void lf_gate_init(struct lf_gate *gate, unsigned window_max);
void lf_gate_clean_up(struct lf_gate *gate);
/* Waits for room for a message of so many items. One alone always has it. */
void lf_gate_enter(struct lf_gate *gate, size_t items);
/* Gives it back. Any thread. answered: the items were; refused: the service had too much. */
void lf_gate_leave(struct lf_gate *gate, size_t items, bool answered, bool refused);
/* Lets everybody through from now on. */
void lf_gate_open(struct lf_gate *gate);

#endif
