/* easy.c - from struct http_call to libcurl's options, and from its result to struct http_answer. */
#include "http/easy.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "crypto/keccak.h"
#include "os/clock.h"

enum {
	DEADLINE_MS = 30000,
	CONNECT_MS = 10000,
	SILENCE_S = 30,
	HEADER_LINE_MAX = 16 << 10, /* a deal with its signatures, in base64 */
	ERROR_BODY_MAX = 64 << 10
};

static void global_init(void)
{
	CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);

	assert(rc == CURLE_OK);
}

struct str url_path(struct str url)
{
	for (size_t i = 0; i + 3 < url.n; i++) {
		if (memcmp(url.p + i, "://", 3) == 0) {
			url = (struct str){url.p + i + 3, url.n - i - 3};
			break;
		}
	}
	for (size_t i = 0; i < url.n; i++) {
		if (url.p[i] == '/')
			return (struct str){url.p + i, url.n - i};
	}
	return STR("/");
}

struct str url_shown(struct str url)
{
	struct str rest, shown = str_cut(url, '?', &rest);
	const char *at = shown.n ? memrchr(shown.p, '@', shown.n) : NULL;

	if (at)
		shown = (struct str){at + 1, shown.n - (size_t)(at + 1 - shown.p)};
	return shown;
}

static const char *keep(char **at, const char *text)
{
	const char *mine = *at;
	size_t n;

	if (!text)
		return NULL;
	n = strlen(text) + 1;
	memcpy(*at, text, n);
	*at += n;
	return mine;
}

static size_t room(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

bool easy_init(struct easy *x, const struct http_call *call, struct err *e)
{
	size_t n = room(call->method) + room(call->url) + room(call->unix_socket) +
	           room(call->headers) + room(call->type) + call->root.n + 1;
	char *at = malloc(n);

	*x = (struct easy){.c = *call};
	if (!at)
		return FAIL(e, MEMORY, "no memory for a request");
	x->texts = at;
	x->c.method = keep(&at, call->method);
	x->c.url = keep(&at, call->url);
	x->c.unix_socket = keep(&at, call->unix_socket);
	x->c.headers = keep(&at, call->headers);
	x->c.type = keep(&at, call->type);
	if (call->root.n)
		memcpy(at, call->root.p, call->root.n);
	x->c.root.p = at;
	x->answer_max = call->answer_max ? call->answer_max : HTTP_BODY_MAX;
	buf_init(&x->answer, MAX2(x->answer_max, (size_t)ERROR_BODY_MAX));
	buf_init(&x->body, call->body.n);
	buf_put(&x->body, call->body.p, call->body.n);
	if (!buf_ok(&x->body)) {
		easy_done(x);
		return FAIL(e, MEMORY, "no memory for a body of %zu bytes", call->body.n);
	}
	return true;
}

void easy_done(struct easy *x)
{
	curl_slist_free_all(x->headers);
	free(x->texts);
	buf_done(&x->body);
	buf_done(&x->answer);
	*x = (struct easy){0};
}

int easy_status(const struct easy *x)
{
	long status = 0;

	curl_easy_getinfo(x->h, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

size_t easy_fail(struct easy *x)
{
	x->failed = true;
	return 0;
}

/* ---- what libcurl calls -------------------------------------------------------------------------------- */

static size_t on_write(char *p, size_t size, size_t n, void *ctx)
{
	struct easy *x = ctx;
	struct bytes piece = bytes_of(p, size * n);
	int status = easy_status(x);
	size_t max = x->answer_max;

	if (x->c.data && status >= 200 && status < 300)
		return x->c.data(x->c.ctx, piece, &x->why) ? piece.n : easy_fail(x);
	if (status >= 400)
		max = MAX2(max, (size_t)ERROR_BODY_MAX);
	if (piece.n > max - MIN2(x->answer.n, max)) {
		struct str url = url_shown(str_of(x->c.url));

		FAIL(&x->why, PEER, "%.*s answered with more than %zu bytes", STR_ARG(url), max);
		return easy_fail(x);
	}
	buf_put(&x->answer, piece.p, piece.n);
	return piece.n;
}

static size_t on_read(char *out, size_t size, size_t n, void *ctx)
{
	struct easy *x = ctx;
	size_t got = 0;

	if (x->c.read(x->c.ctx, (uint8_t *)out, size * n, &got, &x->why))
		return got;
	easy_fail(x);
	return CURL_READFUNC_ABORT;
}

/* ---- options ------------------------------------------------------------------------------------------- */

static bool add_header(struct easy *x, const char *line, struct err *e)
{
	struct curl_slist *list = curl_slist_append(x->headers, line);

	if (!list)
		return FAIL(e, MEMORY, "no memory for a header");
	x->headers = list;
	return true;
}

static bool sign(struct easy *x, const struct http_identity *who, struct err *e)
{
	OWN(buf_done) struct buf line = {0};
	struct hash hash;

	if (x->c.read)
		keccak256(x->c.root.p, x->c.root.n, &hash);
	else
		keccak256(x->body.p, x->body.n, &hash);
	buf_init(&line, HEADER_LINE_MAX);
	buf_z(&line, "Authorization: ");
	TRY(auth_sign(who, &x->c.audience, x->c.method, url_path(str_of(x->c.url)), &hash,
	            clock_wall(), &line, e),
	        e);
	TRY(add_header(x, buf_cstr(&line), e), e);
	return true;
}

static bool headers(struct easy *x, const struct http_identity *who, struct err *e)
{
	struct str line, rest = str_of(x->c.headers);
	char text[HEADER_LINE_MAX];

	curl_slist_free_all(TAKE(x->headers));
	while (rest.n) {
		line = str_cut(rest, '\n', &rest);
		if (line.n == 0)
			continue;
		if (line.n >= sizeof text)
			return FAIL(e, RANGE, "a header of %zu bytes, at most %zu", line.n,
			        sizeof text - 1);
		memcpy(text, line.p, line.n);
		text[line.n] = '\0';
		TRY(add_header(x, text, e), e);
	}
	if (x->body.n || x->c.read) {
		snprintf(text, sizeof text, "Content-Type: %s",
		        x->c.type ? x->c.type : "application/json");
		TRY(add_header(x, text, e), e);
	}
	/* A stream asks first, so that a refusal comes before its bytes; a body is sent at once. */
	if (!x->c.read)
		TRY(add_header(x, "Expect:", e), e);
	if (!addr_is_zero(&x->c.audience))
		TRY(sign(x, who, e), e);
	return true;
}

/* Requests on this machine never go through a proxy, whatever the environment says. */
static bool is_local(struct str url)
{
	static const char *const hosts[] = {"127.", "localhost", "[::1]"};
	struct str host = url_shown(url);

	for (size_t i = 0; i + 3 < host.n; i++) {
		if (memcmp(host.p + i, "://", 3) == 0) {
			host = (struct str){host.p + i + 3, host.n - i - 3};
			break;
		}
	}
	for (size_t i = 0; i < COUNT(hosts); i++) {
		if (str_starts(host, hosts[i]))
			return true;
	}
	return false;
}

static void set_body(struct easy *x)
{
	CURL *h = x->h;

	if (x->c.read) {
		curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(h, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(h, CURLOPT_READDATA, x);
		/* A connection that turns out to be dead would ask for bytes that are gone. */
		curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L);
	} else if (x->body.n || strcmp(x->c.method, "POST") == 0 ||
	           strcmp(x->c.method, "PUT") == 0) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.n);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, x->body.n ? (const char *)x->body.p : "");
	}
	if (strcmp(x->c.method, "HEAD") == 0)
		curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, x->c.method);
}

static void set_limits(struct easy *x)
{
	bool streams = x->c.read || x->c.data;
	int64_t deadline = x->c.deadline.ms ? x->c.deadline.ms : streams ? 0 : DEADLINE_MS;
	int64_t silence = x->c.silence.ms ? (x->c.silence.ms + 999) / 1000 : SILENCE_S;
	CURL *h = x->h;

	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)deadline);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	if (deadline == 0 || x->c.silence.ms) {
		/* A peer that gives a tree byte by byte would have us wait for ever. */
		curl_easy_setopt(
		        h, CURLOPT_LOW_SPEED_LIMIT, x->c.silence.ms ? 1L : (long)HTTP_RATE_MIN);
		curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)silence);
	}
}

bool easy_setup(struct easy *x, CURL *h, const struct http_identity *who, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, global_init);
	x->h = h;
	x->failed = false;
	x->curl_says[0] = '\0';
	buf_reset(&x->answer);
	TRY(headers(x, who, e), e);
	curl_easy_setopt(h, CURLOPT_URL, x->c.url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, x->headers);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, x->curl_says);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, x);
	if (x->c.unix_socket)
		curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, x->c.unix_socket);
	if (x->c.unix_socket || is_local(str_of(x->c.url)))
		curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	set_body(x);
	set_limits(x);
	return true;
}

/* ---- results --------------------------------------------------------------------------------------------- */

static void no_answer(struct easy *x, CURLcode rc, struct err *e)
{
	struct str url = url_shown(str_of(x->c.url));
	const char *says = x->curl_says[0] ? x->curl_says : curl_easy_strerror(rc);

	if (x->failed)
		*e = x->why;
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		FAIL(e, TIMEOUT, "%.*s: %s", STR_ARG(url), says);
	else
		FAIL(e, UNREACHABLE, "%.*s: %s", STR_ARG(url), says);
}

void easy_answer(struct easy *x, CURLcode rc, struct http_answer *out)
{
	struct str url = url_shown(str_of(x->c.url));

	*out = (struct http_answer){.status = easy_status(x)};
	/* A refusal that came while the stream was still being sent is an answer all the same. */
	if (rc == CURLE_SEND_ERROR && out->status >= 400)
		rc = CURLE_OK;
	out->ok = rc == CURLE_OK && buf_ok(&x->answer);
	if (!out->ok) {
		no_answer(x, rc, &out->err);
		return;
	}
	out->body = buf_bytes(&x->answer);
	if (out->status >= 400 && !err_from_json(buf_view(&x->answer), &out->err))
		FAIL(&out->err, PEER, "%.*s answered with status %d", STR_ARG(url), out->status);
}

bool http_answer_check(const struct http_answer *a, struct err *e)
{
	if (a->ok && a->status < 400)
		return true;
	*e = a->err;
	err_note(e, __FILE__, __LINE__);
	return false;
}

static void easy_close(CURL **h)
{
	curl_easy_cleanup(*h);
}

bool easy_is_stale(const struct easy *x, const struct http_answer *a)
{
	return a->ok && a->status == 401 && a->err.code == E_STALE && !x->c.read &&
	       !addr_is_zero(&x->c.audience);
}

bool http_call_sync(const struct http_identity *who, const struct http_call *call,
        struct http_answer *out, struct buf *body, struct err *e)
{
	OWN(easy_done) struct easy x = {0};
	OWN(easy_close) CURL *h = curl_easy_init();

	TRY(easy_init(&x, call, e), e);
	if (!h)
		return FAIL(e, MEMORY, "no memory for a request");
	for (int i = 0; i < 2; i++) {
		curl_easy_reset(h);
		TRY(easy_setup(&x, h, who, e), e);
		easy_answer(&x, curl_easy_perform(h), out);
		if (!easy_is_stale(&x, out))
			break;
		if (i == 0)
			clock_sleep(span_ms(EASY_STALE_MS));
	}
	if (!out->ok) {
		*e = out->err;
		return false;
	}
	buf_put(body, out->body.p, out->body.n);
	out->body = buf_bytes(body);
	if (!buf_ok(body))
		return FAIL(e, TOO_LARGE, "an answer of more than %zu bytes", body->max);
	return true;
}
