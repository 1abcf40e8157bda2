/* Finds the servers and their sandboxes. */
#include "server/client/find.h"

#include "base/cleanup.h"
#include "server/client/client.h"
#include "server/remote/directory.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_SECONDS 15
#define LOCAL_SECONDS 3 /* one of several servers may be stopped */
#define LIST_MAX (4u << 20)

int client_fail(const char *name, const struct err *err)
{
	fprintf(stderr, "vitrine %s: %s\n", name, err->text);
	return 1;
}

bool remote_where_option(
	struct remote_where *where, int argc, char **argv, int *at, struct err *err)
{
	static const char *const names[] = { "--url", "--state-dir" };
	err->kind = ERR_NONE;
	for (size_t i = 0; i < 2; i++) {
		const char **value = i ? &where->state_dir : &where->url;
		size_t len = strlen(names[i]);
		if (strncmp(argv[*at], names[i], len) == 0 && argv[*at][len] == '=') {
			*value = argv[*at] + len + 1;
			*at += 1;
			return true;
		}
		if (strcmp(argv[*at], names[i]) == 0 && *at + 1 < argc) {
			*value = argv[*at + 1];
			*at += 2;
			return true;
		}
		if (strcmp(argv[*at], names[i]) == 0) {
			return err_set(err, ERR_ARGUMENT, "%s requires a value", names[i]);
		}
	}
	return err_set(err, ERR_ARGUMENT, "unknown option '%s'", argv[*at]);
}

/* ---- libcurl ---- */

CURL *remote_handle(const char *at, const char *path, struct curl_slist **headers)
{
	auto_buf struct buf url = { 0 };
	const char *token = getenv("VITRINE_TOKEN");
	bool local = strncmp(at, "unix:", 5) == 0;
	CURL *curl = must(curl_easy_init());
	size_t len = strlen(at);
	while (len && at[len - 1] == '/') {
		len--;
	}
	if (local) {
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, at + 5);
		buf_printf(&url, "http://localhost%s", path);
	} else {
		buf_printf(&url, "%.*s%s", (int)len, at, path);
	}
	if (!local && token) {
		auto_buf struct buf header = { 0 };
		buf_printf(&header, "Authorization: Bearer %s", token);
		*headers = curl_slist_append(*headers, buf_text(&header));
	}
	curl_easy_setopt(curl, CURLOPT_URL, buf_text(&url));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	return curl;
}

static size_t take_text(char *bytes, size_t size, size_t n, void *data)
{
	struct buf *to = data;
	if (to->len + size * n > LIST_MAX) {
		return 0;
	}
	buf_append(to, bytes, size * n);
	return size * n;
}

static json_t *get_list(const char *at, struct err *err)
{
	auto_buf struct buf text = { 0 };
	struct curl_slist *headers = NULL;
	CURL *curl = remote_handle(at, "/api/sandboxes", &headers);
	long status = 0;
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_text);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT,
		(long)(strncmp(at, "unix:", 5) == 0 ? LOCAL_SECONDS : CONNECT_SECONDS));
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	json_t *list =
		code == CURLE_OK && status == 200 ? json_loads(buf_text(&text), 0, NULL) : NULL;
	if (code != CURLE_OK) {
		err_set(err, ERR_HOST, "%s does not answer: %s", at, curl_easy_strerror(code));
	} else if (status == 401) {
		err_set(err, ERR_HOST,
			"%s refuses the token; set VITRINE_TOKEN to one of its tokens", at);
	} else if (!json_is_array(list)) {
		err_set(err, ERR_HOST, "%s is no Vitrine server with this API (HTTP status %ld)",
			at, status);
		json_decref(list);
		list = NULL;
	}
	return list;
}

/* ---- finding ---- */

static void add_all(json_t *to, json_t *list, const char *at)
{
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one)
	{
		json_object_set_new(one, "at", json_string(at));
		json_array_append(to, one);
	}
	json_decref(list);
}

/* Sockets without a listener are left by servers that were killed; they are skipped. */
static bool add_sockets(const char *dir, json_t *to)
{
	bool any = false;
	DIR *entries = opendir(dir);
	struct dirent *entry;
	while (entries && (entry = readdir(entries))) {
		auto_buf struct buf at = { 0 };
		struct err ignored;
		buf_printf(&at, "unix:%s/%s", dir, entry->d_name);
		json_t *list = entry->d_name[0] == '.' ? NULL : get_list(buf_text(&at), &ignored);
		any |= list != NULL;
		if (list) {
			add_all(to, list, buf_text(&at));
		}
	}
	if (entries) {
		closedir(entries);
	}
	return any;
}

json_t *remote_sandboxes(const struct remote_where *where, struct err *err)
{
	const char *url = where->url ? where->url : getenv("VITRINE_URL");
	json_auto_t *all = json_array();
	if (url) {
		json_t *list = get_list(url, err);
		if (!list) {
			return NULL;
		}
		add_all(all, list, url);
		return json_incref(all);
	}
	auto_free char *dir = remote_directory(where->state_dir, err);
	if (!dir) {
		return NULL;
	}
	if (!add_sockets(dir, all)) {
		err_set(err, ERR_NOT_FOUND,
			"no server of this user runs on this machine (no socket in %s answers); start "
			"one, or name one with --url and VITRINE_TOKEN",
			dir);
		return NULL;
	}
	return json_incref(all);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

const json_t *remote_choose(const json_t *all, const char *sandbox, struct err *err)
{
	const json_t *found = NULL;
	size_t i, n = 0;
	json_t *one;
	json_array_foreach(all, i, one)
	{
		const char *id = json_string_value(json_object_get(one, "id"));
		if (id && *sandbox && begins(id, sandbox)) {
			found = one;
			n++;
		}
	}
	if (n != 1) {
		err_set(err, ERR_NOT_FOUND,
			"%s sandbox begins with '%.40s'; `vitrine ls` lists all",
			n ? "more than one" : "no", sandbox);
		return NULL;
	}
	return found;
}
