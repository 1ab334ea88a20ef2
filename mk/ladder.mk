# ladder.mk - what a job costs by each rung of the settlement ladder (tests/ladder).
#   make bench-ladder [JOBS=1000]   build/ladder.json, and a table
#   make ladder-page                the same, and the table in docs/contracts.md
LADDER_SRC := $(wildcard tests/ladder/*.c)
LADDER_OBJ := $(LADDER_SRC:tests/ladder/%.c=$(O)/obj/ladder/%.o)
LADDER_BIN := $(O)/test/ladder/ladder
JOBS       ?= 1000

$(O)/obj/ladder/%.o: tests/ladder/%.c $(O)/flags $(O)/lib/chain.a
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) -Itests/diff -I$(O)/gen $(CFLAGS) -MMD -MP -c $< -o $@

$(LADDER_BIN): $(LADDER_OBJ) $(O)/obj/diff/chain.o $(O)/obj/diff/node.o $(DIFF_LIBS)
	@mkdir -p $(@D)
	@echo '  LD      $@'
	@$(CC) $(CFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(DIFF_LIBS) -Wl,--end-group $(LDFLAGS) $(DIFF_LD)

# A bench that no longer compiles is found by `make check`, not by whoever wants a figure.
libs: $(LADDER_BIN)

bench-ladder: $(LADDER_BIN)
	@tools/ladder $(LADDER_BIN) $(ANVIL) $(JOBS)

ladder-page: $(LADDER_BIN)
	@tools/ladder $(LADDER_BIN) $(ANVIL) $(JOBS) docs/contracts.md

-include $(LADDER_OBJ:.o=.d)
.PHONY: bench-ladder ladder-page
