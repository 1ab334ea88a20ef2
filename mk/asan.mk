# asan.mk - profiles: memory errors, and what the tests reach.
#   make asan [D=folder]   unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   make vg   [D=folder]   unit tests under valgrind
#   make cov  [D=folder]   which lines they run
# The asan build also carries libFuzzer's coverage marks, so that fuzz.mk uses the same objects.
ASAN_O   := build/asan
ASAN_SAN := -fsanitize=address,undefined -fsanitize=fuzzer-no-link -fno-sanitize-recover=all \
            -fno-omit-frame-pointer -Wno-frame-larger-than=
ASAN_MAKE = +@ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
            UBSAN_OPTIONS=print_stacktrace=1 \
            $(MAKE) --no-print-directory O=$(ASAN_O) CC=$(CLANG) OPT=-O1 SAN='$(ASAN_SAN)'

asan:
	$(ASAN_MAKE) unit $(if $(D),D=$(D))

vg: $(if $(D),$(filter $(O)/test/$(D)/%,$(TESTBINS)),$(TESTBINS))
	@RUN='valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --trace-children=no' tools/run_units $^

# What an earlier run has counted is of another build, or of other tests.
COV_O := build/cov
cov:
	@find $(COV_O) -name '*.gcda' -delete 2>/dev/null || true
	+@$(MAKE) --no-print-directory O=$(COV_O) OPT=-O0 SAN='--coverage -fprofile-update=atomic -Wno-frame-larger-than' unit $(if $(D),D=$(D))
	@tools/cov $(COV_O) $(D)

.PHONY: asan vg cov
