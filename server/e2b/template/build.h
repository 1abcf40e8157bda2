#ifndef SERVER_E2B_BUILD_BUILD_H
#define SERVER_E2B_BUILD_BUILD_H

#include "server/e2b/core/request.h"

/*
 * The template builder (E2B's API, "builder"): requests of the control plane.
 *
 * A build is a sandbox in which the steps run; its snapshot is the template.  Builds are kept in
 * memory, so they end with the server; their templates stay.
 */

struct e2b_builds *e2b_builds_new(struct e2b *e2b);
void e2b_builds_free(struct e2b_builds *builds); /* NULL-safe; ends the builds */

void e2b_build_create(struct e2b_request *r, const json_t *body); /* POST /v3/templates */
void e2b_build_link(struct e2b_request *r, const json_t *body);   /* GET /templates/ID/files/HASH */
void e2b_build_start(
	struct e2b_request *r, const json_t *body); /* POST /v2/templates/ID/builds/BUILD */
void e2b_build_status(
	struct e2b_request *r, const json_t *body); /* GET /templates/ID/builds/BUILD/status */
/* PUT /templates/ID/files/HASH?token=TOKEN: the URL of a link.  It has no key, so r->owner is NULL. */
void e2b_build_upload(struct e2b_request *r);

/* Tags: POST and DELETE /templates/tags, GET /templates/ID/tags. */
void e2b_tags_assign(struct e2b_request *r, const json_t *body);
void e2b_tags_remove(struct e2b_request *r, const json_t *body);
void e2b_tags_list(struct e2b_request *r, const json_t *body);

#endif
