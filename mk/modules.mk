# modules.mk - the modules that are shipped: C to WebAssembly (wasm32-wasi), the same bytes from the
# same compiler wherever they are built. `make modules` writes build/modules/NAME/NAME.wasm and
# build/modules/NAME/module.json with the program's content id inside.
MODULE_OUT   := build/modules
MODULE_CC    ?= clang-14
MODULE_FLAGS := --target=wasm32-wasi --sysroot=/usr -std=c17 -O2 -Wall -Wextra -Wconversion -Wshadow \
                -Werror -ffile-prefix-map=$(CURDIR)=. -fno-ident \
                -Wl,--strip-all -Wl,-z,stack-size=262144
MODULE_NAMES := $(patsubst modules/%/module.json,%,$(wildcard modules/*/module.json))

modules: $(foreach m,$(MODULE_NAMES),$(MODULE_OUT)/$(m)/module.json)

# Compiled beside its place and moved there, so that a broken build leaves nothing half made.
define MODULE
$(MODULE_OUT)/$(1)/$(1).wasm: $(wildcard modules/$(1)/*.c modules/$(1)/*.h) mk/modules.mk
	@mkdir -p $$(@D)
	@echo '  WASM    $$@'
	@$(MODULE_CC) $(MODULE_FLAGS) -o $$@.part $$(filter %.c,$$^) && mv $$@.part $$@

$(MODULE_OUT)/$(1)/module.json: modules/$(1)/module.json $(MODULE_OUT)/$(1)/$(1).wasm $(O)/tools/module_pack
	@$(O)/tools/module_pack modules/$(1)/module.json $(MODULE_OUT)/$(1)/$(1).wasm $$@
endef
$(foreach m,$(MODULE_NAMES),$(eval $(call MODULE,$(m))))

$(O)/tools/module_pack: tools/module_pack.c $(foreach d,module codec model crypto base,$(O)/lib/$(d).a)
	@mkdir -p $(@D)
	@echo '  CC      $@'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDFLAGS) $(LDLIBS)
