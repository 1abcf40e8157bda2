// USES server
/*
 * Where a request of E2B's API goes: lines with the Host, the two headers, and a path of the control
 * plane.  Whatever came in, what comes out is an id, a port, and a part of a path.
 */
#include "base/cleanup.h"
#include "server/e2b/control/call.h"
#include "server/e2b/core/place.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static char *line(char **rest)
{
	char *text = strsep(rest, "\n");
	return text && *text ? text : NULL;
}

static void try_place(const struct e2b_names *names)
{
	struct e2b_place place;
	struct err err = { 0 };
	if (!e2b_place_find(names, &place, &err)) {
		check(err.text[0]);
		return;
	}
	size_t id = strlen(place.id);
	check(id <= E2B_ID_MAX && strspn(place.id, "abcdefghijklmnopqrstuvwxyz0123456789") == id);
	check(id ? place.port >= 1 && place.port <= 65535 : place.port == 0);
	check(names->host || !place.is_named);
}

static void try_path(const char *path)
{
	static const char *const patterns[] = { "/sandboxes/{}", "/v2/sandboxes/{}/connect",
		"/templates/*", "/templates/aliases/*" };
	char id[CONTROL_ID_MAX + 1];
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		if (control_path_matches(patterns[i], path, id)) {
			check(id[0] && strlen(id) <= CONTROL_ID_MAX);
			check(strchr(patterns[i], '*') || !strchr(id, '/'));
		}
	}
}

static void try_query(const char *text)
{
	int64_t ms;
	json_auto_t *metadata = control_metadata_read(text);
	check(json_is_object(metadata));
	(void)!control_time_read(text, &ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	auto_free char *text = must(malloc(len + 1));
	memcpy(text, bytes, len);
	text[len] = '\0';
	char *rest = text;
	struct e2b_names names = { .domain = "vitrine.localhost" };
	names.host = line(&rest);
	names.id = line(&rest);
	names.port = line(&rest);
	try_place(&names);
	if (rest) {
		char *path = strsep(&rest, "\n");
		try_path(path);
		try_query(rest ? rest : path);
	}
	return 0;
}
