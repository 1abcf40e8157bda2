#include "server/e2b/control/call.h"

const struct control_row control_history_rows[] = {
	{ 0 },
};
