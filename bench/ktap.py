#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judge a log in the Kernel Test Anything Protocol, strictly.

usage: bench/ktap.py [--console] [--quiet] [--suite NAME]... LOG
       bench/ktap.py --sum FILE...

  --console    LOG is a kernel console: time stamps are taken off, and lines
               between the results are the kernel's talk
  --quiet      only failed tests and the totals
  --suite NAME a top-level test of that name has to be there

A log passes when it has a version line, at every level a plan with at least
one test, every number of the plan once and in order, a result line that agrees
with the results nested in it, and nothing after the last one. Leaves are
counted: of a nested test its subtests, not itself. A skipped test is counted
apart and never as passed. `# TODO` has no meaning here: not ok is not ok.

--sum adds up the closing lines `N passed, N failed[, N skipped]` of FILEs.

The last line printed is `N passed, N failed` (`, N skipped` if any).
Exit status: 0 all passed, 1 something failed or is missing, 2 usage.
"""

import re
import sys

STAMP = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")
VERSION = re.compile(r"^(?:KTAP version 1|TAP version 1[34])$")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#.*)?$")
RESULT = re.compile(r"^(ok|not ok) (\d+)(?: (?:- ?)?([^#]*?))?"
                    r"\s*(?:#\s*(\S+)\s*(.*))?$")
TOTALS = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed"
                    r"(?:, (\d+) skipped)?$")


class Level:
    """The results at one depth of indentation."""

    def __init__(self, indent):
        self.indent, self.plan, self.seen = indent, None, 0
        self.passed = self.failed = self.skipped = 0
        self.bad = False		# some result here was `not ok`

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


class Judge:
    """Reads lines; keeps a stack of the levels that are open."""

    def __init__(self, console, quiet):
        self.console, self.quiet = console, quiet
        self.stack, self.names, self.errors = [], [], []
        self.versions, self.closed = 0, Level(0)

    def error(self, number, what):
        self.errors.append(f"line {number}: {what}" if number else what)

    def open(self, number, indent):
        """A version line or a plan begins the results at indent."""
        while len(self.stack) > 1 and self.stack[-1].indent >= indent:
            self.error(number, "a nested test has no result line")
            inner = self.close(number)
            self.stack[-1].add(inner)
        self.stack.append(Level(indent))

    def version(self, number, indent):
        self.versions += 1
        # A new stream at the top: the one before must be whole.
        if indent == 0 and self.stack:
            self.closed.add(self.close_all(number))
        self.open(number, indent)

    def plan(self, number, indent, count):
        top = self.stack[-1] if self.stack else None
        if not top or top.indent < indent:
            self.open(number, indent)
        elif top.indent > indent or top.seen or top.plan is not None:
            self.error(number, "a plan where none can be")
            return
        self.stack[-1].plan = count
        if count == 0:
            self.error(number, "a plan of no tests")

    def close(self, number):
        """Take the innermost level off and check that it is whole."""
        level = self.stack.pop()
        if level.plan is None:
            # KUnit gives the parameters of one test case no plan.
            if not (self.console and level.indent >= 8 and level.seen):
                self.error(number, "results without a plan")
        elif level.seen != level.plan:
            self.error(number, f"{level.seen} results, the plan says "
                       f"{level.plan}")
        return level

    def result(self, number, indent, match):
        word, test, name, directive = match.group(1, 2, 3, 4)
        while len(self.stack) > 1 and self.stack[-1].indent > indent and \
                self.stack[-2].indent > indent:
            self.error(number, "a nested test has no result line")
            inner = self.close(number)
            self.stack[-1].add(inner)
        nested = None
        if self.stack and self.stack[-1].indent > indent:
            nested = self.close(number)
        if not self.stack or self.stack[-1].indent < indent:
            self.stack.append(Level(indent))
        level = self.stack[-1]
        level.seen += 1
        if int(test) != level.seen:
            self.error(number, f"number {test}, expected {level.seen}")
            level.seen = int(test)
        self.count(number, level, word, name or "", directive, nested)
        if len(self.stack) == 1:
            self.names.append((name or "").strip())

    def count(self, number, level, word, name, directive, nested):
        skip = (directive or "").upper() == "SKIP"
        if nested:
            level.add(nested)
            if nested.bad and word == "ok":
                self.error(number, f"{name}: ok, but a test in it is not")
            if word != "ok" and not nested.bad:
                level.failed += 1
        elif word != "ok":
            level.failed += 1
        elif skip:
            level.skipped += 1
        else:
            level.passed += 1
        level.bad |= word != "ok"
        if word != "ok" or skip or not self.quiet:
            tag = "FAIL" if word != "ok" else "skip" if skip else "ok"
            print(f"  {tag:4} {' ' * level.indent}{name}")

    def line(self, number, line):
        body = line.lstrip(" ")
        indent = len(line) - len(body)
        if VERSION.match(body):
            self.version(number, indent)
            return
        plan, result = PLAN.match(body), RESULT.match(body)
        if body.startswith("Bail out!"):
            self.error(number, body)
        if (plan or result) and not self.versions:
            self.error(number, "results before a version line")
            self.versions = 1
        if plan:
            self.plan(number, indent, int(plan.group(1)))
        elif result:
            self.result(number, indent, result)

    def close_all(self, number):
        while len(self.stack) > 1:
            inner = self.close(number)
            self.error(number, "a nested test has no result line")
            self.stack[-1].add(inner)
        return self.close(number)

    def finish(self, suites):
        if self.stack:
            self.closed.add(self.close_all(0))
        if not self.versions:
            self.error(0, "no version line: not KTAP, or nothing ran")
        total = self.closed
        if not total.passed + total.failed + total.skipped:
            self.error(0, "no test")
        for suite in suites:
            if suite not in self.names:
                self.error(0, f"no result of {suite}")
        return total


def totals(passed, failed, skipped):
    print(f"{passed} passed, {failed} failed" +
          (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


def read(path):
    try:
        with open(path, errors="replace", newline="") as f:
            return f.read().replace("\r", "").split("\n")
    except OSError as e:
        print(f"bench/ktap.py: {path}: {e.strerror}", file=sys.stderr)
        sys.exit(2)


def judge(path, console, quiet, suites):
    reader = Judge(console, quiet)
    for number, line in enumerate(read(path), 1):
        reader.line(number, STAMP.sub("", line) if console else line)
    total = reader.finish(suites)
    for error in reader.errors:
        print(f"  FAIL {path}: {error}")
    return totals(total.passed, total.failed + len(reader.errors),
                  total.skipped)


def add_up(paths):
    sums = [0, 0, 0]
    for path in paths:
        lines = [s for s in read(path) if s.strip()]
        match = TOTALS.match(lines[-1].strip()) if lines else None
        if not match:
            print(f"  FAIL {path}: no closing line `N passed, N failed`")
            sums[1] += 1
            continue
        sums = [a + int(b or 0) for a, b in zip(sums, match.groups())]
    return totals(*sums)


def main():
    args, suites, flags = sys.argv[1:], [], set()
    if args[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    while args and args[0].startswith("--"):
        flag = args.pop(0)
        if flag == "--suite" and args:
            suites.append(args.pop(0))
        else:
            flags.add(flag)
    if flags == {"--sum"} and args:
        return add_up(args)
    if flags - {"--console", "--quiet"} or len(args) != 1:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    return judge(args[0], "--console" in flags, "--quiet" in flags, suites)


if __name__ == "__main__":
    sys.exit(main())
