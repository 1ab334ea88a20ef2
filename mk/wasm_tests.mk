# wasm_tests.mk - programs for the tests of the executor: tests/wasm/x.c becomes build/wasm/x.wasm. The
# tests of src/exec also need the engine; it is fetched when it is not there.
WASM_TESTS := $(patsubst tests/wasm/%.c,build/wasm/%.wasm,$(wildcard tests/wasm/*.c))

# Without it a compiler for baseline WebAssembly makes a loop of a memset().
WASM_FLAGS_fill := -mbulk-memory

build/wasm/%.wasm: tests/wasm/%.c mk/modules.mk mk/wasm_tests.mk
	@mkdir -p $(@D)
	@echo '  WASM    $@'
	@$(MODULE_CC) $(MODULE_FLAGS) $(WASM_FLAGS_$*) -o $@.part $< && mv $@.part $@

$(O)/test/exec/wasm_test $(O)/test/exec/exec_hostile_test: | $(WASM_TESTS) $(ENGINE)
blackbox: $(WASM_TESTS) $(ENGINE)
# One of the fuzz targets loads it.
corpora fuzz fuzz-one: | $(ENGINE)

.PHONY: wasm-tests
wasm-tests: $(WASM_TESTS)
