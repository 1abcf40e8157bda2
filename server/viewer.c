/* The pages for people: their routes, and what they share. */
#include "server/viewer.h"

#include "base/cleanup.h"

struct viewer_pages {
	struct http *http;
};

struct viewer_pages *viewer_pages_new(struct http *http, struct streams *streams,
	struct vm_pool *vms, const struct viewer_options *options, struct err *err)
{
	(void)streams, (void)vms, (void)options, (void)err;
	struct viewer_pages *pages = must(calloc(1, sizeof(*pages)));
	pages->http = http;
	return pages;
}

void viewer_pages_free(struct viewer_pages *pages)
{
	free(pages);
}

void viewer_pages_called(const char *owner, const struct tool *tool, const json_t *args,
	const json_t *content, const struct err *why, void *data)
{
	(void)owner, (void)tool, (void)args, (void)content, (void)why, (void)data;
}
