/* record_bench.c - what identity and text of a document cost, against the hashing and the parsing that
 * they cannot do without, on the same JobOffer in the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "crypto/keccak.h"
#include "model/model.h"

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A plain offer: six mediators, one engine class. */
static void fill(struct job_offer *o)
{
	static const char engine[] = "wasm/wasmtime-48.0.0/x86_64";

	memset(o, 0, sizeof *o);
	o->pricing = PRICING_FIXED;
	o->determinism = DETERMINISM_EXACT;
	o->settlement = SETTLEMENT_ESCROW;
	o->mediation = MEDIATION_CONSORTIUM;
	o->mediators.n = 6;
	for (uint32_t i = 0; i < o->mediators.n; i++)
		o->mediators.v[i].b[0] = (uint8_t)(i + 1);
	memcpy(o->engine, engine, sizeof engine);
}

static double hash_rate(struct job_offer *o, int rounds)
{
	double start = seconds();
	struct hash h;

	for (int i = 0; i < rounds; i++) {
		o->nonce = (uint64_t)i;
		eip712_hash(job_offer_record(), o, &h);
	}
	return rounds / (seconds() - start);
}

/* The same bytes through Keccak-256 with nothing around it: the words of JobOffer, Prices, Terms,
 * Resources and six mediators, and two texts. */
static double keccak_rate(int rounds)
{
	static const size_t parts[] = {25 * 32, 4 * 32, 17 * 32, 7 * 32, 6 * 32, 27, 0, 0};
	static uint8_t bytes[25 * 32];
	double start = seconds();
	struct hash h;

	for (int i = 0; i < rounds; i++) {
		for (size_t k = 0; k < COUNT(parts); k++) {
			keccak256(bytes, parts[k], &h);
			bytes[0] = h.b[0];
		}
	}
	return rounds / (seconds() - start);
}

static double parse_rate(struct str text, struct job_offer *o, int rounds)
{
	double start = seconds();
	struct err e;

	for (int i = 0; i < rounds; i++) {
		if (!record_parse(job_offer_record(), text, o, &e))
			abort();
	}
	return rounds / (seconds() - start);
}

static double library_parse_rate(struct str text, int rounds)
{
	double start = seconds();

	for (int i = 0; i < rounds; i++)
		json_decref(json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL));
	return rounds / (seconds() - start);
}

static double canonical_rate(const struct job_offer *o, struct buf *text, int rounds)
{
	double start = seconds();

	for (int i = 0; i < rounds; i++) {
		buf_reset(text);
		record_canonical(job_offer_record(), o, text);
	}
	return rounds / (seconds() - start);
}

static double library_dump_rate(struct str text, int rounds)
{
	json_t *j = json_loadb(text.p, text.n, 0, NULL);
	double start = seconds(), rate;

	for (int i = 0; i < rounds; i++)
		free(json_dumps(j, JSON_SORT_KEYS | JSON_COMPACT));
	rate = rounds / (seconds() - start);
	json_decref(j);
	return rate;
}

static void print_row(
        const char *name, double ours, double peer, const char *peer_name, double goal)
{
	printf("{\"name\": \"%s\", \"unit\": \"1/s\", \"ours\": %.0f, \"peer\": %.0f, "
	       "\"peer_name\": \"%s\", \"goal\": %.2f}\n",
	        name, ours, peer, peer_name, goal);
}

int main(void)
{
	struct job_offer o;
	struct buf text;
	double ours;

	fill(&o);
	buf_init(&text, 1u << 20);
	(void)hash_rate(&o, 20000); /* warm up */
	ours = hash_rate(&o, 200000);
	print_row("struct hash of a JobOffer", ours, keccak_rate(200000),
	        "Keccak-256 of the same bytes", 0.75);
	ours = canonical_rate(&o, &text, 20000);
	print_row("canonical JSON of a JobOffer", ours, library_dump_rate(buf_view(&text), 20000),
	        "jansson dump alone", 0.5);
	ours = parse_rate(buf_view(&text), &o, 20000);
	print_row("strict JSON to a JobOffer", ours, library_parse_rate(buf_view(&text), 20000),
	        "jansson parse alone", 0.5);
	buf_done(&text);
	return 0;
}
