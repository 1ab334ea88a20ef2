# evm.mk - the contracts: building needs node and what tools/setup_tests.d/contracts fetches; nothing of the C build
# does, since what they give is committed in contracts/gen.
#   make contracts        contracts/gen anew              make contracts-check   fail when it is stale
#   make contracts-test   forge's tests                   make contracts-long    the same with longer invariants
#   make contracts-cov    coverage of contracts/src       make gas               what each rung of the ladder costs
contracts:
	@node tools/evm/build.js
	@node tools/evm/build.js --size

contracts-check:
	@node tools/evm/build.js --check

contracts-test:
	@tools/evm/run_tests

contracts-long:
	@FOUNDRY_PROFILE=long tools/evm/run_tests

# What each rung of the ladder costs, beside the goals and other systems.
gas:
	@tools/evm/gas

contracts-cov:
	@tools/evm/coverage

CHECK_STEPS += contracts-check contracts-test

.PHONY: contracts contracts-check contracts-test contracts-long contracts-cov gas
