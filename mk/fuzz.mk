# fuzz.mk - libFuzzer targets: src/DIR/x_fuzz.c becomes build/asan/fuzz/DIR/x.
#   make fuzz T=codec/json S=60   fuzz one target for S seconds, from its corpus
#   make fuzz-keep T=codec/json   add what it found to tests/corpus, made small
#   make fuzz-long MINUTES=480    all targets in turn, from their corpora and what was found before
#   make corpora                  replay tests/corpus through every target (a part of make check)
T ?=
S ?= 60
MINUTES ?= 480

define FUZZBIN
$(O)/fuzz/$(patsubst src/%_fuzz.c,%,$(1)): $(O)/obj/$(patsubst src/%.c,%,$(1)).o $(call ARCHIVES,$(1),$(call DEPS,tests))
	@mkdir -p $$(@D)
	@$(CC) $(CFLAGS) -fsanitize=fuzzer -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS) $$(LDLIBS)
endef
$(foreach f,$(FUZZ),$(eval $(call FUZZBIN,$(f))))

FUZZ_TARGETS := $(patsubst src/%_fuzz.c,%,$(FUZZ))
fuzz-bins: $(FUZZ_TARGETS:%=$(O)/fuzz/%)
fuzz-bin: $(O)/fuzz/$(T)

corpora:
	$(ASAN_MAKE) -k fuzz-bins || true
	@tools/fuzz replay $(FUZZ_TARGETS)

fuzz-long:
	$(ASAN_MAKE) fuzz-bins
	@tools/fuzz long $(MINUTES) $(FUZZ_TARGETS)

fuzz fuzz-keep: fuzz-one
fuzz:
	@tools/fuzz run $(T) $(S)
fuzz-keep:
	@tools/fuzz keep $(T)
fuzz-one:
	@test -f src/$(T)_fuzz.c || { echo "T=$(T) is no target; there are: $(FUZZ_TARGETS)"; exit 2; }
	$(ASAN_MAKE) fuzz-bin T=$(T)

-include $(FUZZ:src/%.c=$(O)/obj/%.d)
.PHONY: fuzz fuzz-long fuzz-keep fuzz-one fuzz-bins fuzz-bin corpora
