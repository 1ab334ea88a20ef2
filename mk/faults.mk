# faults.mk - what runs for long and is no part of make check.
#   make kills N=1001 [SEED=] [MIX=disputed]   kill -9 at N points, the seven roles in turn, then an audit
#   make soak S=3600 RATE=200                  no-op jobs at that rate: sums checked on each block, memory measured
N       ?= 350
SEED    ?=
MIX     ?= disputed
RATE    ?= 200

kills: all
	@$(PYTHON) tests/blackbox/kills.py --each $$((($(N) + 6) / 7)) $(if $(SEED),--seed $(SEED)) --mix $(MIX)

# The main() of the command line comes along and is not the one that counts.
$(O)/soak/buyer: tests/soak/buyer.c $(LIBS) $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< -Wl,-z,muldefs -Wl,--start-group $(LIBS) -Wl,--end-group $(LDFLAGS) $(LDLIBS)

soak: all $(O)/soak/buyer $(O)/bench/noop/module.json
	@$(PYTHON) tests/soak/soak.py --seconds $(or $(S),3600) --rate $(RATE)

-include $(O)/soak/buyer.d
.PHONY: kills soak
