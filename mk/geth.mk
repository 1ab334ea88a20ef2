# geth.mk - the tests of the market on a chain against go-ethereum in its developer mode, a block each second. Needs Go
# of the version that tools/geth/go.mod names; every module is checked against the sums in tools/geth/go.sum. What needs
# a node that obeys (anvil) is skipped with its reason.
#   make chain-geth [K=name]
GETH := build/geth/geth

$(GETH): tools/geth/go.mod tools/geth/go.sum
	@command -v go >/dev/null || { echo "chain-geth: Go is not here; tools/geth/go.mod says which version is needed"; exit 5; }
	@echo '  GO      $@ (a few minutes)'
	@mkdir -p $(@D)
	@cd tools/geth && go build -mod=readonly -o $(abspath $@) github.com/ethereum/go-ethereum/cmd/geth

chain-geth: all $(GETH)
	@CHAIN_NODE=geth $(PYTHON) -m pytest -q -ra --durations=5 -p no:cacheprovider $(if $(K),-k '$(K)') \
		tests/blackbox/test_chain*.py tests/blackbox/test_onchain.py

.PHONY: chain-geth
