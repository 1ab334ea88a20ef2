# faults.mk - what runs for long and is no part of make check.
#   make kill-long N=143 [SEED=] [MIX=disputed]   N times kill -9 of each of seven roles, then an audit
N    ?= 50
SEED ?=
MIX  ?= disputed

kill-long: all
	@$(PYTHON) tests/blackbox/kills.py --each $(N) $(if $(SEED),--seed $(SEED)) --mix $(MIX)

.PHONY: kill-long
