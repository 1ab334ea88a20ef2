/* easy.h - one request as libcurl sees it: what the loop's client and the waiting one share. */
#ifndef LILYPAD_HTTP_EASY_H
#define LILYPAD_HTTP_EASY_H

#include <curl/curl.h>

#include "http/client.h"

struct easy {
	CURL *h;            /* borrowed */
	struct http_call c; /* its texts point into the members below */
	struct curl_slist *headers;
	char *texts;     /* url, method, type, headers, socket, root */
	struct buf body; /* of the request */
	struct buf answer;
	size_t answer_max;
	bool failed; /* a callback ended it: why */
	struct err why;
	char curl_says[CURL_ERROR_SIZE];
};

/* Copies what the call borrows. MEMORY. */
MUST bool easy_init(struct easy *x, const struct http_call *call, struct err *e);
void easy_done(struct easy *x);
/* Sets h up for the call, signed now. KEY, RANGE, MEMORY. */
MUST bool easy_setup(struct easy *x, CURL *h, const struct http_identity *who, struct err *e);
/* What came of it; the body is borrowed from x. */
void easy_answer(struct easy *x, CURLcode rc, struct http_answer *out);
/* 0 before the headers came. */
int easy_status(const struct easy *x);
/* Ends the transfer from within a callback. */
size_t easy_fail(struct easy *x);
/* A server that has only just started refuses what was signed in the second of its start: worth one more
 * try, EASY_STALE_MS later. */
#define EASY_STALE_MS 1100
MUST bool easy_is_stale(const struct easy *x, const struct http_answer *a);
/* The URL without user, query and fragment, for messages: these may carry keys. */
struct str url_shown(struct str url);
/* The path with query: what is signed. */
struct str url_path(struct str url);

#endif
