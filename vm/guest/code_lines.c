#include "vm/guest/code_lines.h"

#include "base/id.h"

#include <string.h>

#define LINE_MAX_BYTES (3u << 20)

void code_lines_done(struct code_lines *lines)
{
	buf_done(&lines->line);
	*lines = (struct code_lines){ 0 };
}

static bool is_own(const struct code_lines *lines)
{
	const struct buf *line = &lines->line;
	size_t n = line->len < ID_LEN ? line->len : ID_LEN;
	return (n == 0 || memcmp(line->data, lines->id, n) == 0) &&
	       (line->len <= ID_LEN || line->data[ID_LEN] == ' ');
}

static bool add_piece(struct code_lines *lines, const char *piece, size_t len, struct err *err)
{
	if (lines->skipping) {
		return true;
	}
	if (lines->line.len + len > LINE_MAX_BYTES && is_own(lines)) {
		return err_set(err, ERR_LIMIT, "it has more than %u bytes", LINE_MAX_BYTES);
	}
	buf_append(&lines->line, piece, len);
	if (!is_own(lines)) {
		lines->skipping = true;
		lines->line.len = 0;
	}
	return true;
}

bool code_lines_add(struct code_lines *lines, const char *bytes, size_t len,
	bool (*take)(const char *line, size_t len, void *data), void *data, struct err *err)
{
	while (len) {
		const char *end = memchr(bytes, '\n', len);
		size_t n = end ? (size_t)(end - bytes) : len;
		if (!add_piece(lines, bytes, n, err)) {
			return false;
		}
		size_t got = lines->line.len;
		bool whole = end && !lines->skipping && got > ID_LEN;
		if (whole && !take((const char *)lines->line.data + ID_LEN + 1, got - ID_LEN - 1,
				     data)) {
			return true;
		}
		if (end) {
			lines->line.len = 0;
			lines->skipping = false;
		}
		n += end ? 1 : 0;
		bytes += n;
		len -= n;
	}
	return true;
}
