# hostile.mk - `make hostile-page` writes the table of docs/hostile-wasm.md anew from a run of its test.
hostile-page: all $(ENGINE)
	@LILYPAD_WRITE_PAGE=1 $(PYTHON) -m pytest -q -p no:cacheprovider -k test_page tests/blackbox/test_hostile_wasm.py

.PHONY: hostile-page
