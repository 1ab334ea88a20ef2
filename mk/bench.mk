# bench.mk - `make bench [B=name]` runs build/bench/DIR/x (from src/DIR/x_bench.c), build/bench/whole/x (from
# tests/bench/x_bench.c) and tests/bench/*.py; docs/benchmarks.md says what each measures.
# Each prints one JSON object a line: {name, unit, ours, peer, peer_name, ratio, goal, ok}; the list of
# all is build/bench.json. Speed is shown here and never asserted in a test.
BENCH := $(foreach d,$(DIRS),$(wildcard src/$(d)/*_bench.c))
B ?=

define BENCHBIN
$(O)/bench/$(patsubst src/%_bench.c,%,$(1)): $(O)/obj/$(patsubst src/%.c,%,$(1)).o $(call ARCHIVES,$(1))
	@mkdir -p $$(@D)
	@$(CC) $(CFLAGS) -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS) $$(LDLIBS)
endef
$(foreach b,$(BENCH),$(eval $(call BENCHBIN,$(b))))

# Those of whole processes and of the network, tests/bench/x_bench.c, see every folder. The main() of the
# command line comes along and is not the one that counts.
WHOLE := $(wildcard tests/bench/*_bench.c)
NOOP  := $(O)/bench/noop

$(O)/bench/whole/%: tests/bench/%_bench.c $(LIBS) $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< -Wl,-z,muldefs -Wl,--start-group $(LIBS) -Wl,--end-group $(LDFLAGS) $(LDLIBS)

$(O)/bench/sync_count.so: tests/bench/sync_count.c $(O)/flags
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) -fPIC -shared -o $@ $< -ldl

$(NOOP)/module.json: tests/bench/noop/noop.c tests/bench/noop/module.json $(O)/tools/module_pack
	@mkdir -p $(@D)
	@$(MODULE_CC) $(MODULE_FLAGS) -nostdlib -o $(NOOP)/noop.wasm $<
	@$(O)/tools/module_pack tests/bench/noop/module.json $(NOOP)/noop.wasm $@

WHOLE_BIN := $(WHOLE:tests/bench/%_bench.c=$(O)/bench/whole/%)
bench-whole: $(WHOLE_BIN) $(O)/lilypad modules $(O)/bench/sync_count.so $(NOOP)/module.json

# A bench that no longer compiles is found by `make check`, not by whoever wants a figure.
bench-build: $(WHOLE_BIN) $(BENCH:src/%_bench.c=$(O)/bench/%)

bench: bench-whole $(BENCH:src/%_bench.c=$(O)/bench/%) $(wildcard $(O)/lilypad)
	@tools/bench '$(B)' $(BENCH:src/%_bench.c=$(O)/bench/%) $(WHOLE_BIN) $(sort $(wildcard tests/bench/*.py))

-include $(addsuffix .d,$(WHOLE_BIN)) $(BENCH:src/%.c=$(O)/obj/%.d)
.PHONY: bench bench-build bench-whole
