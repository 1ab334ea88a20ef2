# flags.mk - compiler flags; a profile overrides O and adds to these.
IS_CLANG := $(shell $(CC) --version 2>/dev/null | grep -qi clang && echo 1)

PKGS     := libuv libcurl jansson libcrypto libsecp256k1 sqlite3 libseccomp libmicrohttpd
CPPFLAGS += -Isrc -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion \
            -Wformat=2 -Wcast-qual -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
            -Wold-style-definition -Wwrite-strings -Wundef -Wvla -Walloca -Wswitch-enum \
            -Wimplicit-fallthrough -Wredundant-decls -Wdate-time -Wframe-larger-than=65536 -Werror
ifeq ($(IS_CLANG),1)
WARN     += -Wcomma -Wassign-enum -Wno-gnu-statement-expression -Wno-gnu-auto-type \
            -Wno-gnu-zero-variadic-macro-arguments -Wno-language-extension-token \
            -Wno-gnu-empty-initializer -Wno-zero-length-array -Wno-gnu-folding-constant
else
WARN     += -Wduplicated-cond -Wlogical-op -Wtrampolines -Wno-pedantic
endif
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE
OPT      ?= -O2 -D_FORTIFY_SOURCE=2
CFLAGS   ?= -std=gnu17 $(OPT) -g -fno-common -fno-strict-aliasing -ffile-prefix-map=$(CURDIR)=. \
            $(WARN) $(HARDEN) $(SAN)
LDFLAGS  += -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SAN)
LDLIBS   := $(LDLIBS) $(shell pkg-config --libs $(PKGS)) -linih -ldl -lm -lpthread
