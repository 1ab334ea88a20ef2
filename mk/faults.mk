# faults.mk - what runs for long and is no part of make check.
#   make kill-long N=143 [SEED=] [MIX=disputed]   N times kill -9 of each of seven roles, then an audit
#   make soak MINUTES=60 RATE=200    no-op jobs at that rate: sums checked on each block, memory measured
N       ?= 50
SEED    ?=
MIX     ?= disputed
MINUTES ?= 60
RATE    ?= 200

kill-long: all
	@$(PYTHON) tests/blackbox/kills.py --each $(N) $(if $(SEED),--seed $(SEED)) --mix $(MIX)

# The main() of the command line comes along and is not the one that counts.
$(O)/soak/buyer: tests/soak/buyer.c $(LIBS) $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< -Wl,-z,muldefs -Wl,--start-group $(LIBS) -Wl,--end-group $(LDFLAGS) $(LDLIBS)

soak: all $(O)/soak/buyer $(O)/bench/noop/module.json
	@$(PYTHON) tests/soak/soak.py --minutes $(MINUTES) --rate $(RATE)

-include $(O)/soak/buyer.d
.PHONY: kill-long soak
