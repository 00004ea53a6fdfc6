/*
 * How many messages are under way at once: as many as are good for throughput. It grows by one while that raises the rate, steps back where it does
 * not, and halves where the service says that it has too much.
 */
#ifndef LF_CLIENT_BATCH_GATE_H
#define LF_CLIENT_BATCH_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct lf_gate {
	pthread_mutex_t mutex;
	pthread_cond_t opened;
	unsigned window, window_max; /* at least 1 */
	unsigned under_way;
	bool open; /* nobody waits any more: the run ends */
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
/* Waits for a place. */
void lf_gate_enter(struct lf_gate *gate);
/* Gives it back. items: answered; refused: the service had too much. */
void lf_gate_leave(struct lf_gate *gate, uint64_t items, bool refused);
/* Lets everybody through from now on. */
void lf_gate_open(struct lf_gate *gate);

#endif
