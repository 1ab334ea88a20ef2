# install.mk - `make install PREFIX=/usr/local [DESTDIR=]`: the binary, the WebAssembly engine, the modules,
# man pages and completions; `make uninstall` removes the same files.
PREFIX   ?= /usr/local
DESTDIR  ?=
BINDIR   := $(DESTDIR)$(PREFIX)/bin
SHAREDIR := $(DESTDIR)$(PREFIX)/share
LIBDIR   := $(DESTDIR)$(PREFIX)/lib/lilypad
ENGINE   := build/wasmtime/lib/libwasmtime.so
INSTALL  ?= install

$(ENGINE):
	@tools/get_wasmtime

install: all man $(ENGINE)
	$(INSTALL) -D -m 755 $(O)/lilypad $(BINDIR)/lilypad
	$(INSTALL) -D -m 644 $(ENGINE) $(LIBDIR)/libwasmtime.so
	@for m in $(MODULE_NAMES); do \
		$(INSTALL) -D -m 644 $(MODULE_OUT)/$$m/$$m.wasm $(SHAREDIR)/lilypad/modules/$$m/$$m.wasm && \
		$(INSTALL) -D -m 644 $(MODULE_OUT)/$$m/module.json $(SHAREDIR)/lilypad/modules/$$m/module.json || exit 1; \
	done
	@for page in $(O)/man/*.1; do \
		$(INSTALL) -D -m 644 $$page $(SHAREDIR)/man/man1/$${page##*/} || exit 1; \
	done
	@$(INSTALL) -d $(SHAREDIR)/bash-completion/completions $(SHAREDIR)/zsh/site-functions $(SHAREDIR)/fish/vendor_completions.d
	@$(O)/lilypad completion bash > $(SHAREDIR)/bash-completion/completions/lilypad
	@$(O)/lilypad completion zsh > $(SHAREDIR)/zsh/site-functions/_lilypad
	@$(O)/lilypad completion fish > $(SHAREDIR)/fish/vendor_completions.d/lilypad.fish

uninstall:
	rm -f $(BINDIR)/lilypad $(SHAREDIR)/man/man1/lilypad*.1 \
		$(SHAREDIR)/bash-completion/completions/lilypad $(SHAREDIR)/zsh/site-functions/_lilypad \
		$(SHAREDIR)/fish/vendor_completions.d/lilypad.fish
	rm -rf $(SHAREDIR)/lilypad $(LIBDIR)

.PHONY: install uninstall
