#include "vm/wire/messages_wait.h"

#include "vm/wire/action.h"
#include "vm/wire/message_table.h"
#include "vm/wire/messages_text.h"
#include "vm/wire/messages_windows.h"

const char *const wait_until_names[] = { "change", "settled", "window", "window_gone",
	"process_exit", "file", "port", "text", NULL };

#define WAIT struct msg_wait
static const struct field wait_fields[] = {
	FIELD_ONE_OF(WAIT, until, "The event.", wait_until_names, REQUIRED),
	FIELD_LIST(WAIT, region, "change, settled, text: [x0, y0, x1, y1], only there.", 4),
	FIELD_NUM(WAIT, since, "change: since this frame.", .min = 0, .max = FRAME_ID_MAX),
	FIELD_STR(WAIT, title, "window, window_gone: part of the title.", .min = 1,
		.max = MESSAGE_TEXT_MAX),
	FIELD_STR(WAIT, class, "window, window_gone: class of the program.", .min = 1,
		.max = MESSAGE_TEXT_MAX),
	FIELD_NUM(WAIT, window, "window_gone: its id.", .max = ID_MAX),
	FIELD_NUM(WAIT, pid, "process_exit, window, window_gone.", .max = ID_MAX),
	FIELD_STR(WAIT, path, "file: relative to the home directory.", .min = 1,
		.max = MESSAGE_PATH_MAX),
	FIELD_NUM(WAIT, port, "port: a TCP port.", .max = 65535),
	FIELD_STR(WAIT, text, "text: as in `find_text`, whose `source` is `any`.", .min = 1,
		.max = TEXT_BYTES_MAX),
	FIELD_NUM(WAIT, timeout_ms, "Time after which it is given up.", REQUIRED, .max = MS_MAX),
	FIELD_NUM(WAIT, quiet_ms, "settled: time without a change.", .min = 1, .max = MS_MAX,
		.default_value = 150),
	FIELD_NUM(WAIT, elements_ms, "text: as in `find_text`.", .min = 1, .max = 60000,
		.default_value = TEXT_ELEMENTS_MS),
	END,
};

#define ANSWER struct msg_wait_answer
static const struct field wait_answer_fields[] = {
	FIELD_FLAG(ANSWER, happened, "false: given up.", REQUIRED),
	FIELD_NUM(ANSWER, ms, "It took.", REQUIRED, .max = MS_MAX),
	FIELD_NUM(ANSWER, from, "Frame at the start.", REQUIRED, .max = COUNT_MAX),
	FIELD_NUM(ANSWER, frame_id, "Frame now.", REQUIRED, .max = COUNT_MAX),
	FIELD_STR(ANSWER, text, "What happened, or what is missing: a sentence.", REQUIRED,
		.max = MESSAGE_TEXT_MAX),
	FIELD_JSON(ANSWER, window, "The window."),
	FIELD_JSON(ANSWER, match, "Where the text is, like one of `find_text`."),
	FIELD_JSON(ANSWER, moving, "Regions that keep changing: [[x0, y0, x1, y1]]."),
	END,
};

const struct message message_wait = {
	.name = "wait",
	.help = "Waits for one event, without polling pictures. If it is true already, the answer "
		"comes at once. A timeout is an answer, too.",
	.request = PART(WAIT, wait_fields),
	.answer = PART(ANSWER, wait_answer_fields),
	.members = MEMBERS({ "window", msg_window_fields }, { "match", msg_text_match_fields }),
};

const struct message *const messages_wait[] = { &message_wait, NULL };

/* ---- arguments ---- */

enum {
	REGION = 1,
	SINCE = 2,
	TITLE = 4,
	CLASS = 8,
	WINDOW = 16,
	PID = 32,
	PATH = 64,
	PORT = 128,
	TEXT = 256
};

static const char *const names[] = { "region", "since", "title", "class", "window", "pid", "path",
	"port", "text" };

static const struct {
	unsigned takes, needs_one_of;
	const char *needs;
} rules[] = {
	[WAIT_CHANGE] = { REGION | SINCE, 0, NULL },
	[WAIT_SETTLED] = { REGION, 0, NULL },
	[WAIT_WINDOW] = { TITLE | CLASS | PID, TITLE | CLASS | PID, "'title', 'class' or 'pid'" },
	[WAIT_WINDOW_GONE] = { TITLE | CLASS | PID | WINDOW, TITLE | CLASS | PID | WINDOW,
		"'window', 'title', 'class' or 'pid'" },
	[WAIT_PROCESS_EXIT] = { PID, PID, "'pid'" },
	[WAIT_FILE] = { PATH, PATH, "'path'" },
	[WAIT_PORT] = { PORT, PORT, "'port'" },
	[WAIT_TEXT] = { TEXT | REGION, TEXT, "'text'" },
};

static unsigned given(const struct msg_wait *w)
{
	return (w->region.count ? REGION : 0) | (w->since ? SINCE : 0) | (w->title ? TITLE : 0) |
	       (w->class ? CLASS : 0) | (w->window ? WINDOW : 0) | (w->pid ? PID : 0) |
	       (w->path ? PATH : 0) | (w->port ? PORT : 0) | (w->text ? TEXT : 0);
}

bool wait_check(const struct msg_wait *w, struct size frame, struct err *err)
{
	unsigned has = given(w), extra = has & ~rules[w->until].takes;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (extra & 1u << i) {
			return err_set(err, ERR_ARGUMENT, "'%s' has no effect with until \"%s\"",
				names[i], wait_until_names[w->until]);
		}
	}
	if (rules[w->until].needs && !(has & rules[w->until].needs_one_of)) {
		return err_set(err, ERR_ARGUMENT, "until \"%s\" requires %s",
			wait_until_names[w->until], rules[w->until].needs);
	}
	return geometry_check_region(&w->region, frame, err);
}
