#ifndef VM_WIRE_MESSAGES_DESKTOP_H
#define VM_WIRE_MESSAGES_DESKTOP_H

#include "vm/wire/message.h"

/* The desktop as a whole, and its windows. */
extern const struct message *const messages_desktop[]; /* NULL-terminated */

struct msg_watch {
	bool on;
};
extern const struct message message_watch;

struct msg_info_answer {
	struct field_ints screen, frame;
	int64_t frame_id, uptime_ms, pid_count;
	const char *layout;
	const json_t *windows;
};
extern const struct message message_info;

struct msg_usage {
	bool processes; /* only what they use: a namespace shares its kernel with the host */
};
struct msg_usage_answer {
	int64_t cpus, cpu_ms;                            /* busy, of all CPUs, since the boot */
	int64_t memory_total, memory_used, memory_cache; /* in bytes */
	int64_t disk_total, disk_used;
};
extern const struct message message_usage;

struct msg_display_set {
	int64_t width, height, scale; /* 0: as it is; width and height go together */
};
/* The answer, and the contents of the event `resized`. */
struct msg_display {
	struct field_ints screen, frame;
	int64_t scale;
};
extern const struct message message_display_set;
extern const struct field msg_display_fields[];
/* ERR_ARGUMENT unless it changes something, and a size as a whole. */
bool msg_display_set_check(const struct msg_display_set *args, struct err *err) NODISCARD;

extern const struct message message_ping;

#endif
