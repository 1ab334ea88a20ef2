/* json_pool.h - memory of JSON trees. A tree is hundreds of small pieces that live for one event: they are kept
 * in lists by size, so that most are taken and given back in a few instructions. */
#ifndef LILYPAD_CODEC_JSON_POOL_H
#define LILYPAD_CODEC_JSON_POOL_H

/* For the whole process, before the first JSON value of it. Each thread keeps its own lists, of at most
 * JSON_POOL_MAX bytes; whatever is larger or more comes from malloc(). Under a sanitizer everything does, so
 * that it sees each piece. */
void json_pool_use(void);

#endif
