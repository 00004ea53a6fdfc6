/* The two services that are about the service itself: Health, and Describe, which gives the interface's descriptors. */
#ifndef LF_SERVICE_DAEMON_SYSTEM_H
#define LF_SERVICE_DAEMON_SYSTEM_H

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/describe.pb-c.h"

struct lf_state;

/* Says SERVING while the log is ready, as far as it was read whole, and no shutdown has begun. */
struct lf_health_service {
	Grpc__Health__V1__Health_Service base;
	struct lf_state *state;
};
/* Borrows state. */
void lf_health_init(struct lf_health_service *service, struct lf_state *state);

/* It needs no state: what it answers is compiled in. */
void lf_describe_init(Leadfit__V1__Describe_Service *service);

#endif
