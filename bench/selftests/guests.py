# SPDX-License-Identifier: GPL-2.0-only
"""Guests that misbehave: bench/boot has to fail each of them."""

import os
import shutil
import subprocess

from common import REPO, Case

OUT = os.path.abspath(os.environ.get("O") or os.path.join(REPO, "out"))
KERNEL = os.environ.get("KERNEL") or os.path.join(OUT, "base/build/vmlinux")
INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs none /dev
$b mount -t proc none /proc
$b stty -F /dev/ttyS1 raw -echo
%s
"""
RESULTS = "printf 'KTAP version 1\\n1..1\\nok 1 alive\\n' >/dev/ttyS1"
OFF = "$b sleep 0.2\n$b poweroff -f"


class Guests(Case):
    def initrd(self, script):
        """An initramfs of busybox and an init that runs the script."""
        os.makedirs(self.path("root/bin"))
        for name in ("dev", "proc"):
            os.makedirs(self.path("root", name))
        shutil.copy(shutil.which("busybox"), self.path("root/bin/busybox"))
        if script is not None:
            os.chmod(self.write("root/init", INIT % script), 0o755)
        with open(self.path("initrd"), "wb") as f:
            subprocess.run("find . | cpio -o -H newc --quiet", shell=True,
                           cwd=self.path("root"), stdout=f, check=True)
        return self.path("initrd")

    def boot(self, script, *args, seconds=60):
        return self.bench("boot", "--kernel", KERNEL, "--initrd",
                          self.initrd(script), "--log", self.path("log"),
                          "--time", str(seconds), *args, O=OUT)

    def test_good(self):
        self.expect(0, [], self.boot(f"{RESULTS}\n{OFF}"))
        self.assertEqual("KTAP version 1\n1..1\nok 1 alive\n",
                         self.read("log.out"))
        self.assertIn("Linux version", self.read("log.console"))
        self.expect(0, ["1 passed, 0 failed"],
                    self.bench("ktap.py", self.path("log.out")))

    def test_console_and_results_are_apart(self):
        talk = "for i in 1 2 3 4 5 6 7 8 9; do echo noise $i >/dev/kmsg; done"
        self.expect(0, [], self.boot(f"{talk} &\n{RESULTS}\n{OFF}"))
        self.assertNotIn("noise", self.read("log.out"))
        self.assertNotIn("alive", self.read("log.console"))

    def test_hang(self):
        self.expect(1, ["hung: no power off within 12"],
                    self.boot(f"{RESULTS}\nwhile :; do $b sleep 1; done",
                              seconds=12))

    def test_panic(self):
        self.expect(1, ["panicked", "sysrq"],
                    self.boot(f"{RESULTS}\necho c >/proc/sysrq-trigger"))

    def test_init_ends(self):
        self.expect(1, ["panicked", "Attempted to kill init"],
                    self.boot(RESULTS))

    def test_no_init(self):
        self.expect(1, ["panicked"], self.boot(None))

    def test_reboot(self):
        self.expect(1, ["did not power off"],
                    self.boot(f"{RESULTS}\n$b sleep 0.2\n$b reboot -f"))

    def test_splat(self):
        self.expect(1, ["has a splat", "WARNING: CPU: 0"], self.boot(
            "echo '<4>WARNING: CPU: 0 PID: 1 at mm/vma.c:1 f+0x0/0x1' "
            f">/dev/kmsg\n{RESULTS}\n{OFF}"))

    def test_splat_on_a_quiet_console(self):
        self.expect(1, ["has a splat", "locking dependency"], self.boot(
            "echo '<4>WARNING: possible circular locking dependency detected' "
            f">/dev/kmsg\n{RESULTS}\n{OFF}", "--append", "quiet"))

    def test_warning_is_let_through_on_demand(self):
        report = ("-" * 12 + "[ cut here ]" + "-" * 12,
                  "WARNING: CPU: 0 PID: 1 at mm/vma.c:1 f+0x0/0x1",
                  "---[ end trace 0000000000000000 ]---")
        says = "".join(f"echo '<4>{s}' >/dev/kmsg\n" for s in report)
        self.expect(0, [], self.boot(f"{says}{RESULTS}\n{OFF}", "--warn-ok"))

    def test_nothing_else_is(self):
        self.expect(1, ["has a splat", "locking dependency"], self.boot(
            "echo '<4>WARNING: possible circular locking dependency detected' "
            f">/dev/kmsg\n{RESULTS}\n{OFF}", "--warn-ok"))

    def test_a_quiet_console_still_shows_a_panic(self):
        self.expect(1, ["panicked"],
                    self.boot("echo c >/proc/sysrq-trigger", "--append",
                              "quiet", "--warn-ok"))

    def test_dies_in_the_middle(self):
        # The boot is fine; the results are not whole.
        self.expect(0, [], self.boot(
            "printf 'KTAP version 1\\n1..2\\nok 1 alive\\n' >/dev/ttyS1\n"
            + OFF))
        self.expect(1, ["the plan says 2"],
                    self.bench("ktap.py", self.path("log.out")))

    def test_devices(self):
        self.expect(0, [], self.boot(
            "$b mount -t sysfs none /proc\n$b cat /proc/bus/pci/devices/*/"
            f"device /proc/bus/pci/devices/*/vendor >/dev/ttyS1\n{OFF}"))
        ids = self.read("log.out").split()
        for one in ("0x11e8", "0x1110", "0x0011"):	# edu ivshmem pvpanic
            self.assertIn(one, ids)

    def test_stdout(self):
        got = self.boot(f"{RESULTS}\n{OFF}", "--stdout")
        self.expect(0, ["Linux version", "Power down"], got)
        self.assertIn("Linux version", self.read("log.console"))
