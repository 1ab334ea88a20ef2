# docs.mk - the parts of docs/ that come from the tables (see tools/gen_docs.c).
#   make docs         bring them up to date        make docs-check   fail when one is stale
#   make vectors      write tests/vectors/documents.json anew, after src/model/documents.def changed
DOCS := $(sort $(wildcard docs/*.md))

docs: $(O)/tools/gen_docs
	@$(O)/tools/gen_docs $(DOCS)

docs-check: $(O)/tools/gen_docs
	@$(O)/tools/gen_docs --check $(DOCS)

$(O)/tools/gen_docs: tools/gen_docs.c $(wildcard src/base/*.def src/model/*.def src/module/*.def) \
		$(foreach d,module model codec crypto base,$(O)/lib/$(d).a)
	@mkdir -p $(@D)
	@echo '  CC      $@'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDFLAGS) $(LDLIBS)

# Another implementation of EIP-712, of which nothing else here makes use.
VECTORS_PYTHON := build/vectors/bin/python
vectors:
	@test -x $(VECTORS_PYTHON) || $(PYTHON) -m venv build/vectors
	@$(VECTORS_PYTHON) -c 'import eth_account' 2>/dev/null || $(VECTORS_PYTHON) -m pip -q install eth-account==0.14.0
	@$(VECTORS_PYTHON) tests/vectors/make_documents.py

.PHONY: docs docs-check vectors
