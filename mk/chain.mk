# chain.mk - what src/chain is built with from contracts/gen (tools/gen_contracts): needs python, not node.
CONTRACTS := Controller Annex Token OnChainJobs
CONTRACT_FILES := $(CONTRACTS:%=contracts/gen/%.json)

$(O)/gen/chain/contracts.def: tools/gen_contracts $(CONTRACT_FILES)
	@mkdir -p $(@D)
	@tools/gen_contracts tables $(CONTRACTS) > $@.part && mv $@.part $@

$(O)/gen/chain/contracts_code.h: tools/gen_contracts $(CONTRACT_FILES)
	@mkdir -p $(@D)
	@tools/gen_contracts code Controller Token OnChainJobs > $@.part && mv $@.part $@

# Where src/chain/contracts.h is included.
SEES_CONTRACTS := $(O)/obj/chain/% $(O)/obj/cli/%
$(SEES_CONTRACTS:%=%.o): CPPFLAGS += -I$(O)/gen
$(filter $(SEES_CONTRACTS),$(OBJ) $(patsubst src/%.c,$(O)/obj/%.o,$(TEST) $(FUZZ) $(wildcard src/chain/*_bench.c))): | $(O)/gen/chain/contracts.def $(O)/gen/chain/contracts_code.h
