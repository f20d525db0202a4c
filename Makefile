# The C library. Rust people need none of this.
#
#   make                          libomemo.so.1, libomemo.a, omemo.pc
#   make install PREFIX= DESTDIR= installs them with the header; LIBDIR=, INCLUDEDIR=, and DEVLIBDIR= for
#                                 what only developers need (libomemo.so, libomemo.a, omemo.pc)
#   make test                     C and C++ tests against a copy that was installed, shared and static
#   make examples                 examples/c against such a copy; strophe.c needs Debian's libstrophe-dev
#   make header                   writes include/omemo.h anew
#
# SQLITE=system links the system's SQLite instead of compiling one in. OFFLINE=1 asks no registry.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DEVLIBDIR ?= $(LIBDIR)
INCLUDEDIR ?= $(PREFIX)/include
SQLITE ?= bundled
CARGO ?= cargo
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config

ABI = 1
VERSION := $(shell sed -n '/^\[workspace.package\]/,/^$$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
TARGET = $(abspath $(or $(CARGO_TARGET_DIR),target))
OUT = $(TARGET)/capi-$(SQLITE)
SONAME = libomemo.so.$(ABI)

CARGO_FLAGS = --locked $(if $(OFFLINE),--offline)
# What a static library leaves to whoever links it.
SYSTEM_LIBS = -lpthread -ldl -lm
ifeq ($(SQLITE),system)
ifneq ($(shell $(PKG_CONFIG) --atleast-version=3.40 sqlite3 && echo yes),yes)
$(error SQLITE=system needs SQLite 3.40)
endif
FEATURES = --no-default-features --features capi,sqlite
SQLITE_LIBS = $(shell $(PKG_CONFIG) --libs sqlite3)
REQUIRES = sqlite3
else ifeq ($(SQLITE),bundled)
FEATURES = --features capi
# Of SQLite, tables and transactions are used.
export LIBSQLITE3_FLAGS ?= -USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 \
  -USQLITE_ENABLE_RTREE -USQLITE_ENABLE_JSON1 -USQLITE_ENABLE_DBSTAT_VTAB -USQLITE_SOUNDEX \
  -DSQLITE_OMIT_LOAD_EXTENSION -USQLITE_ENABLE_LOAD_EXTENSION -DSQLITE_OMIT_JSON -DSQLITE_OMIT_SHARED_CACHE \
  -DSQLITE_OMIT_UTF16 -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_TRACE -DSQLITE_OMIT_PROGRESS_CALLBACK \
  -DSQLITE_OMIT_AUTHORIZATION -DSQLITE_OMIT_COMPLETE -DSQLITE_OMIT_GET_TABLE -DSQLITE_OMIT_TCL_VARIABLE
else
$(error SQLITE is bundled or system)
endif

# Relocations take a twentieth of their room, where what loads programs here knows the form (glibc 2.36).
RELR = -Wl,-z,pack-relative-relocs
PACKED = $(shell probe=$$(mktemp) && echo 'int main(void) { return 0; }' | $(CC) -x c - $(RELR) -o $$probe 2> /dev/null && \
  $$probe && echo '$(RELR)'; rm -f $$probe)

.PHONY: all FORCE header install uninstall prefix test examples clean
all: $(OUT)/$(SONAME) $(OUT)/libomemo.a

# Cargo knows what is to be done; the copy changes only if its result does, so that nothing is linked in vain.
$(OUT)/rust.a: FORCE
	$(CARGO) rustc --lib --profile capi $(CARGO_FLAGS) $(FEATURES) --crate-type staticlib
	@mkdir -p $(OUT)
	@cmp -s $(TARGET)/capi/libomemo.a $@ || cp $(TARGET)/capi/libomemo.a $@
FORCE:

# One object with what omemo_* needs; every other symbol is local, so that a process may have another SQLite.
$(OUT)/libomemo.a: $(OUT)/rust.a
	sed -n 's/^[a-z].*\<\(omemo_[a-z0-9_]*\)(.*/-u \1/p' include/omemo.h > $(OUT)/roots
	$(LD) -r --gc-sections @$(OUT)/roots -o $(OUT)/omemo.o $<
	$(OBJCOPY) --wildcard --keep-global-symbol='omemo_*' --strip-debug \
	  --remove-section=.llvmbc --remove-section=.llvmcmd $(OUT)/omemo.o
	rm -f $@
	$(AR) rcs $@ $(OUT)/omemo.o

$(OUT)/$(SONAME): $(OUT)/libomemo.a include/libomemo.map
	$(CC) -shared $(LDFLAGS) -o $@ -Wl,-soname,$(SONAME) -Wl,--version-script,include/libomemo.map \
	  -Wl,--gc-sections -Wl,--no-undefined -Wl,-z,relro,-z,now $(PACKED) \
	  -Wl,--whole-archive $< -Wl,--no-whole-archive $(SQLITE_LIBS) $(SYSTEM_LIBS)

header:
	$(CARGO) check --lib $(CARGO_FLAGS) --features capi
	cp "$$(ls -t $(TARGET)/debug/build/omemo-*/out/omemo.h | head -n 1)" include/omemo.h

install: all
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(DEVLIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)
	install -m 755 $(OUT)/$(SONAME) $(DESTDIR)$(LIBDIR)/$(SONAME)
	install -m 644 $(OUT)/libomemo.a $(DESTDIR)$(DEVLIBDIR)/libomemo.a
	install -m 644 include/omemo.h bindings/cpp/omemo.hpp $(DESTDIR)$(INCLUDEDIR)/
	ln -sf $(if $(filter $(LIBDIR),$(DEVLIBDIR)),,$(LIBDIR)/)$(SONAME) $(DESTDIR)$(DEVLIBDIR)/libomemo.so
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(DEVLIBDIR)' 'includedir=$(INCLUDEDIR)' '' \
	  'Name: omemo' 'Description: OMEMO for XMPP clients' 'Version: $(VERSION)' \
	  $(if $(REQUIRES),'Requires.private: $(REQUIRES)') 'Cflags: -I$${includedir}' \
	  'Libs: -L$${libdir} -lomemo' 'Libs.private: $(SYSTEM_LIBS)' \
	  > $(DESTDIR)$(DEVLIBDIR)/pkgconfig/omemo.pc

uninstall:
	rm -f $(DESTDIR)$(LIBDIR)/$(SONAME) $(DESTDIR)$(DEVLIBDIR)/libomemo.a $(DESTDIR)$(DEVLIBDIR)/libomemo.so
	rm -f $(DESTDIR)$(DEVLIBDIR)/pkgconfig/omemo.pc
	rm -f $(DESTDIR)$(INCLUDEDIR)/omemo.h $(DESTDIR)$(INCLUDEDIR)/omemo.hpp

# Into a folder of its own, so that it is the installed copy that is tested.
prefix: all
	$(MAKE) install PREFIX=$(OUT)/prefix LIBDIR=$(OUT)/prefix/lib DEVLIBDIR=$(OUT)/prefix/lib \
	  INCLUDEDIR=$(OUT)/prefix/include DESTDIR=

test: prefix
	PKG_CONFIG_PATH=$(OUT)/prefix/lib/pkgconfig CC="$(CC)" CXX="$(CXX)" tests/c/run $(OUT)/tests

EXAMPLE = $(CC) -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -g $(CFLAGS)
FOUND = PKG_CONFIG_PATH=$(OUT)/prefix/lib/pkgconfig:$$PKG_CONFIG_PATH $(PKG_CONFIG) --cflags --libs
RPATH = -Wl,-rpath,$(OUT)/prefix/lib
examples: prefix
	@mkdir -p $(OUT)/examples
	$(EXAMPLE) examples/c/loopback.c -o $(OUT)/examples/loopback $$($(FOUND) omemo) $(RPATH)
	$(EXAMPLE) examples/c/account.c -o $(OUT)/examples/account $$($(FOUND) omemo) $(RPATH)
ifeq ($(shell $(PKG_CONFIG) --exists libstrophe && echo yes),yes)
	$(EXAMPLE) examples/c/strophe.c -o $(OUT)/examples/strophe $$($(FOUND) omemo libstrophe) $(RPATH)
else
	@echo "NOTICE: no libstrophe, so strophe.c is not compiled"
endif

clean:
	rm -rf $(OUT)
