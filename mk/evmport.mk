# evmport.mk - every kind of action through the ledger port of a chain, beside the rules of src/ledger (tests/evmport).
#   make evmport
EVMPORT_SRC := $(wildcard tests/evmport/*.c)
EVMPORT_OBJ := $(EVMPORT_SRC:tests/evmport/%.c=$(O)/obj/evmport/%.o)
EVMPORT_BIN := $(O)/test/evmport/evmport

$(O)/obj/evmport/%.o: tests/evmport/%.c $(O)/flags $(O)/lib/chain.a
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) -Itests/evmport -Itests/diff -I$(O)/gen $(CFLAGS) -MMD -MP -c $< -o $@

$(EVMPORT_BIN): $(EVMPORT_OBJ) $(O)/obj/diff/chain.o $(O)/obj/diff/node.o $(DIFF_LIBS)
	@mkdir -p $(@D)
	@echo '  LD      $@'
	@$(CC) $(CFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(DIFF_LIBS) -Wl,--end-group $(LDFLAGS) $(DIFF_LD)

libs: $(EVMPORT_BIN)

evmport: $(EVMPORT_BIN)
	@$(EVMPORT_BIN) --anvil $(ANVIL) $(if $(CI),--must)

CHECK_STEPS += evmport
-include $(EVMPORT_OBJ:.o=.d)
.PHONY: evmport
