#include "vm/agent/elements/element_action.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

#define LIKE_MAX 10

/* The best first. */
static const struct {
	const char *wanted, *like[LIKE_MAX];
} meanings[] = {
	{ "click", { "click", "press", "activate", "doDefault", "jump", "toggle", "check",
			   "uncheck", "select", "open" } },
	{ "press", { "press", "click", "activate", "doDefault", "jump", "toggle" } },
	{ "activate", { "activate", "click", "press", "doDefault", "jump", "open" } },
	{ "toggle", { "toggle", "check", "uncheck", "click", "press", "doDefault" } },
	{ "expand", { "expand", "expand or collapse", "open", "showMenu", "toggle", "activate",
			    "press", "click", "doDefault" } },
	{ "collapse", { "collapse", "expand or collapse", "close", "toggle", "activate", "press",
			      "click", "doDefault" } },
	{ "select", { "select", "click", "activate", "press", "doDefault" } },
	{ "open", { "open", "activate", "expand", "showMenu", "click", "press", "doDefault" } },
	{ "menu", { "menu", "showMenu", "show menu", "popup", "showContextMenu" } },
};

static int find(const char *name, const char *const *offered, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcasecmp(name, offered[i]) == 0) {
			return i;
		}
	}
	return -1;
}

int element_action_choose(const char *wanted, const char *const *offered, int n)
{
	int chosen = find(wanted, offered, n);
	for (size_t i = 0; chosen < 0 && i < sizeof(meanings) / sizeof(*meanings); i++) {
		bool is_meant = strcasecmp(wanted, meanings[i].wanted) == 0;
		for (size_t k = 0; is_meant && chosen < 0 && k < LIKE_MAX && meanings[i].like[k];
			k++) {
			chosen = find(meanings[i].like[k], offered, n);
		}
	}
	return chosen;
}
