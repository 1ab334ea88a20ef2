# check.mk - `make check` installs what the tests need and runs all of them; each step is a target that
# runs alone as well. The last line is `N passed, N failed, N skipped`.
CHECK_STEPS := lint all docs-check unit asan clang corpora sim blackbox

check:
	@tools/setup_tests
	@tools/check $(CHECK_STEPS)

lint:
	@tools/check_layers
	@tools/check_source
	@tools/check_named_tests

format:
	clang-format-14 -i $(filter-out src/model/record_%.h,$(wildcard src/*/*.c src/*/*.h tests/sim/*.c tests/sim/*.h tests/diff/*.c tests/diff/*.h)) modules/*/*.c

# Both compilers' warnings are errors: gcc's in `all` and `unit`, clang's here, without sanitizers.
clang:
	+@$(MAKE) --no-print-directory O=build/clang CC=$(CLANG) libs bench-build

# `make blackbox K=name` runs what has that name.
blackbox: all
	@tools/blackbox $(PYTHON) $(if $(K),'$(K)')

.PHONY: check lint format clang blackbox
