# SPDX-License-Identifier: GPL-2.0-only
"""bench/ktap.py: what passes, and above all what must not."""

from common import Case

GOOD = """KTAP version 1
1..2
    KTAP version 1
    1..2
    ok 1 first
    ok 2 second # SKIP not here
ok 1 program
# a diagnostic
ok 2 other
"""

KUNIT = """[    0.100000] Linux version 6.12
[    0.500000] KTAP version 1
[    0.500000] 1..1
[    0.500001]     KTAP version 1
[    0.500001]     # Subtest: mmap_prepare
[    0.500001]     # module: mmap_prepare_kunit
[    0.500001]     1..3
[    0.500002]     ok 1 one
[    0.500003] random: the kernel talks in between
[    0.500004]         KTAP version 1
[    0.500004]         # Subtest: two
[    0.500004]         ok 1 a
[    0.500004]         ok 2 b
[    0.500004]     # two: pass:2 fail:0 skip:0 total:2
[    0.500005]     ok 2 two
[    0.500005]     ok 3 three
[    0.500006] # mmap_prepare: pass:3 fail:0 skip:0 total:3
[    0.500006] # Totals: pass:4 fail:0 skip:0 total:4
[    0.500006] ok 1 mmap_prepare
[    0.600000] Run /init as init process
"""


class Ktap(Case):
    def judge(self, text, *args):
        return self.bench("ktap.py", *args, self.write("log", text))

    def test_good(self):
        status, text = self.judge(GOOD)
        self.assertEqual((0, "2 passed, 0 failed, 1 skipped"),
                         (status, text.splitlines()[-1]))

    def test_kselftest_and_carriage_returns(self):
        text = "TAP version 13\r\n1..2\r\nok 1 a.b\r\nok 2 # SKIP why\r\n"
        self.expect(0, ["1 passed, 0 failed, 1 skipped"], self.judge(text))

    def test_not_ok(self):
        text = GOOD.replace("    ok 1", "    not ok 1").replace("ok 1 prog",
                                                              "not ok 1 prog")
        self.expect(1, ["FAIL", "1 passed, 1 failed, 1 skipped"],
                    self.judge(text))

    def test_todo_is_no_excuse(self):
        text = GOOD.replace("ok 2 other", "not ok 2 other # TODO later")
        self.expect(1, ["1 failed"], self.judge(text))

    def test_closing_line_missing(self):
        self.expect(1, ["the plan says 2"],
                    self.judge(GOOD.replace("ok 2 other\n", "")))

    def test_nested_line_missing(self):
        self.expect(1, ["number 2, expected 1"],
                    self.judge(GOOD.replace("    ok 1 first\n", "")))

    def test_program_line_missing(self):
        self.expect(1, ["no result line"],
                    self.judge(GOOD.split("ok 1 program")[0]))

    def test_number_twice(self):
        self.expect(1, ["number 1, expected 2"],
                    self.judge(GOOD.replace("ok 2 other", "ok 1 other")))

    def test_one_more_than_planned(self):
        self.expect(1, ["3 results, the plan says 2"],
                    self.judge(GOOD + "ok 3 more\n"))

    def test_no_plan(self):
        self.expect(1, ["without a plan"],
                    self.judge("KTAP version 1\nok 1 a\n"))

    def test_nested_without_plan_is_kunits_alone(self):
        text = "KTAP version 1\n1..1\n    KTAP version 1\n    ok 1 a\nok 1 b\n"
        self.expect(1, ["without a plan"], self.judge(text))

    def test_nested_that_ran_nothing(self):
        text = "KTAP version 1\n1..1\n    KTAP version 1\nok 1 b\n"
        self.expect(1, ["without a plan"], self.judge(text))

    def test_plan_of_none(self):
        self.expect(1, ["no tests"], self.judge("KTAP version 1\n1..0\n"))

    def test_no_version(self):
        self.expect(1, ["version"], self.judge("1..1\nok 1 a\n"))

    def test_ok_around_a_failure(self):
        self.expect(1, ["a test in it is not"],
                    self.judge(GOOD.replace("    ok 1", "    not ok 1")))

    def test_not_ok_around_passes(self):
        self.expect(1, ["2 passed, 1 failed"],
                    self.judge(GOOD.replace("ok 1 program",
                                            "not ok 1 program # exit 1")))

    def test_bail_out(self):
        self.expect(1, ["Bail out!"], self.judge(GOOD + "Bail out! gone\n"))

    def test_only_skips_is_no_pass(self):
        self.expect(1, ["0 passed, 0 failed, 1 skipped"],
                    self.judge("KTAP version 1\n1..1\nok 1 a # SKIP\n"))

    def test_empty(self):
        self.expect(1, ["no version line"], self.judge(""))

    def test_no_log(self):
        self.expect(2, ["No such file"],
                    self.bench("ktap.py", self.path("absent")))

    def test_usage(self):
        self.expect(2, ["usage"], self.bench("ktap.py", "--wrong", "x"))

    def test_kunit_console(self):
        self.expect(0, ["4 passed, 0 failed"],
                    self.judge(KUNIT, "--console", "--suite", "mmap_prepare"))

    def test_kunit_suite_absent(self):
        self.expect(1, ["no result of other"],
                    self.judge(KUNIT, "--console", "--suite", "other"))

    def test_kunit_cut_short(self):
        text = KUNIT.split("[    0.500005]     ok 3")[0]
        self.expect(1, ["no result line"], self.judge(text, "--console"))

    def test_kunit_did_not_run(self):
        self.expect(1, ["no version line"],
                    self.judge("[    0.1] Linux version 6.12\n", "--console"))

    def test_sum(self):
        a = self.write("a", "x\n3 passed, 1 failed\n")
        b = self.write("b", "4 passed, 0 failed, 2 skipped\n")
        self.expect(1, ["7 passed, 1 failed, 2 skipped"],
                    self.bench("ktap.py", "--sum", a, b))

    def test_sum_without_closing_line(self):
        self.expect(1, ["no closing line"],
                    self.bench("ktap.py", "--sum", self.write("a", "died\n")))
