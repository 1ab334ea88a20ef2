# diff.mk - the same random traces on the rules of src/ledger and on the contracts under anvil (tests/diff).
#   make diff [SEED=n] [TRACES=n]          the kept traces, and as many random ones
#   make diff-long TRACES=10000 [SEED=n]   more of them, with figures
DIFF_SRC   := $(wildcard tests/diff/*.c)
DIFF_OBJ   := $(DIFF_SRC:tests/diff/%.c=$(O)/obj/diff/%.o)
DIFF_BIN   := $(O)/test/diff/diff
DIFF_LIBS  := $(foreach d,$(DEPS_diff),$(if $(wildcard src/$(d)/*.c),$(O)/lib/$(d).a))
DIFF_LD    := $(shell pkg-config --libs libcurl libuv jansson libcrypto libsecp256k1 libmicrohttpd) -lm -lpthread
DIFF_KEPT   = $(sort $(wildcard tests/diff/traces/*.json))
ANVIL      ?= build/evm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
SEED       ?= 1
DIFF_RUN    = $(DIFF_BIN) --anvil $(ANVIL) --seed $(SEED) --write $(O)/diff $(if $(CI),--must)

$(O)/obj/diff/%.o: tests/diff/%.c $(O)/flags $(O)/lib/chain.a
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) -Itests/diff -I$(O)/gen $(CFLAGS) -MMD -MP -c $< -o $@

$(DIFF_BIN): $(DIFF_OBJ) $(DIFF_LIBS)
	@mkdir -p $(@D)
	@echo '  LD      $@'
	@$(CC) $(CFLAGS) -o $@ $(DIFF_OBJ) -Wl,--start-group $(DIFF_LIBS) -Wl,--end-group $(LDFLAGS) $(DIFF_LD)

# What each compiler has to say about it.
libs: $(DIFF_BIN)

diff: $(DIFF_BIN)
	@$(DIFF_RUN) --traces $(or $(TRACES),300) $(DIFF_KEPT)

diff-long: $(DIFF_BIN)
	@$(DIFF_RUN) --traces $(or $(TRACES),10000) --figures $(DIFF_KEPT)

CHECK_STEPS += diff
-include $(DIFF_OBJ:.o=.d)
.PHONY: diff diff-long
