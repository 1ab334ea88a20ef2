/* unixfs_own.h - what writing and reading UnixFS share: the numbers of the members and the rules for
 * names. */
#ifndef LILYPAD_CODEC_UNIXFS_OWN_H
#define LILYPAD_CODEC_UNIXFS_OWN_H

#include "codec/pb.h"
#include "codec/unixfs.h"

/* Members of PBNode, PBLink and the UnixFS message, in the order in which they are written. */
enum { NODE_LINKS = 2, NODE_DATA = 1 };
enum { LINK_HASH = 1, LINK_NAME = 2, LINK_TSIZE = 3 };
enum { FS_TYPE = 1, FS_DATA = 2, FS_FILESIZE = 3, FS_BLOCKSIZES = 4 };
enum { FS_RAW = 0, FS_DIRECTORY = 1, FS_FILE = 2, FS_SYMLINK = 4, FS_SHARD = 5 };

/* Kubo's HAMTShardingSize. */
#define SHARD_BYTES 262144u

/* 1 to PATH_TEXT_MAX bytes of UTF-8 without '/' and NUL, not "." or "..". */
MUST bool unixfs_name_ok(struct str name);

#endif
