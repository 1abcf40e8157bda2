// USES server
/*
 * Lines of a client, hostile ones too, into a whole server on the fake backend.  The first byte
 * picks the revision that was agreed on before and the tools; the loop runs a little after each line, so that
 * answers, cancellations and the sandbox's start come in between.
 */
#include "tests/support/memory_client.h"

#include "base/log.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *const versions[] = { NULL, "2024-11-05", "2025-03-26", "2025-06-18",
	"2025-11-25" };
#define N_VERSIONS (sizeof(versions) / sizeof(versions[0]))
static const char *const selections[] = { "all", "all", "claude", "openai", "gemini" };
#define N_SELECTIONS (sizeof(selections) / sizeof(selections[0]))

static void agree(struct mcp_client *client, const char *version)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":\"%s\"}}",
		version);
	mcp_say(client, buf_text(&text));
}

/* Whatever came in, what goes out is JSON, one message a line. */
static void check_heard(struct mcp_client *client)
{
	while (client->heard.len > 0) {
		json_auto_t *message = mcp_hear(client);
		must(message);
	}
}

static void say_lines(struct mcp_client *client, char *text)
{
	for (char *save, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		if (!client->paused && !client->closing) {
			mcp_say(client, line);
		}
		for (int i = 0; i < 4 && sd_event_run(client->event, 0) > 0; i++) {
		}
		check_heard(client);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len < 1) {
		return 0;
	}
	log_set_level(LOG_LEVEL_ERROR);
	struct mcp_client client;
	mcp_tools = selections[bytes[0] / N_VERSIONS % N_SELECTIONS];
	mcp_init(&client, 4);
	if (versions[bytes[0] % N_VERSIONS]) {
		agree(&client, versions[bytes[0] % N_VERSIONS]);
	}
	auto_free char *text = must(strndup((const char *)bytes + 1, len - 1));
	say_lines(&client, text);
	mcp_done(&client);
	return 0;
}
