// USES server
/*
 * A form, whole and in pieces, for a reader that takes all and for one that takes little: both must
 * see the same parts.  The first byte says how long the pieces are; the boundary is XX.
 */
#include "server/transfer/disposition.h"
#include "server/transfer/multipart.h"

#include "base/cleanup.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct reader {
	struct buf seen;
	size_t most;
	unsigned calls;
};

static bool begin(const char *name, const char *filename, void *data, struct err *err)
{
	struct reader *r = data;
	(void)err;
	buf_printf(&r->seen, "[%s|%s]", name, filename ? filename : "-");
	auto_buf struct buf header = { 0 };
	disposition_write(&header, filename ? filename : name);
	return true;
}

static size_t take(const void *bytes, size_t len, void *data)
{
	struct reader *r = data;
	size_t n = len < r->most ? len : r->most;
	n = r->most != SIZE_MAX && r->calls++ % 2 ? 0 : n;
	buf_append(&r->seen, bytes, n);
	return n;
}

static bool end(void *data)
{
	struct reader *r = data;
	buf_append(&r->seen, ";", 1);
	return r->most == SIZE_MAX;
}

static const struct multipart_handlers handlers = { begin, take, end };

/* Returns whether it was complete. */
static bool parse(struct reader *r, const char *form, size_t len, size_t piece)
{
	struct multipart m;
	struct err err;
	if (!multipart_init(&m, "multipart/form-data; boundary=XX", &handlers, r, &err)) {
		abort();
	}
	err.kind = ERR_NONE;
	for (size_t at = 0; at < len && err.kind == ERR_NONE;) {
		size_t n = len - at < piece ? len - at : piece;
		at += multipart_add(&m, form + at, n, &err);
	}
	bool complete = multipart_is_complete(&m);
	multipart_done(&m);
	return complete;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len < 1) {
		return 0;
	}
	struct reader whole = { .most = SIZE_MAX }, pieces = { .most = 1 };
	bool complete = parse(&whole, (const char *)bytes + 1, len - 1, len);
	bool same = parse(&pieces, (const char *)bytes + 1, len - 1, bytes[0] + 1u) == complete &&
		    whole.seen.len == pieces.seen.len &&
		    (whole.seen.len == 0 ||
			    memcmp(whole.seen.data, pieces.seen.data, whole.seen.len) == 0);
	if (!same) {
		abort();
	}
	buf_done(&whole.seen);
	buf_done(&pieces.seen);
	return 0;
}
