/* Pagination.  The cursor is the index of the next item, opaque to clients. */
#include "server/methods/methods_impl.h"

#include <stdio.h>

#define PAGE 100

bool page_read(struct request *request, size_t count, size_t *ret_from, size_t *ret_to)
{
	const json_t *cursor = json_object_get(request->params, "cursor");
	size_t from = 0;
	int used = 0;
	if (cursor && !json_is_null(cursor)) {
		const char *text = json_string_value(cursor);
		if (!text || json_string_length(cursor) > 16 ||
			sscanf(text, "from-%8zu%n", &from, &used) != 1 || text[used] ||
			from > count) {
			request_fail(request, RPC_INVALID_PARAMS, NULL,
				"params.cursor must be a nextCursor of this list; repeat the request "
				"without it");
			return false;
		}
	}
	*ret_from = from;
	*ret_to = count - from > PAGE ? from + PAGE : count;
	return true;
}

void page_mark(json_t *result, size_t to, size_t count)
{
	if (to < count) {
		json_object_set_new(result, "nextCursor", json_sprintf("from-%zu", to));
	}
}
