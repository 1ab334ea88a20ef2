# sim.mk - the whole market in one process with a fake world (tests/sim).
#   make sim [SEEDS=n] [SCN=name]   every scenario, with as many seeds as it says or n
#   make sim S=seconds [SCN=name]   new seeds, one after the other, for as long
# The linker is given no library of an adapter: what needs one is no part of it.
SIM_SRC  := $(wildcard tests/sim/*.c)
SIM_OBJ  := $(SIM_SRC:tests/sim/%.c=$(O)/obj/sim/%.o)
SIM_BIN  := $(O)/test/sim/sim
SIM_LIBS := $(foreach d,$(DEPS_sim),$(if $(wildcard src/$(d)/*.c),$(O)/lib/$(d).a))
SIM_LD   := $(shell pkg-config --libs jansson libcrypto libsecp256k1) -lm
SCN      ?=
SEEDS    ?=

$(O)/obj/sim/%.o: tests/sim/%.c $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) -Itests/sim $(CFLAGS) -MMD -MP -c $< -o $@

$(SIM_BIN): $(SIM_OBJ) $(SIM_LIBS)
	@mkdir -p $(@D)
	@echo '  LD      $@'
	@$(CC) $(CFLAGS) -o $@ $(SIM_OBJ) -Wl,--start-group $(SIM_LIBS) -Wl,--end-group $(LDFLAGS) $(SIM_LD)

SIM_FILES = $(if $(SCN),tests/sim/$(SCN).scn,$(sort $(wildcard tests/sim/*.scn)))

# What each compiler has to say about it.
libs: $(SIM_BIN)

sim: $(SIM_BIN)
	@$(SIM_BIN) $(if $(S),--seconds $(S) --from $$(date +%s)) $(if $(SEEDS),--seeds $(SEEDS)) $(SIM_FILES)

-include $(SIM_OBJ:.o=.d)
.PHONY: sim
