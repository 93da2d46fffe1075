# SPDX-License-Identifier: GPL-2.0-only
"""bench/module with drivers that are at fault: each has to be caught."""

import os
import shutil

from common import BENCH, REPO, Case

OUT = os.path.abspath(os.environ.get("O") or os.path.join(REPO, "out"))
DRIVER = os.path.join(BENCH, "selftests/driver")


class Modules(Case):
    def driver(self, fault=None, makefile=""):
        """A copy of the driver, with a fault."""
        shutil.copytree(DRIVER, self.path("driver"))
        with open(self.path("driver/Makefile"), "a") as f:
            f.write(f"ccflags-y := -D{fault}\n" if fault else "")
            f.write(makefile)
        return self.path("driver")

    def module(self, *args):
        return self.bench("module", "--out", self.path("out"), *args, O=OUT)

    def script(self, text):
        path = self.write("prog", "#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def listing(self, top):
        return sorted((where, sorted(names), os.stat(where).st_mtime_ns)
                      for where, _, names in os.walk(top))

    def test_good(self):
        # The order of loading, a parameter, KTAP, nothing written to DIR.
        driver = self.driver()
        before = self.listing(driver)
        ktap = self.script("echo TAP version 13; echo 1..2\n"
                           "grep -q 7 /sys/module/fixture/parameters/start "
                           "&& echo ok 1 parameter || echo not ok 1 parameter\n"
                           "echo ok 2 other\n")
        got = self.module("--param", "start=7", driver, ktap)
        self.expect(0, ["parameter", "6 passed, 0 failed"], got)
        self.assertLess(got[1].index("load-fixture"),
                        got[1].index("load-addon"))
        self.assertLess(got[1].index("unload-addon"),
                        got[1].index("unload-fixture"))
        self.assertEqual(before, self.listing(driver))

        with open(self.path("driver/fixture.c"), "a") as f:
            f.write("#error changed since\n")
        self.expect(1, ["#error changed since", "0 passed, 1 failed"],
                    self.module("--param", "start=7", driver, ktap))

    def test_does_not_compile(self):
        self.expect(1, ["fixture.c:", "no member named", "does not build",
                        "0 passed, 1 failed"],
                    self.module(self.driver("NO_COMPILE")))

    def test_unresolved_symbol(self):
        self.expect(1, ['"nowhere"', "undefined!", "does not build"],
                    self.module(self.driver("UNRESOLVED")))

    def test_unresolved_symbol_when_loaded(self):
        self.expect(1, ["addon: Unknown symbol nowhere", "does not load",
                        "0 passed, 1 failed"],
                    self.module(self.driver("UNRESOLVED",
                                            "KBUILD_MODPOST_WARN := 1\n")))

    def test_init_fails(self):
        self.expect(1, ["there is no such hardware", "fixture.ko does not load",
                        "0 passed, 1 failed"],
                    self.module(self.driver("NO_INIT")))

    def test_hook_warns(self):
        self.expect(1, ["fixture_mmap_prepare", "changed flags", "WARNING: CPU",
                        "did not end well", "0 passed, 1 failed"],
                    self.module(self.driver("WARNS")))

    def test_leaks_and_does_not_unload(self):
        # The program is found, says nothing and exits with 1.
        self.expect(1, ["FAIL fixture_test", "FAIL unload-fixture",
                        "3 passed, 2 failed"],
                    self.module(self.driver("LEAKS -DSTAYS")))

    def test_program_hangs_and_another_fails_one_case(self):
        driver = self.driver()
        hangs = self.script("sleep 1000\n")
        fails = self.write("fails.c", """#include <stdio.h>
            int main(void)
            { puts("TAP version 13\\n1..2\\n# why\\nnot ok 1 one\\nok 2 two"); }
            """)
        self.expect(1, ["FAIL prog", "| fails: # why", "FAIL     one",
                        "5 passed, 3 failed"],
                    self.module("--time", "3", driver, hangs, fails))

    def test_program_does_not_compile(self):
        self.expect(1, ["bad_test.c:", "does not compile"],
                    self.module(self.driver(), self.write("bad_test.c", "x")))

    def test_program_does_not_run(self):
        dynamic = self.write("dynamic.c", "int main(void) { return 0; }\n")
        os.system(f"gcc -o {self.path('dynamic')} {dynamic}")
        self.expect(2, ["linked dynamically"],
                    self.module(self.driver(), self.path("dynamic")))
        self.expect(2, ["nowhere: no such file"],
                    self.module(self.path("driver"), "nowhere"))

    def test_no_driver(self):
        self.expect(2, ["no such folder"], self.module(self.path("nowhere")))
        os.mkdir(self.path("empty"))
        self.expect(2, ["neither Kbuild nor Makefile"],
                    self.module(self.path("empty")))
        self.write("empty/Makefile", "obj-m :=\n")
        self.expect(1, ["no module was built"],
                    self.module(self.path("empty")))

    def test_no_kernel(self):
        got = self.bench("module", "--out", self.path("out"), self.driver(),
                         O=self.path("o"))
        self.expect(2, ["missing, run `make kernel`"], got)
