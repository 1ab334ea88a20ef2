/* model.c - the tables that model.h declares. */
#include "model/model.h"

#define ENUM(tag)                   static const struct enum_value tag##_values[] = {
#define V(id, value, name, meaning) {name, value, meaning},
#define ENUM_END(tag)                                                                              \
	}                                                                                          \
	;                                                                                          \
	const struct enum_names tag##_names = {#tag, tag##_values, COUNT(tag##_values)};
#include "model/enums.def"
#undef ENUM
#undef V
#undef ENUM_END

static const struct sm_state states[] = {
#define S(name, value, flags, next, meaning) {#name, value, flags, next, meaning},
#include "model/states.def"
#undef S
};
const struct sm deal_states = {"deal", states, COUNT(states)};

#include "model/record_table.h"
#include "model/documents.def"
#include "model/job_spec.def"
#include "model/record_end.h"

const struct record *(*const model_documents[])(void) = {
#define RECORD(tag, type, meaning) tag##_record,
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "model/documents.def"
#include "model/record_end.h"
        NULL,
};
