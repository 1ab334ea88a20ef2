# faults.mk - what runs for long and is no part of make check.
#   make kill-long N=167 [SEED=] [MIX=plain] [PROVIDERS=1]   N times kill -9 of each of six roles, then an audit
N         ?= 50
SEED      ?=
MIX       ?= plain
PROVIDERS ?= 1

kill-long: all
	@$(PYTHON) tests/blackbox/kills.py --each $(N) $(if $(SEED),--seed $(SEED)) --mix $(MIX) --providers $(PROVIDERS)

.PHONY: kill-long
