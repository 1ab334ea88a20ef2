/* node.c - the process, and JSON-RPC 2.0 over one kept connection. */
#include "node.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/json.h"

/* ---- the process -------------------------------------------------------------------------------- */

/* A port that nobody has just now. */
static bool free_port(unsigned *out, struct err *e)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
	          getsockname(fd, (struct sockaddr *)&a, &n) == 0;

	if (fd >= 0)
		close(fd);
	if (!ok)
		return FAIL_SYS(e, IO, errno, "no free port on the loopback");
	*out = ntohs(a.sin_port);
	return true;
}

NORETURN static void become_anvil(const char *program, const char *port, const char *time)
{
	const char *const args[] = {program, "--host", "127.0.0.1", "--port", port, "--timestamp",
	        time, "--no-mining", "--silent", "--accounts", "1", "--order", "fifo", "--base-fee",
	        "0", "--gas-limit", "1000000000", "--prune-history", "256", "--threads", "1", NULL};
	/* It keeps nothing: it has no home, and of old blocks so many as a trace may have. */
	static char home[] = "HOME=/dev/null";
	static char *const env[] = {home, NULL};
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	execve(program, (char *const *)(uintptr_t)args, env);
	_exit(127);
}

static bool wait_for(struct node *n, struct err *e)
{
	struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
	json_t *id;

	for (int i = 0; i < NODE_START_S * 50; i++) {
		if (node_ask(n, "eth_chainId", NULL, &id, e)) {
			json_decref(id);
			return true;
		}
		if (waitpid(n->pid, NULL, WNOHANG) == n->pid) {
			n->pid = 0;
			return FAIL(e, PEER, "anvil ended before it answered");
		}
		nanosleep(&nap, NULL);
	}
	return FAIL(e, TIMEOUT, "anvil does not answer within %d s", NODE_START_S);
}

bool node_start(struct node *n, const char *program, uint64_t time, struct err *e)
{
	char port_text[16], time_text[24];
	unsigned port = 0;

	*n = (struct node){0};
	buf_init(&n->answer, NODE_ANSWER_MAX);
	if (access(program, X_OK) != 0)
		return FAIL(e, NOT_FOUND, "%s is not there, or no program", program);
	TRY(free_port(&port, e), e);
	snprintf(n->url, sizeof n->url, "http://127.0.0.1:%u/", port);
	snprintf(port_text, sizeof port_text, "%u", port);
	snprintf(time_text, sizeof time_text, "%llu", (unsigned long long)time);
	n->curl = curl_easy_init();
	if (!n->curl)
		return FAIL(e, MEMORY, "no memory for a connection");
	n->pid = fork();
	if (n->pid < 0)
		return FAIL_SYS(e, IO, errno, "no process for anvil");
	if (n->pid == 0)
		become_anvil(program, port_text, time_text);
	TRY(wait_for(n, e), e);
	return true;
}

void node_stop(struct node *n)
{
	if (n->pid > 0) {
		kill(n->pid, SIGTERM);
		/* It has nothing to put in order; it may not be in the way of the end. */
		kill(n->pid, SIGKILL);
		waitpid(n->pid, NULL, 0);
	}
	if (n->curl)
		curl_easy_cleanup(n->curl);
	buf_done(&n->answer);
	*n = (struct node){0};
}

/* ---- questions ---------------------------------------------------------------------------------- */

static size_t on_bytes(char *p, size_t size, size_t count, void *ctx)
{
	struct buf *b = ctx;

	buf_put(b, p, size * count);
	return buf_ok(b) ? size * count : 0;
}

static bool post(struct node *n, const char *text, struct err *e)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURLcode rc;

	buf_reset(&n->answer);
	curl_easy_setopt(n->curl, CURLOPT_URL, n->url);
	curl_easy_setopt(n->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(n->curl, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(n->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
	curl_easy_setopt(n->curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(n->curl, CURLOPT_WRITEDATA, &n->answer);
	curl_easy_setopt(n->curl, CURLOPT_TIMEOUT, (long)NODE_ANSWER_S);
	curl_easy_setopt(n->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(n->curl, CURLOPT_TCP_NODELAY, 1L);
	rc = curl_easy_perform(n->curl);
	curl_slist_free_all(headers);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return FAIL(e, TIMEOUT, "anvil did not answer within %d s", NODE_ANSWER_S);
	if (rc != CURLE_OK)
		return FAIL(e, PEER, "anvil does not answer: %s", curl_easy_strerror(rc));
	return true;
}

json_t *node_question(const char *method, json_t *params)
{
	return json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params",
	        params ? params : json_array());
}

/* What is asked is ours: whatever is taken is let go. */
static bool exchange(struct node *n, json_t *question, json_t **answer, struct err *e)
{
	char *text = json_dumps(question, JSON_COMPACT);
	json_error_t why;
	bool ok;

	json_decref(question);
	if (!text)
		return FAIL(e, MEMORY, "no memory for a question");
	ok = post(n, text, e);
	free(text);
	TRY(ok, e);
	/* Anvil writes what a contract says as text, NULs and all. */
	*answer = json_loadb((const char *)n->answer.p, n->answer.n, JSON_ALLOW_NUL, &why);
	if (!*answer)
		return FAIL(e, PEER, "anvil's answer is no JSON: %s", why.text);
	return true;
}

bool node_ask(struct node *n, const char *method, json_t *params, json_t **result, struct err *e)
{
	json_t *q = node_question(method, params), *answer OWN(json_own) = NULL, *r;

	json_object_set_new(q, "id", json_integer((json_int_t)++n->asked));
	TRY(exchange(n, q, &answer, e), e);
	r = json_object_get(answer, "result");
	if (!r)
		return FAIL(e, PEER, "anvil refuses %s: %s", method,
		        json_text(json_object_get(answer, "error"), "message"));
	if (result)
		*result = json_incref(r);
	return true;
}

/* Answers come in any order; their ids say whose they are. */
bool node_ask_all(struct node *n, json_t *questions, json_t **answers, struct err *e)
{
	size_t count = json_array_size(questions), i;
	json_t *got OWN(json_own) = NULL, *out OWN(json_own) = json_array(), *v;

	json_array_foreach (questions, i, v) {
		json_object_set_new(v, "id", json_integer((json_int_t)i));
		json_array_append_new(out, json_null());
	}
	n->asked += count;
	TRY(exchange(n, questions, &got, e), e);
	json_array_foreach (got, i, v) {
		json_int_t id = json_integer_value(json_object_get(v, "id"));

		if (id < 0 || (size_t)id >= count)
			return FAIL(e, PEER, "anvil answers what was not asked");
		json_array_set(out, (size_t)id, v);
	}
	if (json_array_size(got) != count)
		return FAIL(
		        e, PEER, "anvil answers %zu of %zu questions", json_array_size(got), count);
	*answers = TAKE(out);
	return true;
}
