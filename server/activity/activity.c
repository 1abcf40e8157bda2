#include "server/activity/activity.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <string.h>

/* Error texts may have several lines. */
void activity_add(struct activity *activity, struct activity_record *record)
{
	auto_free char *line = must(strndup(record->summary, strcspn(record->summary, "\r\n")));
	record->summary = line[0] ? line : record->tool->title;
	record->id = ++activity->last_id;
	record->time = clock_wall_ms();
	LISTENERS_NOTIFY(&activity->calls, struct activity_fns, call, record);
}
