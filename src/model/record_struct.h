/* record_struct.h - expands the rows of a .def file into structs. Include after defining nothing;
 * then include the .def; then include model/record_end.h. No guard: it is meant to be included often. */
#define RECORD(tag, type, meaning) struct tag {
#define END(tag, type) };
#define F(kind, member, name, arg, flags, meaning) F_##kind(member, arg)
#define F_ADDR(m, a)    struct addr m;
#define F_HASH(m, a)    struct hash m;
#define F_CIDRAW(m, a)  struct hash m;
#define F_CIDTREE(m, a) struct hash m;
#define F_AMOUNT(m, a)  struct amount m;
#define F_U64(m, a)     uint64_t m;
#define F_U32(m, a)     uint32_t m;
#define F_U16(m, a)     uint16_t m;
#define F_U8(m, a)      uint8_t m;
#define F_TIME(m, a)    struct btime m;
#define F_ENUM(m, a)    uint8_t m;
#define F_BOOL(m, a)    bool m;
#define F_NONCE(m, a)   uint8_t m[16];
#define F_TEXT(m, a)    char m[(a) + 1];
#define F_ADDRS(m, a)   struct { uint32_t n; struct addr v[a]; } m;
#define F_HASHES(m, a)  struct { uint32_t n; struct hash v[a]; } m;
#define F_REC(m, a)     struct a m;
#define F_RECS(m, a)    struct { uint32_t n; struct RECS_TAG a v[RECS_BOUND a]; } m;
#define F_SIG(m, a)     struct sig m;
