#include "service/events/events.h"

static const struct {
	const char *name;
	enum lf_event_level level;
	const char *meaning;
} table[LF_EVENT_COUNT] = {
#define LF_EVENT_ROW(constant, name, level, meaning) {name, LF_LEVEL_##level, meaning},
	LF_EVENTS(LF_EVENT_ROW)
#undef LF_EVENT_ROW
};

const char *lf_event_name(enum lf_event event)
{
	return table[event].name;
}

enum lf_event_level lf_event_level(enum lf_event event)
{
	return table[event].level;
}

const char *lf_event_meaning(enum lf_event event)
{
	return table[event].meaning;
}

const char *lf_event_level_name(enum lf_event_level level)
{
	static const char *const names[LF_LEVEL_COUNT] = {"debug", "info", "warning", "error"};

	return names[level];
}
