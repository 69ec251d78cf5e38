# SPDX-License-Identifier: MIT
#
# One Makefile for everything; all output goes to $(BUILD).  Settings that are
# to stay go to config.mk, others to the command line:
#
#	make CC=clang CFLAGS='-O3 -g' PREFIX=/usr DESTDIR=/tmp/root install
#
# Nothing is asked of the system while this file is read: what is missing may
# be installed by the first recipe (scripts/setup), so every variable that
# depends on an installed package is expanded in a recipe, once.

-include config.mk

VERSION	= 0.1.0
PREFIX	?= /usr/local
BUILD	?= build
CFLAGS	?= -O2 -g
WERROR	?= -Werror
# What installs missing packages; `true` for a build that must not install.
SETUP	?= scripts/setup

# --- Lists ----------------------------------------------------------------

COMMON	= wire key options procfs ends own dir start
SHIM	= config real owner slot arm channel ring shed made kept ward over \
	  heir preload child spawned tell ask report note fork exec spawn \
	  actions foresee pipe session signal leave finish clock held mailbox \
	  init text
# What is run around a sleep comes first, so that it lies on pages next to each
# other; see tools/guard/slim.h.
GUARD	= main watch slim sentinel startup signals socket told death mailbox \
	  newborn undo cradle sight borrow enroll trust affairs facts \
	  facts_tables facts_members facts_adopt due census walk walk_list \
	  crew process interest truth hostends sockdiag index gather childends \
	  across judge spare company link reaper reaper_stirred steps dismiss \
	  left unwaited journal journal_json json_text look look_children \
	  children query snapshot round sitting batch hold closes tap traffic \
	  usage baseline rest stale brake admit idle command pace
# The frame and the launcher; what shows guards; then, by command: scan, doctor,
# report; completions.
CLI	= main commands say usage parts path export target elf exports file \
	  run wrap table human \
	  ask guards snap procs view nest seek ps ps_tree ps_json attach reap \
	  metrics why rebuild ends \
	  scan survey orphan kin orphan_why traits sockets listed cull show \
	  show_json \
	  doctor finding exam probe notify preloads record subject \
	  report lifeline life lines page trace output embed \
	  complete complete_bash complete_zsh complete_fish
# Units of the guard that the commands look through, too.
CLI_GUARD = census walk walk_list crew process interest truth borrow \
	  sockdiag index spare judge gather childends across children \
	  json_text

# Criterion, one program each; the objects of each are written out below.
TESTS	= procfs options wire actions channel slot ward preload ask report \
	  held tell text posted census truth judge peers members terminal \
	  field suspect abandoned keepers handed facts due spare foresee \
	  told newborn mailbox affairs query trust look journal traffic closes \
	  slim round usage baseline rest stale brake admit pace target \
	  exports export exam orphan table sockets lifeline snap view procs

# Programs for the end-to-end tests and the demo; those of HOSTS_STATIC are
# linked a second time as NAME.static: a preload can't reach them.
HOSTS	= facts helper host server ward worker
HOSTS_STATIC = host ward
RIVALS	= hostile_malloc rival
# Programs for the benchmarks and for the counts of `make check`.
BENCH	= spawner stub census floor

MAN	= $(wildcard shim/*.[1-8] tools/*.[1-8])

# --- Flags ----------------------------------------------------------------

# Expands $(2) the first time $(1) is used, and only then.
once	= $(eval $(1) := $$(shell $(2)))$($(1))

MACHINE	= $(call once,MACHINE,$(CC) -dumpmachine 2>/dev/null)
BSD_CFLAGS = $(call once,BSD_CFLAGS,pkg-config --cflags libbsd-overlay)
# -l:libNAME.a where there is one (Debian), else the shared library.
archive	= $(if $(filter /%,$(shell $(CC) -print-file-name=lib$(1).a)),\
	  -l:lib$(1).a,$(2))
BSD_LIBS = $(eval BSD_LIBS := $$(call archive,bsd,-lbsd) \
	  $$(call archive,md))$(BSD_LIBS)
JANSSON_LIBS = $(eval JANSSON_LIBS := \
	  $$(call archive,jansson,-ljansson))$(JANSSON_LIBS)
TEST_LIBS = -lcriterion

WARN	= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	  -Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla $(WERROR)
BASE	= -std=gnu11 -D_GNU_SOURCE= $(WARN)
DEPS	= -MMD -MP

# _FORTIFY_SOURCE needs an optimizing compiler, and warns if it is not one.
FORTIFY	= $(if $(filter -O1 -O2 -O3 -Os -Og,$(CFLAGS)),\
	  -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
CET	= $(if $(filter x86_64-% i%86-%,$(MACHINE)),-fcf-protection) \
	  $(if $(filter aarch64-%,$(MACHINE)),-mbranch-protection=standard)
HARDEN	= $(if $(SANITIZE),-fno-omit-frame-pointer,$(FORTIFY)) \
	  -fstack-protector-strong -fstack-clash-protection $(CET)

TOOL_CFLAGS = $(BASE) $(DEPS) $(HARDEN) -fPIE -fdata-sections $(BSD_CFLAGS) \
	  -DCP_VERSION='"$(VERSION)"' \
	  $(CPPFLAGS) $(CFLAGS) $(SANITIZE)
TOOL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now $(CFLAGS) $(LDFLAGS) \
	  $(SANITIZE)
# Large tables first, most pages of which are never touched: between them what
# is small would have a page each.
GUARD_LDFLAGS = $(TOOL_LDFLAGS) -Wl,--sort-section=alignment

# The shim is loaded into programs of any libc: no symbol that only glibc has,
# so neither fortification nor stack protector, and never a sanitizer.
# noseparate-code: two mappings instead of four save every exec 10 us; without
# the start files, meant for C++, there are four look-ups less.
SHIM_CFLAGS = $(BASE) $(DEPS) -fPIC -fvisibility=hidden \
	  -ftls-model=initial-exec \
	  -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=0 -fno-stack-protector \
	  -fstack-clash-protection $(CET) -DCP_VERSION='"$(VERSION)"' \
	  $(CPPFLAGS) $(CFLAGS)
SHIM_LDFLAGS = -shared -Wl,-soname,libchildproof.so \
	  -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,-z,defs \
	  -Wl,-z,noseparate-code -nostartfiles \
	  -Wl,--version-script=shim/childproof.map $(CFLAGS) $(LDFLAGS)

# Criterion hands parameters over an exec: their addresses must not move.
TEST_LDFLAGS = -no-pie -pthread $(CFLAGS) $(LDFLAGS) $(SANITIZE)

# One short line a command; the whole command with V=1.
say	= $(if $(V),,@printf '  %-4s %s\n' $(1) $@; )

# --- What is built --------------------------------------------------------

B	= $(BUILD)
PARTS	= $(B)/libchildproof.so $(B)/childproof $(B)/childproof-guard
COMPLETIONS = $(addprefix $(B)/completions/,\
	  childproof _childproof childproof.fish)
SHIM_O	= $(SHIM:%=$(B)/obj/shim/%.o) $(COMMON:%=$(B)/obj/shim/common/%.o)
COMMON_O = $(COMMON:%=$(B)/obj/common/%.o)
GUARD_O	= $(GUARD:%=$(B)/obj/guard/%.o) $(COMMON_O)
CLI_O	= $(CLI:%=$(B)/obj/cli/%.o) $(CLI_GUARD:%=$(B)/obj/guard/%.o) \
	  $(COMMON_O)
# One whose source is missing stops no build; tests/run says that it failed.
TEST_B	= $(patsubst tests/unit/%.c,$(B)/tests/%,\
	  $(wildcard $(TESTS:%=tests/unit/test_%.c)))
HOST_B	= $(HOSTS:%=$(B)/hosts/%) $(HOSTS_STATIC:%=$(B)/hosts/%.static)
RIVAL_B	= $(RIVALS:%=$(B)/rivals/%.so)
BENCH_B	= $(BENCH:%=$(B)/bench/%) $(B)/bench/empty.so

.PHONY: all check check-asan demo bench install uninstall clean lint hosts tests
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PARTS) $(COMPLETIONS)
hosts: $(HOST_B) $(RIVAL_B)
tests: $(TEST_B)

# Order-only, so that a newer scripts/setup rebuilds nothing.
$(B)/.have-%:
	@mkdir -p $(@D)
	@$(SETUP) $*
	@touch $@
$(B)/.have-demo $(B)/.have-check: | $(B)/.have-build

$(B)/libchildproof.so: $(SHIM_O) shim/childproof.map
	$(call say,LD)$(CC) $(SHIM_LDFLAGS) -o $@ $(SHIM_O)
$(B)/childproof-guard: $(GUARD_O)
	$(call say,LD)$(CC) $(GUARD_LDFLAGS) -o $@ $(GUARD_O) \
	    $(JANSSON_LIBS) $(BSD_LIBS)
$(B)/childproof: $(CLI_O)
	$(call say,LD)$(CC) $(TOOL_LDFLAGS) -o $@ $(CLI_O) \
	    $(JANSSON_LIBS) $(BSD_LIBS)

$(B)/completions/childproof: SHELL_NAME = bash
$(B)/completions/_childproof: SHELL_NAME = zsh
$(B)/completions/childproof.fish: SHELL_NAME = fish
$(COMPLETIONS): $(B)/childproof
	@mkdir -p $(@D)
	$(call say,GEN)$(B)/childproof --completions=$(SHELL_NAME) >$@

$(B)/obj/shim/%.o: shim/%.c | $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(SHIM_CFLAGS) $(OWN) -c -o $@ $<
# The string functions themselves; a clang, by whatever name, knows but one.
$(B)/obj/shim/text.o: OWN = -ffreestanding $(if $(findstring clang,\
	  $(shell $(CC) --version)),,-fno-tree-loop-distribute-patterns)
$(B)/obj/common/%.o: shim/common/%.c | $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(TOOL_CFLAGS) -c -o $@ $<
$(B)/obj/guard/%.o: tools/guard/%.c | $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(TOOL_CFLAGS) -c -o $@ $<
$(B)/obj/cli/%.o: tools/cli/%.c | $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(TOOL_CFLAGS) -c -o $@ $<

$(B)/obj/cli/embed.o: $(addprefix tools/cli/report,.html .js -draw.js -ui.js)

# --- Tests ----------------------------------------------------------------

# Units of the shim are compiled once more for the tests, as a tool would be:
# sanitizers reach them there.
$(B)/obj/unit/%.o: shim/%.c | $(B)/.have-check
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(TOOL_CFLAGS) -c -o $@ $<
$(B)/obj/tests/%.o: tests/unit/%.c | $(B)/.have-check
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(TOOL_CFLAGS) -c -o $@ $<

# procfs.h is four units.
PROCFS_O = $(addprefix $(B)/obj/common/,procfs.o ends.o own.o dir.o)
$(B)/tests/test_procfs: $(B)/obj/guard/children.o $(PROCFS_O)
$(B)/tests/test_options: $(B)/obj/common/options.o
$(B)/tests/test_wire: $(B)/obj/common/wire.o
$(B)/tests/test_actions: $(addprefix $(B)/obj/unit/,actions.o real.o)
$(B)/tests/test_foresee: $(B)/obj/unit/foresee.o $(PROCFS_O)
$(B)/tests/test_channel: $(addprefix $(B)/obj/unit/,channel.o ring.o shed.o \
	  made.o slot.o) $(PROCFS_O)
$(B)/tests/test_slot: $(B)/obj/unit/slot.o
$(B)/tests/test_held: $(B)/obj/unit/held.o $(PROCFS_O)
$(B)/tests/test_posted: $(B)/obj/unit/mailbox.o
$(B)/tests/test_tell: $(B)/obj/unit/tell.o
$(B)/tests/test_ward: $(addprefix $(B)/obj/unit/,ward.o over.o heir.o) \
	$(PROCFS_O)
$(B)/tests/test_preload: $(B)/obj/unit/preload.o
$(B)/tests/test_ask $(B)/tests/test_report: $(addprefix $(B)/obj/unit/,ask.o \
	  config.o finish.o clock.o held.o kept.o note.o \
	  channel.o ring.o made.o owner.o report.o ward.o over.o heir.o) \
	$(addprefix $(B)/obj/common/,key.o options.o start.o wire.o) $(PROCFS_O)
CENSUS_O = $(addprefix $(B)/obj/guard/,census.o walk.o walk_list.o \
	  crew.o process.o interest.o truth.o borrow.o hostends.o sockdiag.o) \
	$(PROCFS_O)
$(B)/tests/test_census $(B)/tests/test_truth: $(CENSUS_O)
JUDGE_T	= $(addprefix $(B)/tests/test_,judge peers members terminal field \
	  suspect abandoned keepers handed)
$(JUDGE_T) $(B)/tests/test_orphan: $(B)/obj/tests/judge_world.o \
	$(addprefix $(B)/obj/guard/,judge.o gather.o childends.o \
	  across.o index.o interest.o)
# The facts are four units, and they need these two.
FACTS_O	= $(addprefix $(B)/obj/guard/,facts.o facts_tables.o facts_members.o \
	  facts_adopt.o due.o process.o)
$(B)/tests/test_facts: $(FACTS_O) $(PROCFS_O)
$(B)/tests/test_due: $(B)/obj/guard/due.o
$(B)/tests/test_slim: $(B)/obj/guard/slim.o
$(B)/tests/test_round: $(filter-out %/main.o,$(GUARD_O))
$(B)/tests/test_spare: $(B)/obj/guard/spare.o
JOURNAL_O = journal.o journal_json.o json_text.o
TOLD_O	= $(addprefix $(B)/obj/guard/,socket.o told.o death.o mailbox.o \
	  newborn.o undo.o cradle.o sight.o borrow.o enroll.o trust.o \
	  affairs.o query.o snapshot.o watch.o $(JOURNAL_O) admit.o brake.o \
	  idle.o rest.o baseline.o usage.o stale.o traffic.o tap.o hold.o \
	  command.o) $(FACTS_O) $(B)/obj/common/key.o
TOLD_T	= $(addprefix $(B)/tests/test_,told newborn mailbox affairs query \
	  trust admit)
$(TOLD_T): $(TOLD_O) $(B)/obj/common/wire.o $(PROCFS_O)
$(B)/tests/test_query: $(B)/obj/common/options.o
$(B)/tests/test_look: $(B)/obj/guard/look.o $(B)/obj/guard/look_children.o \
	$(B)/obj/guard/children.o \
	$(B)/obj/guard/spare.o \
	$(B)/obj/guard/closes.o $(B)/obj/guard/hold.o \
	$(TOLD_O) $(filter-out %/process.o,$(CENSUS_O)) \
	$(B)/obj/common/options.o
$(B)/tests/test_journal: $(addprefix $(B)/obj/guard/,$(JOURNAL_O))
$(B)/tests/test_pace: $(addprefix $(B)/obj/guard/,pace.o watch.o process.o) \
	$(PROCFS_O)
$(B)/tests/test_orphan: $(addprefix $(B)/obj/cli/,orphan.o kin.o orphan_why.o)
$(B)/tests/test_table: $(B)/obj/cli/table.o $(B)/obj/cli/human.o
VIEW_O	= $(addprefix $(B)/obj/cli/,ask.o guards.o snap.o view.o nest.o \
	  procs.o human.o)
$(B)/tests/test_snap: $(B)/obj/cli/snap.o
$(B)/tests/test_view: $(VIEW_O) $(B)/obj/common/wire.o $(PROCFS_O)
$(B)/tests/test_procs: $(addprefix $(B)/obj/cli/,procs.o human.o) $(PROCFS_O)
$(B)/tests/test_sockets: $(B)/obj/cli/sockets.o
$(B)/tests/test_target: $(addprefix $(B)/obj/cli/,target.o elf.o exports.o \
	say.o human.o file.o path.o)
$(B)/tests/test_exports: $(B)/obj/cli/exports.o
$(B)/tests/test_exam: $(addprefix $(B)/obj/cli/,exam.o finding.o table.o \
	human.o)
$(B)/tests/test_lifeline: $(addprefix $(B)/obj/cli/,lifeline.o life.o lines.o)
$(B)/tests/test_usage: $(B)/obj/guard/usage.o $(PROCFS_O)
$(B)/tests/test_baseline: $(B)/obj/guard/baseline.o
$(B)/tests/test_stale: $(B)/obj/guard/stale.o
$(B)/tests/test_brake: $(B)/obj/guard/brake.o
$(B)/tests/test_rest: $(addprefix $(B)/obj/guard/,rest.o baseline.o usage.o)
$(B)/tests/test_traffic $(B)/tests/test_rest: $(PROCFS_O) \
	$(addprefix $(B)/obj/guard/,traffic.o tap.o hold.o) $(FACTS_O)
$(B)/tests/test_closes: $(addprefix $(B)/obj/guard/,closes.o hold.o watch.o \
	  $(JOURNAL_O)) $(FACTS_O) $(PROCFS_O)
$(B)/tests/test_export: $(B)/obj/cli/export.o $(B)/obj/common/options.o

$(TEST_B): $(B)/tests/%: $(B)/obj/tests/%.o
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(TEST_LDFLAGS) -o $@ $(filter %.o,$^) \
	    $(TEST_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)

# Hosts are programs like any other: nothing of ours in them.
$(B)/hosts/host $(B)/hosts/host.static: tests/hosts/parts/spawn.c \
	tests/hosts/parts/spawn.h tests/hosts/parts/wire.c \
	tests/hosts/parts/shut.c tests/hosts/parts/shut.h
$(B)/hosts/host $(B)/hosts/host.static \
$(B)/hosts/ward $(B)/hosts/ward.static: tests/hosts/parts/meet.c \
	tests/hosts/parts/meet.h

$(HOSTS:%=$(B)/hosts/%): $(B)/hosts/%: tests/hosts/%.c | $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(BASE) $(CFLAGS) -pthread -o $@ $(filter %.c,$^) \
	    -lutil
$(HOSTS_STATIC:%=$(B)/hosts/%.static): $(B)/hosts/%.static: tests/hosts/%.c \
	| $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(BASE) $(CFLAGS) -static -pthread -o $@ \
	    $(filter %.c,$^) -lutil
$(B)/rivals/%.so: tests/rivals/%.c | $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(BASE) $(CFLAGS) -fPIC -shared -o $@ $<

$(B)/bench/spawner: tests/bench/children.c tests/bench/children.h
$(B)/bench/census: $(CENSUS_O)
$(B)/bench/census: SANITIZED = $(SANITIZE)
$(BENCH:%=$(B)/bench/%): $(B)/bench/%: tests/bench/%.c | $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(BASE) $(CFLAGS) $(SANITIZED) -pthread -o $@ \
	    $(filter %.c %.o,$^)
# What any preload costs: the least that ours is compared with.
$(B)/bench/empty.so: | $(B)/.have-build
	@mkdir -p $(@D)
	$(call say,CC)$(CC) -shared -x c /dev/null -o $@

check: all $(TEST_B) $(HOST_B) $(RIVAL_B) $(BENCH_B) | $(B)/.have-check
	@tests/run $(B) $(TESTS)

# The guard's stderr is /dev/null: what a sanitizer says goes to files, which
# tests/run reads.  A host is not sanitized, the parts under it are, hence the
# link order; a guard that looks for leaks as it ends would be late.
check-asan:
	+@ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0:log_path=$(SANLOG) \
	UBSAN_OPTIONS=print_stacktrace=1:log_path=$(SANLOG) \
	$(MAKE) BUILD=$(B)/asan check \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all'
SANLOG	= $(abspath $(B)/asan/log/sanitizer)

# One or a few: make bench ONLY='spawn census'; a million spawns: LONG=1.
bench: $(PARTS) $(BENCH_B)
	@tests/bench/run $(if $(LONG),--long) $(B) $(ONLY)

demo: $(PARTS) $(B)/hosts/server | $(B)/.have-demo
	@scripts/demo

# What a linter says is an error; an exception is made where it is due, with
# its reason (NOLINT, cppcheck-suppress).  Formatting is that of version 14.
LINT	= $(wildcard shim/*.c shim/common/*.c tools/*/*.c)
SCRIPTS_PY = $(wildcard tests/*/*.py) scripts/demo $(addprefix tests/,\
    bench/run e2e/run page/run)
SCRIPTS_SH = .ci/run $(addprefix scripts/,childproof setup symbols) \
    $(addprefix tests/,alone run rivals/run)
lint:
	@$(SETUP) build lint
	@echo "  clang-format"; clang-format --dry-run -Werror $(LINT) \
	    $(wildcard shim/*.h shim/common/*.h tools/*/*.h)
	@echo "  cppcheck"; cppcheck --quiet --error-exitcode=1 --std=c11 \
	    -D_GNU_SOURCE --enable=warning,portability,performance \
	    --inline-suppr --suppress=allocaCalled \
	    $(foreach h,queue tree,\
	    --include=$(filter /%,$(BSD_CFLAGS))/sys/$h.h) $(LINT)
	@echo "  clang-tidy"; clang-tidy --quiet --warnings-as-errors='*' $(LINT) -- \
	    $(filter-out -M%,$(TOOL_CFLAGS))
	@echo "  gcc -fanalyzer"; for f in $(LINT); do \
		gcc $(TOOL_CFLAGS) -fanalyzer -MF /dev/null -c -o /dev/null \
		    $$f || exit 1; \
	done
	@echo "  pyflakes"; pyflakes3 $(SCRIPTS_PY)
	@echo "  shellcheck"; shellcheck $(SCRIPTS_SH)

# --- Installation ---------------------------------------------------------

LIBDIR	= $(DESTDIR)$(PREFIX)/lib/childproof
BINDIR	= $(DESTDIR)$(PREFIX)/bin
SHAREDIR = $(DESTDIR)$(PREFIX)/share
MANDIR	= $(SHAREDIR)/man
BASH_DIR = $(SHAREDIR)/bash-completion/completions
ZSH_DIR	= $(SHAREDIR)/zsh/site-functions
FISH_DIR = $(SHAREDIR)/fish/vendor_completions.d
DOCDIR	= $(SHAREDIR)/doc/childproof

# LD_PRELOAD is split at spaces and colons, and read from any directory.
install: $(PARTS) $(COMPLETIONS)
	@case '$(PREFIX)' in *[\ :]*) bad=1;; /*) bad=;; *) bad=1;; esac; \
	if [ "$$bad" ]; then \
		echo "PREFIX must be absolute, without spaces or colons" >&2; \
		exit 1; \
	fi
	install -d $(BINDIR) $(LIBDIR)
	install -m 755 scripts/childproof $(BINDIR)/childproof
	install -m 755 $(B)/childproof $(B)/childproof-guard $(LIBDIR)
	install -m 755 $(B)/libchildproof.so $(LIBDIR)
	install -d $(BASH_DIR) $(ZSH_DIR) $(FISH_DIR)
	install -m 644 $(B)/completions/childproof $(BASH_DIR)
	install -m 644 $(B)/completions/_childproof $(ZSH_DIR)
	install -m 644 $(B)/completions/childproof.fish $(FISH_DIR)
	install -d $(DOCDIR)
	install -m 644 tools/childproof.rules.yml $(DOCDIR)
	@set -e; for m in $(MAN); do \
		d=$(MANDIR)/man$${m##*.}; \
		echo "install -m 644 $$m $$d"; \
		install -d "$$d"; install -m 644 "$$m" "$$d"; \
	done

uninstall:
	rm -f $(BINDIR)/childproof $(LIBDIR)/childproof \
	    $(LIBDIR)/childproof-guard $(LIBDIR)/libchildproof.so \
	    $(BASH_DIR)/childproof $(ZSH_DIR)/_childproof \
	    $(FISH_DIR)/childproof.fish $(DOCDIR)/childproof.rules.yml
	-rmdir $(LIBDIR) $(DOCDIR)
	@for m in $(MAN); do \
		echo "rm -f $(MANDIR)/man$${m##*.}/$${m##*/}"; \
		rm -f "$(MANDIR)/man$${m##*.}/$${m##*/}"; \
	done

clean:
	rm -rf $(B)

-include $(patsubst %.o,%.d,$(SHIM_O) $(GUARD_O) $(CLI_O) \
	$(TESTS:%=$(B)/obj/tests/test_%.o) $(B)/obj/tests/judge_world.o \
	$(SHIM:%=$(B)/obj/unit/%.o))
