/* record_table.h - expands the rows of a .def file into `const struct record *tag_record(void)`.
 * Include the .def after it, then model/record_end.h. No guard: it is meant to be included often. */
#define RECORD(tag, type, meaning)                                                                 \
	const struct record *tag##_record(void)                                                    \
	{                                                                                          \
		typedef struct tag self;                                                           \
		static const char what[] = meaning;                                                \
		static const struct field f[] = {
#define END(tag, type)                                                                             \
		};                                                                                 \
		static const struct record r = {#tag, #type, what, f, COUNT(f), sizeof(self)};     \
		return &r;                                                                         \
	}
#define F(kind, member, name, arg, flags, meaning) F_##kind(member, #name, arg, flags, meaning)
#define F_ROW(k, m, name, bound, flags, rec, names, meaning)                                       \
	{k, name, offsetof(self, m), sizeof(((self *)0)->m), bound, flags, rec, names, meaning},
#define F_ADDR(m, name, a, fl, what)    F_ROW(K_ADDR, m, name, 0, fl, NULL, NULL, what)
#define F_HASH(m, name, a, fl, what)    F_ROW(K_HASH, m, name, 0, fl, NULL, NULL, what)
#define F_CIDRAW(m, name, a, fl, what)  F_ROW(K_CIDRAW, m, name, 0, fl, NULL, NULL, what)
#define F_CIDTREE(m, name, a, fl, what) F_ROW(K_CIDTREE, m, name, 0, fl, NULL, NULL, what)
#define F_AMOUNT(m, name, a, fl, what)  F_ROW(K_AMOUNT, m, name, 0, fl, NULL, NULL, what)
#define F_U64(m, name, a, fl, what)     F_ROW(K_U64, m, name, 0, fl, NULL, NULL, what)
#define F_U32(m, name, a, fl, what)     F_ROW(K_U32, m, name, 0, fl, NULL, NULL, what)
#define F_U16(m, name, a, fl, what)     F_ROW(K_U16, m, name, 0, fl, NULL, NULL, what)
#define F_U8(m, name, a, fl, what)      F_ROW(K_U8, m, name, 0, fl, NULL, NULL, what)
#define F_TIME(m, name, a, fl, what)    F_ROW(K_TIME, m, name, 0, fl, NULL, NULL, what)
#define F_ENUM(m, name, a, fl, what)    F_ROW(K_ENUM, m, name, 0, fl, NULL, &a##_names, what)
#define F_BOOL(m, name, a, fl, what)    F_ROW(K_BOOL, m, name, 0, fl, NULL, NULL, what)
#define F_NONCE(m, name, a, fl, what)   F_ROW(K_NONCE, m, name, 0, fl, NULL, NULL, what)
#define F_TEXT(m, name, a, fl, what)    F_ROW(K_TEXT, m, name, a, fl, NULL, NULL, what)
#define F_ADDRS(m, name, a, fl, what)   F_ROW(K_ADDRS, m, name, a, fl, NULL, NULL, what)
#define F_HASHES(m, name, a, fl, what)  F_ROW(K_HASHES, m, name, a, fl, NULL, NULL, what)
#define F_REC(m, name, a, fl, what)     F_ROW(K_REC, m, name, 0, fl, a##_record, NULL, what)
#define F_RECS(m, name, a, fl, what)                                                               \
	F_ROW(K_RECS, m, name, RECS_BOUND a, fl, RECS_RECORD a, NULL, what)
#define F_SIG(m, name, a, fl, what)     F_ROW(K_SIG, m, name, 0, fl, NULL, NULL, what)
