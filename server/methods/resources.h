#ifndef SERVER_METHODS_RESOURCES_H
#define SERVER_METHODS_RESOURCES_H

#include "base/err.h"
#include "base/id.h"
#include "server/mcp/session.h"
#include "server/methods/resource_file.h"

#define RESOURCE_TEMPLATE_SCREEN "desktop://{sandbox}/screen"
#define RESOURCE_TEMPLATE_INFO "desktop://{sandbox}/info"

/* Each sandbox has the first ones; files are not listed. */
enum resource_kind { RESOURCE_SCREEN, RESOURCE_INFO, RESOURCE_FILE, RESOURCE_KINDS };
#define RESOURCE_LISTED RESOURCE_FILE

/* A parsed resource URI; the sandbox need not exist. */
struct resource {
	char sandbox[ID_LEN + 1];
	enum resource_kind kind;
	struct file_part file; /* of a file */
};
void resource_done(struct resource *resource);
bool resource_parse(const char *uri, struct resource *ret, struct err *err) NODISCARD;

/* A resource that does not belong to a sandbox, or a template with one variable:
 * "test://{id}/data". */
struct resource_row {
	const char *uri, *name, *title, *help, *type;
	/* Must call request_reply() or request_fail(), now or later.  value: the variable's value,
	 * valid during the call; "" without one. */
	void (*read)(struct request *request, const struct resource_row *row, const char *value);
};

/* *ret_value, to free(), may be NULL. */
const struct resource_row *resource_row_find(
	const struct server *server, const char *uri, char **ret_value);
/* body: {"blob": ...} or {"text": ...}; taken. */
void resource_reply(struct request *request, const char *type, json_t *body);

#endif
