# model.mk - one deal, exhaustively: tests/model/explore.c on the rules of src/ledger, tests/model/deal.pml
# in spin, and the tables of transitions of both, which must be the same; docs/model.md says more.
MODEL     := $(O)/model
MODEL_SRC := $(wildcard tests/model/*.c)
MODEL_LIB := $(foreach d,ledger port model codec crypto base,$(O)/lib/$(d).a)

$(MODEL)/explore: $(MODEL_SRC) $(wildcard tests/model/*.h) $(MODEL_LIB) $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC      $@'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $(MODEL_SRC) -Wl,--start-group $(MODEL_LIB) -Wl,--end-group $(LDFLAGS) $(LDLIBS)

model: $(MODEL)/explore
	@tools/run_model $(MODEL)

CHECK_STEPS += model
.PHONY: model
