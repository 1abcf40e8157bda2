// USES server PkgConfig::curl PkgConfig::zlib
/* Files of a sandbox over HTTP, on every backend that has files. */
#include "tests/support/contract.h"
#include "tests/support/http_fixture.h"

#include "server/transfer/download.h"
#include "server/transfer/upload.h"

#include <zlib.h>

#define BIG 5000000

static char big[BIG];

/* ---- the server's side ---- */

struct server {
	struct fixture f;
	struct bench *b;
	int open;             /* exchanges */
	const char *place_in; /* directory of uploads */
};

struct served {
	struct server *server;
	struct download *download;
	struct upload *upload;
};

static void on_served_closed(struct http_exchange *x, void *data)
{
	struct served *s = data;
	(void)x;
	s->server->open--;
	download_free(s->download);
	upload_free(s->upload);
	free(s);
}

static struct served *serve(struct http_exchange *x, struct server *server)
{
	struct served *s = must(calloc(1, sizeof(*s)));
	s->server = server;
	server->open++;
	http_on_closed(x, on_served_closed, s);
	return s;
}

static void on_failed(struct http_exchange *x, int status, const struct err *err, void *data)
{
	(void)data;
	http_reply(x, status, "text/plain", err->text, strlen(err->text));
}

static void run_get(struct http_exchange *x, void *data)
{
	struct served *s = serve(x, data);
	const struct download_how how = { .path = http_query(x, "path"), .failed = on_failed };
	s->download = download_begin(x, vm_guest(s->server->b->vm), &how, s);
}

static char *place(const char *filename, void *data, struct err *err)
{
	struct served *s = data;
	auto_buf struct buf path = { 0 };
	if (filename && !*filename) {
		err_set(err, ERR_ARGUMENT, "a file needs a name");
		return NULL;
	}
	buf_printf(&path, "%s/%s", s->server->place_in, filename ? filename : "whole");
	return must(strdup(buf_text(&path)));
}

static void on_done(struct http_exchange *x, const json_t *files, void *data)
{
	auto_free char *text = must(json_dumps(files, JSON_COMPACT));
	(void)data;
	http_reply(x, 200, "application/json", text, strlen(text));
}

static void run_post(struct http_exchange *x, void *data)
{
	struct served *s = serve(x, data);
	const struct upload_how how = {
		.write = { .mode = -1, .parents = true },
		.place = place,
		.done = on_done,
		.failed = on_failed,
	};
	s->upload = upload_begin(x, vm_guest(s->server->b->vm), &how, s);
}

static bool begin(struct server *s, struct bench *b, const struct http_options *how)
{
	*s = (struct server){ .f = { .event = b->host.event }, .b = b, .place_in = "up" };
	if (strcmp(b->dialect->backend, "fake") == 0) {
		return false;
	}
	for (size_t i = 0; i < sizeof(big); i++) {
		big[i] = (char)(i * 2654435761u >> 13);
	}
	fixture_begin_with(&s->f, how);
	http_add_route(
		s->f.http, &(struct http_route){
				   .method = "GET", .path = "/file", .run = run_get, .data = s });
	http_add_route(
		s->f.http, &(struct http_route){
				   .method = "HEAD", .path = "/file", .run = run_get, .data = s });
	http_add_route(s->f.http, &(struct http_route){ .method = "POST",
					  .path = "/file",
					  .run = run_post,
					  .data = s,
					  .streams_body = true });
	return true;
}

static void end(struct server *s)
{
	until(&s->f, s->open == 0);
	fixture_end(&s->f);
}

static void shell(struct bench *b, const char *command, const char *want)
{
	struct answer *a = host_exec(&b->host, b->vm, command, 60000);
	cr_assert_str_eq(
		a->out, want, "%s gave '%s', '%s', %s", command, a->out, a->errors, a->err.text);
	answer_free(a);
}

static void get(struct server *s, const char *path, const char *header, struct reply *r)
{
	auto_buf struct buf url = { 0 };
	buf_printf(&url, "/file?path=%s", path);
	fetch(&s->f,
		&(struct ask){ .method = "GET",
			.path = buf_text(&url),
			.headers = { header },
			.plain = true },
		r);
}

static void expect(struct server *s, const char *path, const char *header, long status,
	const char *head, const char *body)
{
	struct reply r;
	get(s, path, header, &r);
	cr_expect_eq(r.status, status, "%s: %ld %s", path, r.status, buf_text(&r.body));
	cr_expect(has(&r.head, head), "%s: %s", path, buf_text(&r.head));
	if (body) {
		cr_expect_str_eq(buf_text(&r.body), body, "%s", path);
	}
	ask_end(&s->f, &r);
}

/* ---- downloads ---- */

static void files_are_downloaded(struct bench *b)
{
	struct server s;
	if (!begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	shell(b,
		"mkdir -p d && printf 0123456789 >d/t.txt && : >d/empty && echo x >d/secret && "
		"chmod 0 d/secret && ln -s t.txt d/link && printf x >\"d/h\303\251.png\"",
		"");
	expect(&s, "d/t.txt", NULL, 200, "\r\nContent-Length: 10\r\n", "0123456789");
	expect(&s, "d/t.txt", NULL, 200, "\r\nContent-Type: text/plain; charset=utf-8\r\n", NULL);
	expect(&s, "d/t.txt", NULL, 200, "inline; filename=\"t.txt\"\r\n", NULL);
	expect(&s, "d/t.txt", NULL, 200, "\r\nAccept-Ranges: bytes\r\n", NULL);
	expect(&s, "d/link", NULL, 200, "\r\nContent-Length: 10\r\n", "0123456789");
	expect(&s, "d/empty", NULL, 200, "\r\nContent-Length: 0\r\n", "");
	expect(&s, "d/h%C3%A9.png", NULL, 200, "filename*=UTF-8''h%C3%A9.png\r\n", "x");
	expect(&s, "d/t.txt", "Range: bytes=2-4", 206, "\r\nContent-Range: bytes 2-4/10\r\n",
		"234");
	expect(&s, "d/t.txt", "Range: bytes=-3", 206, "\r\nContent-Length: 3\r\n", "789");
	expect(&s, "d/t.txt", "Range: bytes=10-", 416, "\r\nContent-Range: bytes */10\r\n", NULL);
	expect(&s, "d/t.txt", "If-None-Match: *", 304, "\r\nETag: \"", "");
	expect(&s, "d/none", NULL, 404, "HTTP/", NULL);
	expect(&s, "d", NULL, 400, "HTTP/", NULL);
	expect(&s, "%FF", NULL, 400, "HTTP/", "a path must be UTF-8");
	expect(&s, "d/secret", NULL, 403, "HTTP/", NULL);
	expect(&s, "/proc/version", NULL, 200, "\r\nTransfer-Encoding: chunked\r\n", NULL);
	shell(b, "chmod 600 d/secret; rm -r d", "");
	end(&s);
}

static void only_the_head(struct bench *b)
{
	struct server s;
	auto_buf struct buf got = { 0 };
	if (!begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	shell(b, "printf 0123456789 >t.txt", "");
	int fd = raw_open(&s.f);
	raw_send(&s.f, fd,
		"HEAD /file?path=t.txt HTTP/1.1\r\nHost: localhost\r\n"
		"Authorization: Bearer alices-token\r\n\r\n");
	raw_until(&s.f, fd, &got, "\r\n\r\n");
	cr_expect(has(&got, "200 OK") && has(&got, "\r\nContent-Length: 10\r\n"));
	close(fd);
	shell(b, "rm t.txt", "");
	end(&s);
}

static void a_large_file_and_a_slow_client(struct bench *b)
{
	struct server s;
	struct reply r;
	if (!begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	shell(b, "seq 1 1000000 >large; stat -c %s large", "6888896\n");
	get(&s, "large", NULL, &r);
	cr_expect(r.status == 200 && r.body.len == 6888896);
	cr_expect(strncmp(buf_text(&r.body), "1\n2\n3\n", 6) == 0);
	cr_expect_str_eq(buf_text(&r.body) + 6888888, "1000000\n");
	ask_end(&s.f, &r);
	/* One that reads nothing, and then leaves. */
	int fd = raw_open(&s.f), small = 4096;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	raw_send(&s.f, fd,
		"GET /file?path=large HTTP/1.1\r\nHost: localhost\r\n"
		"Authorization: Bearer alices-token\r\n\r\n");
	until(&s.f, s.open == 1);
	fixture_settle(&s.f);
	close(fd);
	until(&s.f, s.open == 0);
	shell(b, "rm large", "");
	end(&s);
}

/* ---- uploads ---- */

static void post(struct server *s, const char *type, const char *header, const void *body,
	size_t len, struct reply *r)
{
	fetch(&s->f,
		&(struct ask){ .path = "/file",
			.body = body,
			.body_len = len,
			.headers = { type, header },
			.plain = true },
		r);
}

static void expect_upload(struct server *s, const char *type, const char *header, const void *body,
	size_t len, long status, const char *want)
{
	struct reply r;
	post(s, type, header, body, len, &r);
	cr_expect_eq(r.status, status, "%ld %s", r.status, buf_text(&r.body));
	cr_expect(has(&r.body, want), "%s", buf_text(&r.body));
	ask_end(&s->f, &r);
}

/* What was abandoned is removed soon. */
#define ABANDONED "while ls -A up | grep -q '^[.]vitrine-'; do :; done; "
#define OCTETS "Content-Type: application/octet-stream"
#define FORM "Content-Type: multipart/form-data; boundary=XX"
#define PART(head) "--XX\r\nContent-Disposition: form-data; " head "\r\n\r\n"

static void files_are_uploaded(struct bench *b)
{
	struct server s;
	if (!begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	expect_upload(&s, OCTETS, NULL, "abc", 3, 200, "\"name\":\"whole\",\"bytes\":3}]");
	expect_upload(
		&s, OCTETS, "Transfer-Encoding: chunked", big, BIG, 200, "\"bytes\":5000000}]");
	shell(b, "stat -c '%s %a' up/whole; tail -c1 up/whole | od -An -tu1 | tr -d ' '",
		"5000000 644\n206\n");
	static const char form[] =
		PART("name=x") "ignored\r\n" PART("name=file; filename=\"a/b c.txt\"") "1\r\n" PART(
			"name=\"file\"; "
			"filename=\"%22.bin\"") "\r\n" PART("name=y; filename=z") "ignored\r\n--XX--\r\n";
	expect_upload(
		&s, FORM, NULL, form, sizeof(form) - 1, 200, "\"name\":\"b c.txt\",\"bytes\":1}");
	shell(b, "cd up; find . -type f | sort; cat 'a/b c.txt'; rm -r ../up",
		"./\".bin\n./a/b c.txt\n./whole\n1");
	end(&s);
}

static size_t compress_big(char *to, size_t size)
{
	z_stream z = { 0 };
	cr_assert_eq(deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)big;
	z.avail_in = BIG;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)size;
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return size - z.avail_out;
}

static void compressed_files_are_uploaded(struct bench *b)
{
	struct server s;
	static char gz[2 * BIG];
	if (!begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	size_t len = compress_big(gz, sizeof(gz));
	expect_upload(&s, OCTETS, "Content-Encoding: gzip", gz, len, 200, "\"bytes\":5000000}]");
	shell(b, "tail -c1 up/whole | od -An -tu1 | tr -d ' '", "206\n");
	memcpy(gz + len, gz, len < sizeof(gz) - len ? len : 0);
	expect_upload(&s, OCTETS, "Content-Encoding: gzip", gz, len - 1, 400, "in the middle");
	gz[len / 2] ^= 1;
	expect_upload(&s, OCTETS, "Content-Encoding: gzip", gz, len, 400, "gzip");
	expect_upload(&s, OCTETS, "Content-Encoding: gzip", "plain", 5, 400, "not valid gzip");
	expect_upload(&s, OCTETS, "Content-Encoding: br", "x", 1, 415, "'br'");
	shell(b, ABANDONED "ls -A up; stat -c %s up/whole; rm -r up", "whole\n5000000\n");
	end(&s);
}

static void refused_uploads(struct bench *b)
{
	struct server s;
	static const char open[] = PART("name=file; filename=f") "1\r\n--XX";
	static const char nameless[] = PART("name=file") "1\r\n--XX--";
	if (!begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	expect_upload(&s, FORM, NULL, open, sizeof(open) - 1, 400, "before its last boundary");
	expect_upload(&s, FORM, NULL, nameless, sizeof(nameless) - 1, 400, "needs a name");
	expect_upload(&s, "Content-Type: multipart/form-data", NULL, "x", 1, 400, "boundary");
	auto_buf struct buf many = { 0 };
	for (int i = 0; i <= 1000; i++) {
		buf_printf(&many, PART("name=file; filename=f") "\r\n");
	}
	expect_upload(&s, FORM, NULL, many.data, many.len, 400, "at most 1000 files");
	shell(b, ABANDONED "ls -A up; mkdir -p up/whole", "f\n");
	expect_upload(&s, OCTETS, NULL, big, BIG, 400, "up/whole");
	s.place_in = "/usr";
	expect_upload(&s, OCTETS, NULL, big, BIG, 403, "/usr/whole");
	s.place_in = "\xff";
	expect_upload(&s, OCTETS, NULL, "x", 1, 400, "UTF-8");
	shell(b, "rm -r up", "");
	end(&s);
}

/* Only where a small disk can be made. */
static void a_full_disk(struct bench *b)
{
	struct server s;
	if (!b->dialect->is_machine || !begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	shell(b, "mkdir up; sudo mount -t tmpfs -o size=1M,mode=777 none up", "");
	expect_upload(&s, OCTETS, NULL, big, BIG, 507, "(ENOSPC)");
	expect_upload(&s, OCTETS, "Transfer-Encoding: chunked", big, BIG, 507, "(ENOSPC)");
	shell(b, ABANDONED "ls -A up; sudo umount up; rm -r up", "");
	end(&s);
}

static void a_client_that_dies_leaves_nothing(struct bench *b)
{
	struct server s;
	if (!begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	shell(b, "mkdir up; echo old >up/whole", "");
	int fd = raw_open(&s.f);
	raw_send(&s.f, fd,
		"POST /file HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alices-token\r\n"
		"Content-Length: 5000000\r\n\r\n");
	raw_send_len(&s.f, fd, big, 1000000);
	until(&s.f, s.open == 1);
	close(fd);
	until(&s.f, s.open == 0);
	shell(b, ABANDONED "ls -A up; cat up/whole; rm -r up", "whole\nold\n");
	end(&s);
}

static void the_sandbox_ends_meanwhile(struct bench *b)
{
	struct server s;
	auto_buf struct buf got = { 0 };
	if (!begin(&s, b, &(struct http_options){ 0 })) {
		return;
	}
	shell(b, "seq 1 1000000 >large", "");
	int up = raw_open(&s.f), down = raw_open(&s.f), small = 4096;
	setsockopt(down, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	raw_send(&s.f, up,
		"POST /file HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alices-token\r\n"
		"Content-Length: 5000000\r\n\r\n");
	raw_send_len(&s.f, up, big, 1000000);
	raw_send(&s.f, down,
		"GET /file?path=large HTTP/1.1\r\nHost: localhost\r\n"
		"Authorization: Bearer alices-token\r\n\r\n");
	until(&s.f, s.open == 2);
	fixture_settle(&s.f);
	vm_stop(b->vm, "the test ends it");
	raw_until(&s.f, up, &got, "HTTP/1.1 502 ");
	until(&s.f, s.open == 0);
	close(up);
	close(down);
	end(&s);
}

static const struct contract cases[] = {
	CASE(files_are_downloaded),
	CASE(only_the_head),
	CASE(a_large_file_and_a_slow_client),
	CASE(files_are_uploaded),
	CASE(compressed_files_are_uploaded),
	CASE(refused_uploads),
	CASE(a_full_disk),
	CASE(a_client_that_dies_leaves_nothing),
	CASE_ALONE(the_sandbox_ends_meanwhile),
};

CONTRACT(transfer, cases)
