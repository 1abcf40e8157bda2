#ifndef SERVER_TRANSFER_UPLOAD_H
#define SERVER_TRANSFER_UPLOAD_H

#include "server/transfer/status.h"
#include "vm/guest/files.h"

/*
 * The body of a request, on a route that streams bodies, as files of a sandbox: as one file, or with
 * multipart/form-data as all parts named "file", in their order.  Content-Encoding: gzip is decoded.
 * The client sends as fast as the sandbox writes.  What is not complete when the client disconnects
 * is abandoned (vm/guest/files.h, guest_file_write).
 */
struct upload;

struct upload_how {
	struct msg_file_write
		write; /* of each file, without path; copied, xattrs with a reference */
	/* Where a file is stored: a path to free().  filename: of its part, decoded, maybe with
	 * slashes, or ""; NULL: the body is the file.  NULL: refuses the request with 400. */
	char *(*place)(const char *filename, void *data, struct err *err);
	/* Everything is stored.  files: [{"path", "name", "bytes"}]; x has to be answered. */
	void (*done)(struct http_exchange *x, const json_t *files, void *data);
	transfer_failed_fn *failed;
};

/* how is copied. */
struct upload *upload_begin(
	struct http_exchange *x, struct guest *guest, const struct upload_how *how, void *data);
/* To be called when x has closed.  NULL-safe. */
void upload_free(struct upload *u);

#endif
