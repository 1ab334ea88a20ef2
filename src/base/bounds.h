/* bounds.h - every maximum in one place: value, unit, reason, and what happens there. */
#ifndef LILYPAD_BASE_BOUNDS_H
#define LILYPAD_BASE_BOUNDS_H

/* Documents (protocol 2): a longer list or text is refused with JSON_VALUE. */
#define MEDIATORS_MAX     32  /* names; protocol 2.4 */
#define DIRECTORIES_MAX   8   /* names in a resource offer */
#define ISSUERS_MAX       8   /* certificate issuers in a resource offer */
#define DENY_MAX          32  /* accounts an offer refuses to deal with */
#define ALLOW_MODULES_MAX 64  /* modules in an allow-list */
#define MODULE_PRICES_MAX 16  /* modules with a price of their own */
#define ENGINE_NAME_MAX   64  /* bytes of an engine class name */
#define GPU_MODEL_MAX     48  /* bytes */
#define PATH_TEXT_MAX     255 /* bytes of a path inside a tree */
#define URL_MAX           255 /* bytes */
#define NAME_MAX_         63  /* bytes of a name that people type */
#define ACK_BATCH_MAX     64  /* Acks under one signature; protocol 1.2 */
#define ACK_PATH_MAX      6   /* hashes from one of them to the root */

/* Job spec (protocol 2.1). */
#define SPEC_ARGS_MAX    64   /* arguments */
#define SPEC_ARG_MAX     4095 /* bytes of one argument; larger values belong into input files */
#define SPEC_ENV_MAX     32
#define SPEC_INPUTS_MAX  64 /* input trees or files */
#define SPEC_OUTPUTS_MAX 32 /* declared output paths */

/* Wire. A larger body is refused with TOO_LARGE before it is read. */
#define HTTP_BODY_MAX   (1u << 20)  /* bytes of a JSON body */
#define HTTP_TREE_MAX   (1u << 30)  /* bytes of an uploaded tree */
#define HTTP_HEADER_MAX (32u << 10) /* bytes of request line and headers: MHD's pool */
#define HTTP_CONNS_MAX  12000       /* open connections: the oldest idle one is closed */
#define HTTP_PER_IP_MAX 11000       /* open connections of one address */
#define HTTP_IDLE_S     75          /* a silent connection is closed */
#define HTTP_READ_S     60 /* a request that has not arrived whole by then is cut; of a tree its head */
#define HTTP_RATE_MIN   1024 /* bytes per second of a tree, on average: a slower one is cut */
#define JSON_DEPTH_MAX  32   /* nesting */
#define JSON_TEXT_MAX   (64u << 20) /* bytes of one JSON text: TOO_LARGE */
#define JSON_POOL_MAX   (8u << 20)  /* bytes of small pieces that a thread keeps for JSON trees */
#define SSE_BACKLOG_MAX 65536 /* events kept for cursors that resume; older: 410-like CONFLICT */
#define SSE_QUEUE_MAX   (4u << 20) /* bytes queued to one slow reader: it is cut off and resumes */
#define SSE_BACKLOG_BYTES                                                                          \
	(128u << 20)           /* bytes of that backlog: the oldest events are forgotten first */
#define SSE_TOPICS_MAX   65536 /* topics that are listened to at once: BUSY past it */
#define HTTP_CALLS_MAX   4096  /* calls of one client in progress: BUSY past it */
#define HTTP_ANSWER_S    90    /* a request that its role has not answered by then: TIMEOUT */
#define HTTP_TREE_BLOCKS (1u << 20) /* blocks of one tree that is sent or received: TOO_LARGE */
#define AUTH_NONCES_MAX  (2u << 20) /* nonces of 120 s of signed requests: BUSY past it */
#define RATE_KEYS_MAX    65536 /* callers whose rates are counted: the table starts over past it */

/* Content store. */
#define BLOCK_MAX        (1u << 20) /* bytes of one block: the largest that peers of IPFS accept */
#define CHUNK_BYTES      262144     /* Kubo's default chunker */
#define DAG_LINKS_MAX    174        /* Kubo's default fan-out */
#define TREE_ENTRIES_MAX 65536      /* files and directories in one tree */
#define TREE_DEPTH_MAX   64

/* Execution. */
#define WASM_MODULE_MAX (64u << 20) /* bytes of a module */
#define STDOUT_MAX      (8u << 20)  /* bytes kept of stdout and of stderr, each */
/* Compiled programs that are kept: past it those that were used longest ago go. */
#define WASM_CACHE_MAX   (1u << 30) /* bytes */
#define WASM_CACHE_FILES 4096

/* Module manifests: MODULE_BAD past them. */
#define MANIFEST_BYTES_MAX  (256u << 10) /* bytes of module.json */
#define MANIFEST_INPUTS_MAX 32           /* declared inputs */
#define MANIFEST_ARG_MAX    1023         /* bytes of one argument with its placeholders */

/* Store. */
#define STORE_TABLES_MAX 64   /* record tables of one store: more is a bug */
#define STORE_WAL_PAGES  4000 /* 4 KiB pages of log before they are copied into the file */
#define LOCK_WAIT_MS     1000 /* until a process that is dying lets go, then STORE_LOCKED */
#define STORE_BUSY_MS    5000 /* a process that shares a store waits that long, then BUSY */

/* Market. */
#define BOOK_OFFERS_MAX     2000000 /* offers of each side in the book: RATE past it */
#define LEDGER_ACCOUNTS_MAX (16u << 20)
#define LEDGER_DEALS_MAX    (64u << 20) /* and words of 256 bits of nonces and of numbers */
#define LEDGER_CHANNELS_MAX (16u << 20)

#endif
