/* model.h - the nouns of the protocol: structs and tables expanded from the .def files. */
#ifndef LILYPAD_MODEL_MODEL_H
#define LILYPAD_MODEL_MODEL_H

#include "base/bounds.h"
#include "base/field.h"
#include "base/sm.h"

/* Enumerations: enum { PREFIX_NAME = value } and `tag_names`. */
#define ENUM(tag)                   enum tag {
#define V(id, value, name, meaning) id = (value),
#define ENUM_END(tag)                                                                              \
	}                                                                                          \
	;
#include "model/enums.def"
#undef ENUM
#undef V
#undef ENUM_END
#define ENUM(tag) extern const struct enum_names tag##_names;
#define V(id, value, name, meaning)
#define ENUM_END(tag)
#include "model/enums.def"
#undef ENUM
#undef V
#undef ENUM_END

enum deal_state {
#define S(name, value, flags, next, meaning) DEAL_##name = (value),
#include "model/states.def"
#undef S
};
extern const struct sm deal_states;

/* RECS takes its argument as (record, bound). */
#define RECS_TAG(rec, bound)    rec
#define RECS_BOUND(rec, bound)  bound
#define RECS_RECORD(rec, bound) rec##_record

#include "model/record_struct.h"
#include "model/documents.def"
#include "model/job_spec.def"
#include "model/record_end.h"

#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "model/documents.def"
#include "model/job_spec.def"
#include "model/record_end.h"

/* All signed documents, in the order of documents.def; ends with NULL. */
extern const struct record *(*const model_documents[])(void);

#endif
