# chain.mk - what src/chain is built with from contracts/gen (tools/gen_contracts): needs python, not node.
CONTRACTS := Controller Annex Token
CONTRACT_FILES := $(CONTRACTS:%=contracts/gen/%.json)

$(O)/gen/contracts.def: tools/gen_contracts $(CONTRACT_FILES)
	@mkdir -p $(@D)
	@tools/gen_contracts tables $(CONTRACTS) > $@.part && mv $@.part $@

$(O)/gen/contracts_code.h: tools/gen_contracts $(CONTRACT_FILES)
	@mkdir -p $(@D)
	@tools/gen_contracts code Controller Token > $@.part && mv $@.part $@

$(O)/obj/chain/%.o: CPPFLAGS += -I$(O)/gen
$(filter $(O)/obj/chain/%,$(OBJ) $(TEST:src/%.c=$(O)/obj/%.o) $(FUZZ:src/%.c=$(O)/obj/%.o)): | $(O)/gen/contracts.def $(O)/gen/contracts_code.h
