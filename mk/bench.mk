# bench.mk - `make bench [B=name]` runs build/bench/DIR/x (from src/DIR/x_bench.c) and tests/bench/*.py.
# Each prints one JSON object a line: {name, unit, ours, peer, peer_name, ratio, goal, ok}; the list of
# all is build/bench.json. Speed is shown here and never asserted in a test.
BENCH := $(foreach d,$(DIRS),$(wildcard src/$(d)/*_bench.c))
B ?=

define BENCHBIN
$(O)/bench/$(patsubst src/%_bench.c,%,$(1)): $(O)/obj/$(patsubst src/%.c,%,$(1)).o \
		$(foreach d,$(word 2,$(subst /, ,$(1))) $(call DEPS,$(word 2,$(subst /, ,$(1)))),$(if $(filter src/$(d)/%,$(SRC)),$(O)/lib/$(d).a))
	@mkdir -p $$(@D)
	@$(CC) $(CFLAGS) -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS) $$(LDLIBS)
endef
$(foreach b,$(BENCH),$(eval $(call BENCHBIN,$(b))))

bench: $(BENCH:src/%_bench.c=$(O)/bench/%) $(wildcard $(O)/lilypad)
	@tools/bench '$(B)' $(BENCH:src/%_bench.c=$(O)/bench/%) $(sort $(wildcard tests/bench/*.py))

-include $(BENCH:src/%.c=$(O)/obj/%.d)
.PHONY: bench
