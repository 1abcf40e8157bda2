/* One file for the reports of several programs. */
#include "tests/bench/report_file.h"

#include "base/cleanup.h"

bool report_append(const char *path, json_t *rows, struct err *err)
{
	json_auto_t *there = json_load_file(path, 0, NULL);
	json_auto_t *report = json_is_object(there) ? json_incref(there) : must(json_object());
	json_t *list = json_object_get(report, "rows");
	if (list) {
		json_array_extend(list, rows);
	} else {
		json_object_set(report, "rows", rows);
	}
	return json_dump_file(report, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0 ||
	       err_errno(err, "cannot write %s", path);
}
