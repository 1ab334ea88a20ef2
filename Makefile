# Makefile - plain and non-recursive. One build folder per profile, one archive per folder of src/.
#   make          build/lilypad          make check   everything that tests
#   make unit     C unit tests           make blackbox, make lint, make bench, make asan, make fuzz
.DEFAULT_GOAL := all
O      ?= build
PYTHON ?= python3
CLANG  ?= clang-14
ifeq ($(origin CC),default)
CC     := gcc
endif

include mk/flags.mk
include mk/modules.mk

DIRS := $(shell awk '!/^\#/ && NF {print $$1}' layers.txt)
$(foreach d,$(DIRS),$(eval DEPS_$(d) := $(shell awk -v d=$(d) '!/^\#/ && $$1==d {for (i=2;i<=NF;i++) print $$i}' layers.txt)))
DEPS  = $(DEPS_$(1))
# The archives that the program of a source file links: of its folder, of those it may include, and of $(2).
ARCHIVES = $(foreach d,$(sort $(call FOLDER,$(1)) $(call DEPS,$(call FOLDER,$(1))) $(2)),$(if $(filter src/$(d)/%,$(SRC)),$(O)/lib/$(d).a))
FOLDER   = $(word 2,$(subst /, ,$(1)))

SRC  := $(filter-out %_test.c %_fuzz.c %_bench.c,$(foreach d,$(DIRS),$(wildcard src/$(d)/*.c)))
OBJ  := $(SRC:src/%.c=$(O)/obj/%.o)
TEST := $(foreach d,$(DIRS),$(wildcard src/$(d)/*_test.c))
FUZZ := $(foreach d,$(DIRS),$(wildcard src/$(d)/*_fuzz.c))

all: $(O)/lilypad modules

# Flags are part of what an object depends on.
$(O)/flags: FORCE
	@mkdir -p $(O)
	@echo '$(CC) $(CFLAGS) $(CPPFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(CPPFLAGS)' > $@
FORCE:

$(O)/obj/%.o: src/%.c $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

define ARCHIVE
$(O)/lib/$(1).a: $$(filter $(O)/obj/$(1)/%,$$(OBJ))
	@mkdir -p $$(@D)
	@rm -f $$@
	@$(AR) rcs $$@ $$^
endef
$(foreach d,$(DIRS),$(eval $(call ARCHIVE,$(d))))

# Later layers first, so that one pass of the linker resolves them; groups where ports call back.
REVERSED := $(shell awk '!/^\#/ && NF {print $$1}' layers.txt | tac)
LIBS     := $(foreach d,$(REVERSED),$(if $(wildcard src/$(d)/*.c),$(O)/lib/$(d).a))

$(O)/lilypad: $(O)/lib/cli.a $(LIBS)
	@echo '  LD      $@'
	@$(CC) $(CFLAGS) -o $@ -Wl,--start-group $(LIBS) -Wl,--end-group $(LDFLAGS) $(LDLIBS)

# A test links only what its folder may see, and the ports in memory.
define TESTBIN
$(O)/test/$(patsubst src/%.c,%,$(1)): $(O)/obj/$(patsubst src/%.c,%,$(1)).o $(call ARCHIVES,$(1),$(call DEPS,tests))
	@mkdir -p $$(@D)
	@$(CC) $(CFLAGS) -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LDFLAGS) $(LDLIBS) -lcmocka
endef
$(foreach t,$(TEST),$(eval $(call TESTBIN,$(t))))

TESTBINS := $(TEST:src/%.c=$(O)/test/%)
# `make unit D=codec` runs the tests of one folder.
unit: $(if $(D),$(filter $(O)/test/$(D)/%,$(TESTBINS)),$(TESTBINS))
	@tools/run_units $^

# Every archive, linked into nothing: what a compiler has to say about all of src/.
libs: $(foreach d,$(DIRS),$(if $(wildcard src/$(d)/*.c),$(O)/lib/$(d).a))

clean:
	rm -rf $(O)

# Each further makefile holds one matter; those of contracts, documentation and so on may add a target
# to CHECK_STEPS.
include mk/asan.mk mk/fuzz.mk mk/bench.mk mk/install.mk mk/check.mk
-include $(filter-out mk/flags.mk mk/modules.mk mk/asan.mk mk/fuzz.mk mk/bench.mk mk/install.mk mk/check.mk,$(wildcard mk/*.mk))

.PHONY: all unit libs clean FORCE modules
.SECONDARY:
-include $(OBJ:.o=.d)
-include $(TEST:src/%.c=$(O)/obj/%.d)
