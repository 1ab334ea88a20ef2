# docs.mk - the parts of docs/ that come from the tables (see tools/gen_docs.c).
#   make docs         bring them up to date        make docs-check   fail when one is stale
#   make man         the manual pages, into build/man
#   make vectors      write tests/vectors/documents.json and evm.json anew
DOCS := $(sort $(wildcard docs/*.md))

docs: $(O)/tools/gen_docs
	@$(O)/tools/gen_docs $(DOCS)

docs-check: $(O)/tools/gen_docs
	@$(O)/tools/gen_docs --check $(DOCS)

$(O)/tools/gen_docs: tools/gen_docs.c tools/gen_docs_cli.c tools/gen_docs.h $(LIBS) $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC      $@'
	@$(CC) $(CPPFLAGS) -Itools $(CFLAGS) -o $@ $(filter %.c,$^) -Wl,--start-group $(LIBS) -Wl,--end-group $(LDFLAGS) $(LDLIBS)

# The manual pages: lilypad.1 and one for each command. Made anew whenever a table changes, kept nowhere.
$(O)/man/lilypad.1: $(O)/tools/gen_docs
	@mkdir -p $(@D)
	@rm -f $(@D)/*.1
	@$(O)/tools/gen_docs --man $(@D)

man: $(O)/man/lilypad.1

# Another implementation of EIP-712, of which nothing else here makes use.
VECTORS_PYTHON := build/vectors/bin/python
vectors:
	@test -x $(VECTORS_PYTHON) || $(PYTHON) -m venv build/vectors
	@$(VECTORS_PYTHON) -c 'import eth_account' 2>/dev/null || $(VECTORS_PYTHON) -m pip -q install eth-account==0.14.0
	@$(VECTORS_PYTHON) tests/vectors/make_documents.py
	@$(VECTORS_PYTHON) tests/vectors/make_evm.py

.PHONY: docs docs-check man vectors
