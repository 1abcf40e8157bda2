// USES transport
/* What HTTP headers and addresses say: texts that are right, and many that are not. */
#include "base/buf.h"
#include "transport/http/http_impl.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *split(const char *text)
{
	static char out[HTTP_NAME_MAX + 10];
	char name[HTTP_NAME_MAX], port[6];
	if (!http_split_authority(text, name, port)) {
		return "no";
	}
	snprintf(out, sizeof(out), "%s|%s", name, port);
	return out;
}

Test(http_check, authorities)
{
	static const struct {
		const char *text, *parts;
	} rows[] = {
		{ "localhost", "localhost|" },
		{ "LocalHost:80", "localhost|80" },
		{ "desk.example.:8765", "desk.example|8765" },
		{ "127.0.0.1:0", "127.0.0.1|0" },
		{ "[::1]", "::1|" },
		{ "[0:0:0::1]:65535", "::1|65535" },
		{ "", "no" },
		{ ":80", "no" },
		{ "a:", "no" },
		{ "a:65536", "no" },
		{ "a:123456", "no" },
		{ "a:-1", "no" },
		{ "a: 1", "no" },
		{ "a:1:2", "no" },
		{ "a b", "no" },
		{ "a/b", "no" },
		{ "user@a", "no" },
		{ "a\nb", "no" },
		{ "::1", "no" },
		{ "[::1", "no" },
		{ "[]", "no" },
		{ "[::1]x", "no" },
		{ "[localhost]", "no" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_str_eq(split(rows[i].text), rows[i].parts, "\"%s\" gave %s", rows[i].text,
			split(rows[i].text));
	}
	char longest[HTTP_NAME_MAX + 1];
	memset(longest, 'a', sizeof(longest) - 1);
	longest[HTTP_NAME_MAX] = '\0';
	cr_expect_str_eq(split(longest), "no");
	cr_expect_str_neq(split(longest + 1), "no");
}

Test(http_check, hosts)
{
	struct http_names names;
	struct err err;
	cr_assert(http_names_init(&names, " desk.example ,,[fe80::1], other:81", NULL, &err));
	static const char *const right[] = { "localhost", "localhost:1234", "127.0.0.1", "[::1]:5",
		"LOCALHOST.", "10.0.0.7:3", "desk.example", "Desk.Example:9", "other:81" };
	static const char *const wrong[] = { "evil.example", "localhost.evil.example", "127.0.0.2",
		"", "other", "other:82", "localhost@evil.example", "desk.example.evil" };
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		cr_expect(http_host_is_allowed(&names, "10.0.0.7", right[i]), "%s", right[i]);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_not(http_host_is_allowed(&names, "10.0.0.7", wrong[i]), "%s", wrong[i]);
	}
	cr_expect_not(http_host_is_allowed(&names, NULL, NULL));
	http_names_done(&names);
}

Test(http_check, origins)
{
	struct http_names names;
	struct err err;
	cr_assert(http_names_init(&names, NULL, "https://ok.example", &err));
	static const char *const right[] = { "http://localhost:6274", "https://127.0.0.1",
		"http://[::1]:1", "https://ok.example", "HTTPS://OK.example", "https://my.host:1" };
	static const char *const wrong[] = { "null", "", "http://evil.example", "ok.example",
		"http://ok.example", "https://ok.example:8443", "file://localhost",
		"http://localhost/path", "http://localhost:x", "https://my.host" };
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		cr_expect(http_origin_is_allowed(&names, NULL, "my.host:1", right[i]), "%s",
			right[i]);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_not(http_origin_is_allowed(&names, NULL, "my.host:1", wrong[i]), "%s",
			wrong[i]);
	}
	http_names_done(&names);
}

Test(http_check, origins_of_no_web_page)
{
	struct http_names names;
	struct err err = { 0 };
	static const char *const right[] = { "chrome-extension://abcdefghijklmnop",
		"moz-extension://4ab3c1de-1f", "app://obsidian.md", "tauri://localhost",
		"capacitor://localhost", "vscode-webview://1AbC", "x-y+z.1://host:80" };
	static const char *const wrong[] = { "chrome-extension://", "moz-extension:", "null", "*",
		"app://*", "app://a/b", "://host", "1app://host", "app:/host", "app//host",
		"app://a b", "file:///etc", "app://u@host" };
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		cr_assert(http_names_init(&names, NULL, right[i], &err), "%s: %s", right[i],
			err.text);
		cr_expect(http_origin_is_allowed(&names, NULL, "localhost", right[i]));
		cr_expect(http_origin_is_same(&names, "localhost", right[i]));
		cr_expect_not(http_origin_is_allowed(&names, NULL, "localhost", "app://other"));
		http_names_done(&names);
	}
	cr_assert(http_names_init(&names, NULL, NULL, &err));
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		cr_expect_not(http_origin_is_allowed(&names, NULL, "localhost", right[i]),
			"only when it was named: %s", right[i]);
	}
	http_names_done(&names);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_not(http_names_init(&names, NULL, wrong[i], &err), "%s", wrong[i]);
	}
}

Test(http_check, bad_lists_are_named)
{
	struct http_names names;
	struct err err = { 0 };
	cr_expect_not(http_names_init(&names, "good.example, b@d", NULL, &err));
	cr_expect(strstr(err.text, "\"b@d\""), "%s", err.text);
	cr_expect_not(http_names_init(&names, "good.example", "https://a.example/", &err));
	cr_expect(strstr(err.text, "https://a.example/"), "%s", err.text);
	char many[300] = "";
	for (int i = 0; i < 65; i++) {
		memcpy(many + i * 2, "a,", 3);
	}
	cr_expect_not(http_names_init(&names, many, NULL, &err));
	cr_expect(strstr(err.text, "64"), "%s", err.text);
}

Test(http_check, tokens)
{
	cr_expect_str_eq(http_bearer_token("Bearer abc-._~+/=9"), "abc-._~+/=9");
	cr_expect_str_eq(http_bearer_token("bEARER   x"), "x");
	static const char *const wrong[] = { "Bearer", "Bearer ", "Basic abc", "Bearer a b",
		"Bearer a,b", "Bearer \xc3\xa4", "xBearer a", "" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_null(http_bearer_token(wrong[i]), "%s", wrong[i]);
	}
	cr_expect_null(http_bearer_token(NULL));
}

Test(http_check, accept)
{
	static const char *const right[] = { "application/json", "text/html, application/json",
		"application/json;q=0.5", "*/*", "application/*;q=1", "Application/JSON ; q=0.001",
		"text/html;q=0,application/json" };
	static const char *const wrong[] = { "", "text/html", "application/json;q=0",
		"application/json; q=0.000", "application/jsonx", "*/json", "text/*", ",,", ";" };
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		cr_expect(http_accepts(right[i], "application/json"), "%s", right[i]);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_not(http_accepts(wrong[i], "application/json"), "%s", wrong[i]);
	}
	cr_expect(http_accepts(NULL, "application/json"));
	cr_expect(http_type_is("application/json", "application/json"));
	cr_expect(http_type_is("Application/JSON; charset=utf-8", "application/json"));
	cr_expect_not(http_type_is("application/json5", "application/json"));
	cr_expect_not(http_type_is("text/plain", "application/json"));
	cr_expect_not(http_type_is(NULL, "application/json"));
}

Test(http_check, escapes)
{
	static const char *const rows[][2] = {
		{ "abc", "abc" },
		{ "%41%2f%7E", "A/~" },
		{ "%00", "%00" }, /* would cut the text short */
		{ "a%", "a%" },
		{ "%4", "%4" },
		{ "%zz%20", "%zz " },
		{ "%%41", "%A" },
		{ "a+b", "a+b" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[20];
		snprintf(text, sizeof(text), "%s", rows[i][0]);
		cr_expect_eq(http_unescape(text), strlen(rows[i][1]));
		cr_expect_str_eq(text, rows[i][1]);
	}
}

Test(http_check, addresses)
{
	struct http_address at;
	struct err err;
	cr_expect(http_address_parse("127.0.0.1:8765", &at, &err));
	cr_expect(strcmp(at.host, "127.0.0.1") == 0 && strcmp(at.port, "8765") == 0);
	cr_expect(http_address_parse("[::1]:0", &at, &err));
	cr_expect(strcmp(at.host, "::1") == 0 && at.kind == HTTP_ADDRESS_TCP);
	cr_expect(http_address_parse("unix:/run/x", &at, &err));
	cr_expect(at.kind == HTTP_ADDRESS_UNIX && strcmp(at.path, "/run/x") == 0);
	cr_expect(http_address_parse("systemd", &at, &err) && at.kind == HTTP_ADDRESS_SYSTEMD);
	static const char *const wrong[] = { "", "8765", ":8765", "127.0.0.1",
		"localhost:", "localhost:http", "[::1]", "unix:", "unix:@hidden",
		"http://127.0.0.1:80", "1.2.3.4:99999" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err.text[0] = '\0';
		cr_expect_not(http_address_parse(wrong[i], &at, &err), "%s", wrong[i]);
		cr_expect(err.text[0]);
	}
	char path[200] = "unix:/";
	memset(path + 6, 'x', 150);
	cr_expect_not(http_address_parse(path, &at, &err));
	cr_expect(strstr(err.text, "shorter"), "%s", err.text);
}

static const char *event(const char *name, const char *id, const char *data, unsigned retry)
{
	static struct buf out;
	buf_done(&out);
	http_event_write(&out, name, id, data, data ? strlen(data) : 0, retry);
	return buf_text(&out);
}

Test(http_check, events)
{
	cr_expect_str_eq(event("message", NULL, "{}", 0), "event: message\ndata: {}\n\n");
	cr_expect_str_eq(event(NULL, "7", "", 1500), "retry: 1500\nid: 7\ndata: \n\n");
	cr_expect_str_eq(event(NULL, "7", NULL, 0), "id: 7\ndata: \n\n");
	cr_expect_str_eq(event(NULL, NULL, NULL, 10), "retry: 10\n\n");
	cr_expect_str_eq(event(NULL, NULL, "a\nb\r\nc\rd\n", 0),
		"data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
	cr_expect_str_eq(event("a\nid: 1", "x\r\ny", "z", 0), "event: aid: 1\nid: xy\ndata: z\n\n",
		"no line of its own comes in through a field");
}

Test(http_check, words_of_a_list)
{
	cr_expect(http_has_word("keep-alive, Upgrade", "upgrade"));
	cr_expect(http_has_word("Upgrade\t ,x", "upgrade"));
	cr_expect(http_has_word(" ,,upgrade", "upgrade"));
	cr_expect_not(http_has_word("upgrades, xupgrade, up grade", "upgrade"));
	cr_expect_not(http_has_word("", "upgrade"));
	cr_expect_not(http_has_word(NULL, "upgrade"));
}

Test(http_check, origins_that_are_our_own)
{
	struct http_names names;
	struct err err;
	cr_assert(http_names_init(&names, NULL, "https://pages.example", &err));
	cr_expect(http_origin_is_same(&names, "localhost:80", "http://localhost:80"));
	cr_expect(http_origin_is_same(&names, "desk.example", "https://DESK.example"));
	cr_expect(http_origin_is_same(&names, "desk.example", "https://pages.example"));
	cr_expect_not(http_origin_is_same(&names, "localhost:80", "http://localhost:81"));
	cr_expect_not(http_origin_is_same(&names, "localhost:80", "http://127.0.0.1:80"));
	cr_expect_not(http_origin_is_same(&names, "localhost:80", "ftp://localhost:80"));
	cr_expect_not(http_origin_is_same(&names, NULL, "http://localhost"));
	cr_expect_not(http_origin_is_same(&names, "null", "null"));
	http_names_done(&names);
}
