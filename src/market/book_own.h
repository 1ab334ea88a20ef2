/* book_own.h - what the files of the order book share. */
#ifndef LILYPAD_MARKET_BOOK_OWN_H
#define LILYPAD_MARKET_BOOK_OWN_H

#include "base/map.h"
#include "market/book.h"
#include "market/chain.h"
#include "market/shelf.h"
#include "market/slab.h"

/* Amounts of documents are below 2^96, so that all sums here stay far below 2^128. */
__extension__ typedef unsigned __int128 wide;

/* Where the links of a chain are in its slots. */
#define LINK(type, member) offsetof(struct type, member)

enum term {
#define R(name, value, clause, sentence)
#define T(name, value, member, sentence) TERM_##name,
#include "market/reasons.def"
#undef R
#undef T
	TERMS
};

/* Numbers of accounts (mediators, directories, issuers); ascending, each once. */
struct id_set {
	uint32_t n;
	uint32_t v[MEDIATORS_MAX];
};
struct id_list {
	uint32_t n;
	uint32_t *v;
};

struct account {
	struct addr addr;
	uint32_t refs;
	uint32_t reputed; /* providers of whom this JC has a good opinion */
	float funds;      /* upper bound of the available balance, as it stands on shelves */
	wide free, reserved;
	struct chain resources; /* its resource offers */
	struct chain poor;      /* its queues that wait for money */
};

/* A module, an engine class or a GPU model, by its hash. */
struct thing {
	struct hash hash;
	uint32_t refs;
};

struct machine_key {
	uint32_t provider;
	struct hash machine;
};
struct machine {
	struct machine_key key;
	uint32_t refs;                 /* its offer and its deals */
	uint32_t resource;             /* the offer that stands */
	uint64_t cpu, ram, disk, gpus; /* taken by deals */
};

/* What resource offers have in common that match the same job offers but for numbers. An offer has one
 * supply for every module that it names, and one for all others if it takes them. */
struct supply_spec {
	uint32_t engine, model;
	uint32_t module; /* for which these prices are; 0: for all without a supply of their own */
	uint32_t min_mutual;
	uint8_t determinisms, settlements, mediations;
	uint8_t listed; /* the module stands in an allow-list; else it must be a WASM module (3.5) */
	struct id_set mediators, directories, issuers;
	wide least[TERMS], most[TERMS];
};
struct supply {
	struct hash key;
	uint32_t refs;
	uint64_t serial; /* ascending */
	struct supply_spec spec;
	struct shelf shelf; /* of resources */
	struct book *book;
};

struct born {
	uint64_t serial; /* that of the supply as long as it lives */
	uint32_t supply;
};

/* What a resource offer says under one supply: about one module, or all others. */
struct ask {
	uint32_t supply;
	uint32_t module;
	uint32_t at;   /* on its shelf; SHELF_HOLE: not there */
	wide price[3]; /* base, per instruction, per byte */
};
/* A price for a module, whether or not the offer takes it. */
struct own_price {
	uint32_t module;
	wide price[3];
};
/* A copy of the root of a supply's shelf, side by side with those of the others. */
struct root {
	uint64_t serial; /* of the supply; 0: none */
	struct shelf_item item;
};
struct resource {
	struct chain_link of_provider, dirty;
	struct hash id;
	uint32_t provider, machine;
	uint64_t sequence, nonce, expiry;
	uint64_t instruction_limit, byte_limit, picoseconds;
	uint64_t cpu, ram, disk, gpus, vram;
	struct id_list deny;
	uint32_t asks_n;
	struct ask *asks; /* ascending by module, the default first */
	wide price[3];    /* default */
	uint32_t own_n;
	struct own_price *own;
	uint32_t heap_at;
	bool is_dirty;
};

/* The same for job offers. */
struct demand_spec {
	uint32_t engine, model, module, directory, issuer;
	uint32_t target; /* account; 0: any */
	uint32_t min_mutual;
	uint8_t determinism, settlement, mediation, wasm;
	uint32_t need; /* mutual mediators that a panel of its size needs */
	uint32_t mediators_n;
	uint32_t mediators[MEDIATORS_MAX];
	wide term[TERMS];
};
struct fitting {
	uint64_t serial;
	uint32_t supply;
	uint32_t mutual; /* mediators of both that are not the solver */
};
struct demand {
	struct chain_link cold, cached;
	struct hash key;
	uint32_t refs;      /* queues */
	uint32_t active_at; /* in book.active, from 1; 0: no queue waits */
	struct demand_spec spec;
	wide jc_lock, rp_lock;
	uint64_t seen; /* every supply up to this serial has been looked at */
	struct fitting *fits;
	uint32_t fits_n, fits_cap;
	struct shelf shelf; /* of queues */
	struct book *book;
};

struct queue_spec {
	uint32_t demand, creator;
	uint64_t instruction_limit, byte_limit;
	uint64_t cpu, ram, disk, gpus, vram;
	wide ceiling[3];
	uint8_t pricing;
	uint32_t deny_n;
	uint32_t deny[DENY_MAX];
	struct hash alone; /* a job offer with providers excluded has a queue of its own */
};
struct queue {
	struct chain_link wait, dirty; /* wait: among the poor, or cold */
	struct hash key;
	uint32_t refs; /* job offers, waiting or taken */
	uint32_t at;   /* on the demand's shelf; SHELF_HOLE: not there */
	bool is_dirty, is_poor;
	struct queue_spec spec;
	uint64_t slowest;  /* picoseconds per instruction at which it is still in time (3.10) */
	struct chain jobs; /* that wait, in order of sequence */
};

struct job {
	struct chain_link wait;
	struct hash id;
	uint32_t queue;
	uint32_t heap_at;
	uint64_t sequence, expiry;
	bool taken;
	uint32_t hold; /* taken: by which deal */
	uint32_t excluded_n;
	uint64_t *excluded; /* sequences of resource offers */
};

/* Of a JC about an RP, by the numbers of their accounts. */
struct opinion {
	uint32_t jc, rp;
};

struct hold {
	struct hash deal;
	uint32_t job; /* 0: gone */
	uint32_t machine;
	uint32_t creator, provider;
	wide jc_lock, rp_lock;
	uint32_t cpu;
	uint64_t ram, disk;
	uint16_t gpus;
};

/* Offers by expiry. An entry is a job's handle, or a resource's with HEAP_RESOURCE. */
#define HEAP_RESOURCE 0x80000000u
struct expiries {
	uint32_t *v;
	uint32_t n, cap;
};

#define COLD_MAX 1024 /* empty queues and demands that are kept for the next job offer */
#define FITTINGS_MAX                                                                               \
	(4u << 20) /* kept for all demands together: past it the oldest are worked out again */

struct book {
	struct addr solver;
	uint32_t solver_id;
	uint32_t max;
	struct slab accounts, things, machines, supplies, resources, demands, queues, jobs, holds;
	struct map by_addr, by_thing, by_machine, by_supply, by_demand, by_queue, by_offer, by_deal;
	struct map reputation; /* struct opinion -> uint32_t */
	struct born *born;     /* supplies by serial, dead ones included until there are too many */
	uint32_t born_n, born_cap, born_dead;
	uint64_t serial;
	struct root *roots; /* by supply */
	uint32_t roots_cap;
	double *scores; /* of a demand's fittings, while a job offer is matched */
	uint32_t scores_cap;
	uint32_t *active; /* demands with waiting queues */
	uint32_t active_n, active_cap;
	struct chain cold_demands, cold_queues;
	struct chain cached; /* demands with fittings */
	uint32_t fittings;   /* of all of them, as allocated */
	struct chain dirty_queues, dirty_resources;
	struct expiries expiries;
	uint32_t waiting;
};

static inline struct account *account_at(const struct book *b, uint32_t i)
{
	return slab_at(&b->accounts, i);
}
static inline struct machine *machine_at(const struct book *b, uint32_t i)
{
	return slab_at(&b->machines, i);
}
static inline struct supply *supply_at(const struct book *b, uint32_t i)
{
	return slab_at(&b->supplies, i);
}
static inline struct resource *resource_at(const struct book *b, uint32_t i)
{
	return slab_at(&b->resources, i);
}
static inline struct demand *demand_at(const struct book *b, uint32_t i)
{
	return slab_at(&b->demands, i);
}
static inline struct queue *queue_at(const struct book *b, uint32_t i)
{
	return slab_at(&b->queues, i);
}
static inline struct job *job_at(const struct book *b, uint32_t i)
{
	return slab_at(&b->jobs, i);
}
static inline struct hold *hold_at(const struct book *b, uint32_t i)
{
	return slab_at(&b->holds, i);
}
static inline wide available(const struct account *a)
{
	return a->free > a->reserved ? a->free - a->reserved : 0;
}
static inline uint64_t left(uint64_t offered, uint64_t taken)
{
	return offered > taken ? offered - taken : 0;
}
static inline bool id_in(const uint32_t *v, uint32_t n, uint32_t id)
{
	for (uint32_t i = 0; i < n; i++) {
		if (v[i] == id)
			return true;
	}
	return false;
}
static inline bool job_excludes(const struct job *j, const struct resource *r)
{
	for (uint32_t i = 0; i < j->excluded_n; i++) {
		if (j->excluded[i] == r->sequence)
			return true;
	}
	return false;
}
/* 3.13: good results since the last fault; 0 as well where either has no number. */
static inline uint32_t opinion_of(const struct book *b, uint32_t jc, uint32_t rp)
{
	const uint32_t *good = map_get(&b->reputation, &(struct opinion){jc, rp});

	return good ? *good : 0;
}
/* In an ascending set. */
MUST bool set_has(const struct id_set *s, uint32_t id);

/* book_names.c: numbers for accounts and things, counted; amounts as 128-bit numbers. */
wide wide_of(struct amount a);
wide wide_of_time(struct btime t);
wide wide_of_u64(uint64_t v);
#define WIDE(x)                                                                                    \
	_Generic((x), struct amount                                                                \
	         : wide_of, struct btime                                                           \
	         : wide_of_time, default                                                           \
	         : wide_of_u64)(x)
struct amount amount_of_wide(wide w);
uint32_t account_ref(struct book *b, const struct addr *a); /* SLAB_NONE: out of memory */
uint32_t account_find(const struct book *b, const struct addr *a);
void account_unref(struct book *b, uint32_t i);
uint32_t thing_ref(struct book *b, const struct hash *h);
uint32_t thing_of_text(struct book *b, const char *text); /* 0 for "" */
void thing_keep(struct book *b, uint32_t i);              /* one more reference */
void thing_unref(struct book *b, uint32_t i);
/* The accounts of a list. out->v is allocated. */
MUST bool accounts_ref(struct book *b, const struct addr *v, uint32_t n, struct id_list *out);
void accounts_unref(struct book *b, struct id_list *l);
void ids_sort(uint32_t *v, uint32_t n); /* ascending */

/* book_supply.c, book_demand.c */
/* module: 0 or a thing, of which the supply takes a reference of its own. */
uint32_t supply_ref(struct book *b, const struct resource_offer *r, uint32_t module);
void supply_unref(struct book *b, uint32_t i);
/* Put on its shelves, or renew what stands there after its capacity or its provider's funds changed. */
bool resource_shelve(struct book *b, uint32_t i);
void resource_unshelve(struct book *b, uint32_t i);
/* What a queue's job offers ask of a supply's shelf, and what a resource offer asks of a demand's. */
void queue_query(const struct book *b, const struct queue *q, struct shelf_query *out);
void resource_query(const struct book *b, const struct resource *r, const struct ask *a,
        struct shelf_query *out);
uint32_t queue_ref(struct book *b, const struct job_offer *j, const struct hash *alone);
uint32_t queue_ref_again(struct book *b, uint32_t i, const struct hash *alone);
void queue_unref(struct book *b, uint32_t i);
/* On its demand's shelf iff it has waiting job offers and its JC has the money; else poor, or nowhere. */
bool queue_place(struct book *b, uint32_t i);
/* How a demand goes with a supply; NULL: not at all. */
const struct fitting *demand_fits(struct book *b, uint32_t demand, uint32_t supply);
MUST bool demand_sync(struct book *b, uint32_t demand);

/* book.c */
bool book_no_memory(struct err *e);
/* All three fail only for lack of memory, with the change made and some index not renewed. */
bool reserve(struct book *b, uint32_t account, wide sum);
bool unreserve(struct book *b, uint32_t account, wide sum);
MUST bool job_wait(struct book *b, uint32_t i);
bool job_unwait(struct book *b, uint32_t i);
void job_drop(struct book *b, uint32_t i);
uint32_t machine_ref(struct book *b, const struct addr *provider, const struct hash *machine);
void machine_unref(struct book *b, uint32_t i);

/* book_find.c */
void dirty_queue(struct book *b, uint32_t i);
void dirty_resource(struct book *b, uint32_t i);
/* The ask of a resource offer for a module; NULL: it does not run it (but for 3.5, WASM or not). */
const struct ask *ask_for(const struct resource *r, uint32_t module);
unsigned mutual_of(const struct demand_spec *d, const struct supply_spec *s, uint32_t creator,
        uint32_t provider);
unsigned mutual_need(const struct demand_spec *d, const struct supply_spec *s);

#endif
