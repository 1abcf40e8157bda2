#ifndef SERVER_RESOURCE_H
#define SERVER_RESOURCE_H

#include "base/err.h"
#include "base/id.h"

#define RESOURCE_TEMPLATE_SCREEN "desktop://{sandbox}/screen"
#define RESOURCE_TEMPLATE_INFO "desktop://{sandbox}/info"

enum resource_kind { RESOURCE_SCREEN, RESOURCE_INFO, RESOURCE_KINDS };

/* What a URI of ours names; the sandbox need not exist. */
struct resource {
	char sandbox[ID_LEN + 1];
	enum resource_kind kind;
};
bool resource_parse(const char *uri, struct resource *ret, struct err *err) NODISCARD;

#endif
