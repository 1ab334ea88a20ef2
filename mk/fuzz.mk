# fuzz.mk - libFuzzer targets: src/DIR/x_fuzz.c becomes build/asan/fuzz/DIR/x.
#   make fuzz T=codec/json S=60   fuzz one target for S seconds, from its corpus; without T all in turn, from what
#                                 was found before
#   make fuzz-keep T=codec/json   add what it found to tests/corpus, made small
#   make corpora                  replay tests/corpus through every target (a part of make check)
T ?=
S ?=

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

ifeq ($(T),)
fuzz:
	$(ASAN_MAKE) fuzz-bins
	@tools/fuzz all $(or $(S),3600) $(FUZZ_TARGETS)
else
fuzz: fuzz-one
	@tools/fuzz run $(T) $(or $(S),60)
endif
fuzz-keep: fuzz-one
fuzz-keep:
	@tools/fuzz keep $(T)
fuzz-one:
	@test -f src/$(T)_fuzz.c || { echo "T=$(T) is no target; there are: $(FUZZ_TARGETS)"; exit 2; }
	$(ASAN_MAKE) fuzz-bin T=$(T)

-include $(FUZZ:src/%.c=$(O)/obj/%.d)
.PHONY: fuzz fuzz-keep fuzz-one fuzz-bins fuzz-bin corpora
