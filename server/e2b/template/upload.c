/* The archives of COPY: a link, and the upload to it. */
#include "server/e2b/template/build_impl.h"

#include "base/cleanup.h"
#include "server/e2b/core/tokens.h"

#include <fcntl.h>
#include <string.h>

struct build_upload *build_upload_find(struct build *b, const char *hash)
{
	struct build_upload *upload;
	TAILQ_FOREACH(upload, &b->uploads, entry)
	{
		if (strcmp(upload->hash, hash) == 0) {
			return upload;
		}
	}
	return NULL;
}

void e2b_build_link(struct e2b_request *r, const json_t *body)
{
	char id[80], hash[80], token[E2B_TOKEN_SIZE];
	(void)body;
	build_path_part(r, 1, id);
	build_path_part(r, 3, hash);
	struct build *b = build_find(r, r->owner, id, "");
	if (!b) {
		return;
	}
	const char *base = http_base_url(r->x);
	const struct build_upload *upload = build_upload_find(b, hash);
	e2b_token_of(&r->e2b->key, E2B_TOKEN_UPLOAD, b->template_id, token);
	e2b_reply_json(r, 201,
		must(json_pack("{s:b, s:o}", "present", upload != NULL, "url",
			json_sprintf("%s/templates/%s/files/%s?token=%s", base ? base : "", id,
				hash, token))));
}

/* One in transit.  The build may end meanwhile, so it is found again at the end. */
struct uploading {
	struct e2b_request *r;
	char template_id[80], hash[80];
	int fd;         /* -1: kept, or it failed */
	uint64_t bytes; /* held by the build */
};

static void let_go(struct uploading *u)
{
	struct build *b;
	TAILQ_FOREACH(b, &u->r->e2b->builds->list, entry)
	{
		b->held -= strcmp(b->template_id, u->template_id) == 0 ? u->bytes : 0;
	}
	if (u->fd >= 0) {
		close(take_fd(&u->fd));
	}
	u->bytes = 0;
}

static void end_uploading(struct e2b_request *r)
{
	struct uploading *u = take_ptr((struct uploading **)&r->data);
	let_go(u);
	free(u);
}

static size_t count_uploads(const struct build *b)
{
	const struct build_upload *upload;
	size_t n = 0;
	TAILQ_FOREACH(upload, &b->uploads, entry)
	{
		n++;
	}
	return n;
}

static void keep_upload(struct uploading *u, struct build *b)
{
	struct build_upload *upload = build_upload_find(b, u->hash);
	if (b->status != BUILD_WAITING || (!upload && count_uploads(b) == BUILD_UPLOADS_MAX)) {
		e2b_fail(u->r, 409, "a build takes at most %d uploads, before it is started",
			BUILD_UPLOADS_MAX);
		return;
	}
	if (!upload) {
		upload = must(calloc(1, sizeof(*upload)));
		upload->hash = must(strdup(u->hash));
		TAILQ_INSERT_TAIL(&b->uploads, upload, entry);
	} else {
		close(upload->fd);
		b->held -= upload->bytes;
	}
	upload->fd = take_fd(&u->fd);
	upload->bytes = u->bytes;
	u->bytes = 0;
	e2b_reply_empty(u->r, 200);
}

static void take_bytes(struct uploading *u, struct build *b, const void *bytes, size_t len)
{
	if (u->bytes + len > BUILD_UPLOAD_MAX) {
		e2b_fail(u->r, 413, "the files of one COPY have at most %llu bytes",
			(unsigned long long)BUILD_UPLOAD_MAX);
	} else if (!build_hold(b, len)) {
		e2b_fail(u->r, 507,
			"your builds hold %llu bytes of uploads, which is the limit; start them, "
			"or wait until they end",
			(unsigned long long)BUILD_HELD_MAX);
	} else {
		u->bytes += len;
		if (write(u->fd, bytes, len) == (ssize_t)len) {
			return;
		}
		e2b_fail(u->r, 507, "the server has no space for these files");
	}
	let_go(u);
}

static size_t on_part(struct http_exchange *x, const void *bytes, size_t len, void *data)
{
	struct uploading *u = data;
	(void)x;
	struct build *b = u->fd < 0 ? NULL : build_find(u->r, NULL, u->template_id, "");
	if (b && len > 0) {
		take_bytes(u, b, bytes, len);
	} else if (b) {
		keep_upload(u, b);
	}
	return len;
}

void e2b_build_upload(struct e2b_request *r)
{
	struct uploading *u = must(calloc(1, sizeof(*u)));
	u->r = r;
	build_path_part(r, 1, u->template_id);
	build_path_part(r, 3, u->hash);
	u->fd = open(e2b_names_directory(r->e2b->names), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	r->data = u;
	r->closed = end_uploading;
	if (!e2b_token_is(
		    &r->e2b->key, E2B_TOKEN_UPLOAD, u->template_id, http_query(r->x, "token"))) {
		e2b_fail(r, 401, "the URL has no valid token");
	} else if (u->fd < 0) {
		e2b_fail(r, 507, "the server cannot create a temporary file");
	} else if (build_find(r, NULL, u->template_id, "")) {
		http_receive(r->x, on_part, u);
	}
}
