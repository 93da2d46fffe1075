# SPDX-License-Identifier: GPL-2.0-only
"""bench/splats: what is a splat, what is not, and what it cannot read."""

from common import Case

BAD = """
WARNING: CPU: 1 PID: 77 at mm/vma.c:123 mmap_region+0x1/0x2
BUG: unable to handle page fault for address: ffffffffc0000000
BUG: sleeping function called from invalid context at mm/slab.h:1
BUG: Bad page state in process init  pfn:12345
BUG: Bad page map in process init  pte:8000 pmd:1000
BUG: Bad rss-counter state mm:000000001 type:MM_FILEPAGES val:1
BUG: non-zero pgtables_bytes on freeing mm: 4096
BUG: scheduling while atomic: init/1/0x00000002
kernel BUG at mm/vma.c:55!
Oops: general protection fault, probably for non-canonical address
Oops: Oops: 0000 [#1] PREEMPT SMP
Kernel panic - not syncing: Attempted to kill init!
Call Trace:
---[ end trace 0000000000000000 ]---
------------[ cut here ]------------
WARNING: possible circular locking dependency detected
WARNING: possible recursive locking detected
WARNING: inconsistent lock state
WARNING: suspicious RCU usage
WARNING: bad unlock balance detected!
WARNING: lock held when returning to user space!
INFO: rcu_sched detected stalls on CPUs/tasks:
rcu: INFO: rcu_preempt self-detected stall on CPU
INFO: task init:1 blocked for more than 120 seconds.
watchdog: BUG: soft lockup - CPU#0 stuck for 22s!
UBSAN: shift-out-of-bounds in mm/mmap.c:1:2
BUG: KASAN: slab-use-after-free in vma_merge
kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
unreferenced object 0xffff888004d3f000 (size 4096):
page dumped because: VM_BUG_ON_PAGE(1)
list_add corruption. prev->next should be next (1), but was 2.
refcount_t: underflow; use-after-free.
maple_tree(0x1) flags d, height 2 root 0x1
vma ffff888001 start 00007f end 00007f mm ffff8880
mm ffff888001 task_size 140737488351232
Out of memory: Killed process 77 (tests)
DEBUG_LOCKS_WARN_ON(1)
turning off the locking correctness validator.
BUG: MAX_LOCKDEP_ENTRIES too low!
"""

FINE = """
Linux version 6.12.117 (bench@bench) (gcc 12.2.0) #1 SMP
Command line: console=ttyS0 panic=-1 oops=panic panic_on_warn=1
PVH: booting
x86/fpu: x87 FPU will use FXSAVE
Spectre V2 : Vulnerable
Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar
rcu: 	RCU lockdep checking is enabled.
rcu: Hierarchical SRCU implementation.
rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.
maple_tree: 0 nodes
pvpanic: registered
clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x1
Freeing initrd memory: 1024K
Run /init as init process
random: crng init done
tsc: Fast TSC calibration failed
reboot: Power down
warning: `prog' uses 32-bit capabilities (legacy support in use)
"""


class Splats(Case):
    def scan(self, line):
        return self.bench("splats", self.write("log", f"[    1.5] {line}\n"))

    def test_every_splat(self):
        for line in BAD.strip().splitlines():
            with self.subTest(line):
                self.expect(1, [line], self.scan(line))

    def test_nothing_else(self):
        for line in FINE.strip().splitlines():
            with self.subTest(line):
                self.expect(0, [], self.scan(line))

    def test_one_among_many(self):
        log = self.write("log", FINE * 50 + BAD.strip().splitlines()[0] + "\n"
                         + FINE * 50)
        self.expect(1, ["log:", "WARNING: CPU"], self.bench("splats", log))

    def test_second_log(self):
        a = self.write("a", FINE)
        b = self.write("b", BAD)
        self.expect(1, ["b:"], self.bench("splats", a, b))

    def test_no_log(self):
        self.expect(2, ["absent", "No such file"],
                    self.bench("splats", self.path("absent")))

    def test_empty_log(self):
        self.expect(2, ["empty"], self.bench("splats", self.write("log", "")))

    def test_no_list(self):
        self.expect(2, ["absent", "No such file"],
                    self.bench("splats", "--list", self.path("absent"),
                               self.write("log", FINE)))

    def test_empty_list(self):
        self.expect(2, ["no pattern"],
                    self.bench("splats", "--list",
                               self.write("list", "# none\n"),
                               self.write("log", FINE)))

    def test_broken_list(self):
        self.expect(2, ["list:2"],
                    self.bench("splats", "--list",
                               self.write("list", "WARNING\n(\n"),
                               self.write("log", FINE)))

    def test_exception_of_the_list(self):
        words = self.write("list", "WARNING\n! WARNING: expected\n")
        log = self.write("log", "WARNING: expected\n")
        self.expect(0, [], self.bench("splats", "--list", words, log))

    def test_no_argument(self):
        self.expect(2, ["usage"], self.bench("splats"))


class WarnOk(Case):
    """Logs of tests that provoke WARN()s."""

    WARN = ("[    1.0] ------------[ cut here ]------------\n"
            "[    1.0] a hook returned 1\n"
            "[    1.0] WARNING: CPU: 0 PID: 9 at mm/mmap_prepare.c:7 f+0x1\n"
            "[    1.0] Call Trace:\n"
            "[    1.0] ---[ end trace 0000000000000000 ]---\n")
    DEAD = "[    1.0] WARNING: possible circular locking dependency detected\n"

    def scan(self, text, *words):
        return self.bench("splats", *words,
                          self.write("log", f"[    0.1] Linux\n{text}"))

    def test_warning(self):
        self.expect(0, [], self.scan(self.WARN * 2, "--warn-ok"))
        self.expect(1, ["mmap_prepare.c:7"], self.scan(self.WARN))

    def test_worse_than_a_warning(self):
        for text in (self.DEAD, self.WARN + self.DEAD + self.WARN):
            self.expect(1, ["circular"], self.scan(text, "--warn-ok"))
        for bad in ("kernel BUG at x", "BUG: Bad page state", "Oops: 0"):
            text = self.WARN.replace("WARNING: CPU: 0", bad)
            self.expect(1, [bad], self.scan(text, "--warn-ok"))
            text = self.WARN.replace("Call Trace:", bad)
            self.expect(1, [bad], self.scan(text, "--warn-ok"))

    def test_cut_short(self):
        text = "".join(self.WARN.splitlines(True)[:-1])
        self.expect(1, ["cut here"], self.scan(text, "--warn-ok"))
