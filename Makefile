# SPDX-License-Identifier: GPL-2.0-only
# The verbs. The work is done by the programs in bench/, each with a usage text.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run test tree refresh kernel boot vma kunit selftest bisect clean
.PHONY: docs leaks module series rebase-check check

O ?= out
override O := $(abspath $(O))
KSRC ?=
ifneq ($(KSRC),)
override KSRC := $(abspath $(KSRC))
endif
J ?= $(shell nproc)
INITRD ?=
M ?=
PROG ?=
PARAM ?=
APPEND ?=
UNPATCHED ?=
V ?= 1
PART ?=
# `CC` is make's own word for cc: only a CC that somebody chose counts.
ifeq ($(origin CC),default)
CC :=
endif
export O KSRC J ARCH CC CROSS_COMPILE PART
unpatched := $(if $(filter-out 0,$(UNPATCHED)),--unpatched)

help:
	@echo 'make run        build, boot, and show what is mapped through which hook'
	@echo 'make test       everything that CI runs; ends with N passed, N failed'
	@echo 'make tree       $$O/linux: a git tree of the kernel, one commit per patch'
	@echo 'make refresh    the commits of $$O/linux back into patches and files'
	@echo 'make kernel     build the kernel; ends with the path of the image'
	@echo 'make boot       boot it with your INITRD=FILE; APPEND= adds to the command line'
	@echo 'make module     build the driver in M=DIR, load it in the guest, run its PROG='
	@echo 'make vma        the tests of mm/vma.c in user space'
	@echo 'make kunit      the KUnit suite, in QEMU'
	@echo 'make leaks      mmap()s in loops, failing and not; LOOPS= says how many'
	@echo 'make selftest   the tests of the bench itself'
	@echo 'make docs       htmldocs of the page of mmap_prepare; what is new fails'
	@echo 'make series     the mails to send, V=2 the second version; tried with git and b4'
	@echo 'make rebase-check   does it apply to every 6.12.y that apt offers?'
	@echo 'make bisect     every patch by itself: builds, passes the tests, boots;'
	@echo '                PART=i/n every n-th patch only, for n machines'
	@echo 'make check      what is new by checkpatch, sparse, W=1, kernel-doc, coccicheck...'
	@echo 'make clean      remove all that was built, but not $$O/linux when work is in it'
	@echo
	@echo 'O=DIR           where to build (out)'
	@echo 'KSRC=PATH       directory or tarball of a 6.12.y (Debian linux-source-6.12)'
	@echo 'UNPATCHED=1     kernel, boot: the untouched kernel'
	@echo 'ARCH= CC= CROSS_COMPILE= J=   as in the kernel; ACCEL=tcg or kvm for QEMU'

run:
	@bench/packages tree kernel boot guest
	@bench/run

test:
	@bench/packages tree kernel boot vma guest docs series check
	@bench/test

tree:
	@bench/packages tree
	@bench/tree patched

refresh:
	@bench/packages tree
	@bench/series.py export $(O)/linux

kernel:
	@bench/packages tree kernel
	@bench/tree $(or $(unpatched:--%=%),patched)
	@bench/kernel $(unpatched)

boot:
	@test -n "$(INITRD)" || { echo 'make boot: INITRD=FILE is missing' >&2; exit 2; }
	@bench/packages tree kernel boot
	@bench/tree $(or $(unpatched:--%=%),patched)
	@bench/kernel $(unpatched)
	@bench/boot --stdout --warn-ok --time $(or $(TIME),3600) \
		--kernel $(O)/$(if $(unpatched),base,linux)/build/vmlinux \
		--initrd $(INITRD) --log $(O)/boot --append '$(APPEND)'

module:
	@test -n "$(M)" || { echo 'make module: M=DIR is missing' >&2; exit 2; }
	@bench/packages tree kernel boot guest
	@bench/tree patched
	@bench/kernel
	@bench/module $(if $(TIME),--time $(TIME)) --param '$(PARAM)' $(M) $(PROG)

vma:
	@bench/packages tree vma
	@bench/tree patched
	@bench/vma

kunit:
	@bench/packages tree kernel boot guest
	@bench/tree patched
	@bench/kernel
	@bench/kunit

leaks:
	@bench/packages tree kernel boot guest
	@bench/tree patched
	@bench/kernel
	@bench/guest/run leaks $(if $(LOOPS),--loops $(LOOPS))

selftest:
	@bench/packages tree kernel boot guest check
	@bench/selftest

series:
	@bench/packages tree series
	@bench/tree patched
	@bench/mails $(V)

rebase-check:
	@bench/packages rebase
	@bench/rebase

bisect:
	@bench/packages tree kernel boot vma guest
	@bench/tree patched
	@bench/bisect

docs:
	@bench/packages tree kernel docs
	@bench/tree patched
	@bench/docs

check:
	@bench/packages tree kernel check
	@bench/tree patched
	@bench/tree unpatched
	@bench/check $(CHECKS)

clean:
	@bench/clean
