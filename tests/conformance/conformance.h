#ifndef TESTS_CONFORMANCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_CONFORMANCE_H

#include "server/methods/prompts.h"
#include "server/methods/resources.h"
#include "tools/call/tool.h"

/*
 * What the official conformance suite (@modelcontextprotocol/conformance) wants to find in a
 * server: fixtures with fixed names, which vitrine-conformance adds to `vitrine serve`.  They go
 * through the same tables, dispatcher and transports as everything else.
 */
extern const struct server_addition conformance_addition;

/* ---- between the files of this mode ---- */

/* A tool that asks the client in one round or more. */
struct conformance_asking {
	struct tool tool;
	const char *rounds;    /* JSON: [{key: {method, params}}, ...] */
	bool only_what_it_can; /* leaves out what this client cannot be asked */
};
const struct conformance_asking *conformance_asking_of(struct call *call);

/* One red pixel. */
#define CONFORMANCE_PNG \
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSu" \
	"QmCC"

/* {type: "text", text} */
json_t *conformance_text(const char *text);
/* {type: "resource", resource: {uri, mimeType, text}} */
json_t *conformance_embedded(const char *uri, const char *type, const char *text);

#endif
