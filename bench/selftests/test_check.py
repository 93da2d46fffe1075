# SPDX-License-Identifier: GPL-2.0-only
"""bench/check, on trees of a few lines with stand-ins for the kernel's scripts.

Each check is shown something wrong that is new, and the same thing when the
unpatched tree has it too.
"""

import os
import stat
import sys

from common import BENCH, Case

sys.path.insert(0, BENCH)
import series					# noqa: E402
from checks import accepted, builds, cocci, patches, source	# noqa: E402
from checks.common import Complaint		# noqa: E402

# Complains about every line with BADSTYLE, and of a mail about BADWORD.
CHECKPATCH = r"""
my ($path, $line, $file) = ("", 0, 0);
@ARGV = map { $_ eq "-f" ? do { $file = 1; () } : $_ } @ARGV;
$path = $ARGV[-1] if $file;
open(my $f, "<", $ARGV[-1]) or die;
while (<$f>) {
	$path = $1, $line = 0 if m@^\+\+\+ b/(.*)@;
	$line = $1 - 1 if m@^\@\@ \S+ \+(\d+)@;
	$line++ if $file or m@^[+ ]@;
	print "$path:$line: ERROR:STYLE: bad style\n$_\n"
		if ($file or /^\+/) and /BADSTYLE/;
	print ":1: WARNING:WORD: bad word\n$_\n" if !$file and /BADWORD/;
}
exit 1;
"""
KERNEL_DOC = r"""
while (<>) { print "$ARGV:$.: warning: bad doc\n" if /BADDOC/ }
"""
MAINTAINERS = r"""
print "FILES\nM:\tsomebody\n\n" if $ARGV[-1] =~ m@^fs/@;
print "PRINTS NOBODY\nS:\tOrphan\n\n";
print "THE REST\nM:\tpenguin\n\n";
"""
KBUILD = """
allmodconfig nommu_virt_defconfig olddefconfig prepare:
	@mkdir -p $(O)
%.o:
	@mkdir -p $(O)/$(@D)
	@echo '  CC      $@'
	@gcc -Wall -c -o $(O)/$@ $(CURDIR)/$*.c
	@echo '  CHECK   $(CURDIR)/$*.c'
	@$(CHECK) $(CURDIR)/$*.c
"""
COCCI = """
// Options:

virtual report
@r depends on report@
position p;
@@
 bad@p(...)

@script:python depends on report@
p << r.p;
@@
coccilib.report.print_report(p[0], "WARNING: bad, see line 7")
"""
TOOLS = {
    "Makefile": KBUILD, "scripts/checkpatch.pl": CHECKPATCH,
    "scripts/kernel-doc": KERNEL_DOC, "scripts/get_maintainer.pl": MAINTAINERS,
    "scripts/coccinelle/api/bad.cocci": COCCI,
    "scripts/spelling.txt": "# words\nmapppping||mapping\n",
    "include/linux/kconfig.h": "", "include/linux/compiler-version.h": "",
    "fs/old.c": "int old(void);\nint old(void)\n{\n\treturn 0;\n}\n",
}


def function(lines, name="f", head="int"):
    body = "\tg();\n" * (lines - 3)
    return f"{head} {name}(int a)\n{{\n{body}}}\n"


class Fake(Case):
    """A kernel of a few files, and a series of one commit."""

    def put(self, tree, files):
        for name, content in files.items():
            self.write(f"{tree}/{name}", content)

    def series(self, new, base=None, message="fs: change it"):
        base = {**TOOLS, **(base or {})}
        linux = self.path("out/linux")
        self.put("out/base", base)
        self.put("out/linux", base)
        series.git(linux, "init", "-q")
        for files, text, tag in ((base, "Linux", True), (new, message, False)):
            self.put("out/linux", files)
            series.git(linux, "add", "-A")
            series.git(linux, "commit", "-q", "-m", text)
            if tag:
                series.git(linux, "tag", "base")

    def check(self, *names, accept="", **env):
        path = self.write("accepted", accept)
        return self.bench("check", *names, O=self.path("out"), ACCEPTED=path,
                          **env)

    def finds(self, name, words, new, failed=1, **more):
        """The check fails with these words for new, not if it was so before."""
        base = {"fs/old.c": TOOLS["fs/old.c"], **more.pop("base", {})}
        self.series(new, base, **more)
        self.expect(1, [f"FAIL {name}: ", *words, f"{failed} failed"],
                    self.check(name))


class Styles(Fake):
    BAD = "int a; /* BADSTYLE */\n"

    def test_in_a_born_file(self):
        self.finds("checkpatch", ["fs/new.c:2: ERROR:STYLE: bad style",
                                  "|   int a; /* BADSTYLE */"],
                   {"fs/new.c": "\n" + self.BAD})

    def test_in_a_message(self):
        self.finds("checkpatch", ["fs: one: WARNING:WORD: bad word"],
                   {"fs/new.c": "int a;\n"}, message="fs: one\n\nBADWORD\n")

    def test_old_lines_do_not_count(self):
        self.series({"fs/old.c": self.BAD + "int b;\n"},
                    {"fs/old.c": self.BAD})
        self.expect(0, ["2 passed, 0 failed"], self.check("checkpatch"))

    def test_one_more_does(self):
        self.finds("checkpatch", ["fs/old.c:2: ERROR:STYLE"],
                   {"fs/old.c": self.BAD * 2}, base={"fs/old.c": self.BAD})

    ENTRY = ("checkpatch fs/new.c\n  ERROR:STYLE: bad style\n"
             "  | int a; /* BADSTYLE */\n  because: it is only\n  a test\n")

    def test_accepted(self):
        self.series({"fs/new.c": self.BAD})
        self.expect(0, ["1 passed, 0 failed, 1 accepted"],
                    self.check("checkpatch", accept=self.ENTRY))

    def test_accepted_elsewhere(self):
        self.series({"fs/new.c": "int z; /* BADSTYLE */\n"})
        self.expect(1, ["FAIL checkpatch: fs/new.c:1: ERROR:STYLE",
                        "accepted:1: occurs no more", "2 failed"],
                    self.check("checkpatch", accept=self.ENTRY))

    def test_accepted_and_gone(self):
        self.series({"fs/new.c": "int a;\n"})
        self.expect(1, ["accepted:1: occurs no more, remove it", "1 failed"],
                    self.check("checkpatch", accept=self.ENTRY))

    def test_its_death_is_a_failure(self):
        self.series({"fs/new.c": "int a;\n",
                     "scripts/checkpatch.pl": "die 'no such thing';\n"})
        self.expect(1, ["no such thing", "1 failed"],
                    self.check("checkpatch"))

    def test_cached_by_content(self):
        self.series({"fs/new.c": self.BAD})
        first = self.check("checkpatch")
        log = self.write("bin/perl", "#!/bin/sh\necho called >&2; exit 9\n")
        os.chmod(log, stat.S_IRWXU)
        path = self.path("bin") + ":" + os.environ["PATH"]
        self.assertEqual(first[1].splitlines()[-1],
                         self.check("checkpatch", PATH=path)[1]
                         .splitlines()[-1])
        self.write("out/linux/fs/new.c", self.BAD + "int c;\n")
        series.git(self.path("out/linux"), "commit", "-qam", "more")
        self.expect(1, ["exit status 9"], self.check("checkpatch", PATH=path))


class Objects(Fake):
    PLAIN = "int *f(void);\nint *f(void)\n{\n\treturn (int *)8;\n}\n"
    NULL = PLAIN.replace("(int *)8", "0")
    UNUSED = PLAIN.replace("\treturn", "\tint unused;\n\n\treturn")

    def test_sparse(self):
        self.finds("sparse", ["fs/new.c:4: warning: Using plain integer as "
                              "NULL pointer"], {"fs/new.c": self.NULL})

    def test_warning(self):
        self.finds("W=1", ["fs/new.c:4: warning: unused variable", "unused"],
                   {"fs/new.c": self.UNUSED})

    def test_one_does_not_count_as_the_other(self):
        self.series({"fs/new.c": self.NULL, "fs/old.c": self.UNUSED})
        self.expect(1, ["1 passed, 1 failed"], self.check("sparse"))
        got = self.check("W=1")
        self.expect(1, ["1 passed, 1 failed"], got)
        self.assertNotIn("fs/new.c", got[1])

    def test_old_ones_do_not_count(self):
        self.series({"fs/old.c": "extern int more;\n" + self.NULL},
                    {"fs/old.c": self.NULL})
        self.expect(0, ["1 passed, 0 failed"], self.check("sparse"))

    def test_does_not_compile(self):
        self.finds("W=1", ["fs/new.c: error: does not compile",
                            "fs/new.c:1: error: expected"],
                   {"fs/new.c": "int f(\n"}, failed=2)

    def test_not_compiled_is_not_passed_by_sparse(self):
        self.finds("sparse", ["fs/new.c: error: does not compile"],
                   {"fs/new.c": "int f(void) { return no_such; }\n"})

    def test_base_does_not_compile(self):
        self.series({"fs/old.c": "int a;\n"}, {"fs/old.c": "int f(\n"})
        self.expect(1, ["fs/old.c of the unpatched kernel does not compile"],
                    self.check("W=1"))

    def test_what_no_config_has_is_skipped(self):
        self.series({"fs/new.c": self.PLAIN,
                     "drivers/misc/cxl/api.c": "int f(\n",
                     "arch/mips/include/asm/x.h": "int f(\n"})
        self.expect(0, ["skip W=1: drivers/misc/cxl/api.c: for PowerPC only",
                        "asm/x.h: header of another architecture",
                        "1 passed, 0 failed, 2 skipped"], self.check("W=1"))

    def test_lines_do_not_tell_messages_apart(self):
        one = "/t/fs/a.c:4:9: warning: see /t/fs/b.h:7:1 [-Wx]\n"
        two = "../../t/fs/a.c:5:9: warning: see /t/fs/b.h:9:1 [-Wx]\n"
        keys = [builds.parse(s, "/t", "/o/x")["W=1"][0].key()
                for s in (one, two)]
        self.assertEqual(*keys)
        self.assertEqual("fs/a.c", keys[0][0])


class Documents(Fake):
    GOOD = ("/**\n * f() - do it\n * @a: what\n *\n * Context: Any.\n"
            " * Return: 0\n */\n")

    def test_kernel_doc(self):
        self.finds("kernel-doc", ["fs/new.c:2: warning: bad doc"],
                   {"fs/new.c": "\n/* BADDOC */\n"})

    def test_old_kernel_doc(self):
        self.series({"fs/old.c": "\n/* BADDOC */\n"},
                    {"fs/old.c": "/* BADDOC */\n"})
        self.expect(0, ["1 passed, 0 failed"], self.check("kernel-doc"))

    def test_missing(self):
        self.finds("missing-doc", ["fs/new.c:1: function: f: no kernel-doc"],
                   {"fs/new.c": function(5)})

    def test_there(self):
        self.series({"fs/new.c": self.GOOD + function(5)})
        self.expect(0, ["1 passed, 0 failed"], self.check("missing-doc"))

    def test_of_a_type_and_a_macro(self):
        self.series({"fs/new.h": "#ifndef _X\n#define _X\n#define Y 1\n"
                     "#define __Z 2\n#define U 3\n#undef U\n"
                     "struct t {\n\tint a;\n};\n#endif\n"})
        got = self.check("missing-doc")
        self.expect(1, ["macro: Y: no", "type: t: no", "0 passed, 2 failed"],
                    got)

    def test_without_context_or_return(self):
        for word in ("Context:", "Return:"):
            with self.subTest(word):
                self.setUp()
                self.finds("missing-doc", [f"kernel-doc without {word}"], {
                    "fs/new.c": self.GOOD.replace(f" * {word}", " * No")
                    + function(5)})

    def test_void_returns_nothing(self):
        self.series({"fs/new.c": self.GOOD.replace("Return:", "") +
                     function(5, head="void")})
        self.expect(0, ["1 passed"], self.check("missing-doc"))

    def test_static_and_old_ones_need_none(self):
        self.series({"fs/new.c": function(5, head="static int") +
                     self.GOOD + function(5),
                     "fs/old.c": function(4, "before")},
                    {"fs/old.c": function(5, "before")})
        self.expect(0, ["1 passed, 0 failed"], self.check("missing-doc"))


class Lengths(Fake):
    def test_61_lines(self):
        self.finds("length", ["fs/new.c:3: length: f() is over 60 lines"],
                   {"fs/new.c": "\n\n" + function(61)})

    def test_60_lines(self):
        self.series({"fs/new.c": function(60) + function(14, "g")})
        self.expect(0, ["1 of 2 functions under 15 lines (50 %)",
                        "2 passed, 0 failed"], self.check("length"))

    def test_made_long(self):
        self.finds("length", ["fs/old.c:1: length: f() is over 60 lines"],
                   {"fs/old.c": function(61)},
                   base={"fs/old.c": function(60)})

    def test_was_long(self):
        self.series({"fs/old.c": function(62), "fs/new.c": function(9, "g")},
                    {"fs/old.c": function(61)})
        self.expect(0, ["1 passed, 0 failed"], self.check("length"))


class Spelling(Fake):
    def test_in_a_file(self):
        self.finds("spelling", ["fs/new.c:2: spelling: recieve ==> receive"],
                   {"fs/new.c": "\n/* recieve */\n"})

    def test_in_a_message(self):
        self.finds("spelling", ["message of: fs: one", "recieve"],
                   {"fs/new.c": "int a;\n"}, message="fs: one\n\nrecieve\n")

    def test_a_word_of_the_kernels_list(self):
        self.finds("spelling", ["fs/new.c:1: spelling: mapppping ==> mapping"],
                   {"fs/new.c": "/* mapppping */\n"})

    def test_old_lines_do_not_count(self):
        self.series({"fs/old.c": "/* recieve */\nint a;\n"},
                    {"fs/old.c": "/* recieve */\n"})
        self.expect(0, ["0 failed"], self.check("spelling"))


class Maintainers(Fake):
    def test_nobody(self):
        self.finds("maintainers", ["mm/new.c: maintainers: nobody"],
                   {"mm/new.c": "int a;\n"})

    def test_somebody(self):
        self.series({"fs/new.c": "int a;\n", "Makefile": KBUILD + "\n"})
        self.expect(0, ["2 passed, 0 failed"], self.check("maintainers"))


class Semantic(Fake):
    BAD = "void f(void)\n{\n\tbad();\n}\n"

    def test_new(self):
        self.finds("coccicheck", ["fs/new.c:3: bad: WARNING: bad"],
                   {"fs/new.c": self.BAD})

    def test_old(self):
        self.series({"fs/old.c": "int a;\n" + self.BAD},
                    {"fs/old.c": self.BAD})
        self.expect(0, ["1 passed, 0 failed"], self.check("coccicheck"))

    def test_a_script_that_dies(self):
        self.series({"fs/new.c": self.BAD,
                     "scripts/coccinelle/api/worse.cocci":
                     "virtual report\n@r@\nnonsense nonsense nonsense\n"})
        self.expect(1, ["worse.cocci"], self.check("coccicheck"))

    def test_its_mode(self):
        self.assertEqual("report", cocci.mode_of(
            "virtual patch\nvirtual context, report;\n"))
        self.assertEqual("context", cocci.mode_of(
            "virtual patch\nvirtual context\n"))
        self.assertIsNone(cocci.mode_of("virtual nsdeps\n"))


class Lists(Case):
    """bench/check.accepted."""

    def load(self, text):
        return accepted.load(self.write("list", text))

    def test_wrong(self):
        for text, why in ((" stray: x\n", "belongs to no entry"),
                          ("checkpatch a\n  K: m\n", "no `because: `"),
                          ("checkpatch a\n  because: x\n", "no complaint"),
                          ("checkpatch a\n  no colon\n", "not `KIND")):
            with self.subTest(text), \
                    self.assertRaisesRegex(series.Unfit, why):
                self.load(text)

    def test_to_the_letter(self):
        entry = self.load("c p/a.c\n  ERROR:K: m: n\n  | int  a;\n"
                          "  because: x\n")[0]
        good = ("p/a.c", "ERROR:K", "m: n", "int a;")
        self.assertTrue(entry.matches("c", Complaint(*good, 7)))
        self.assertFalse(entry.matches("d", Complaint(*good, 7)))
        for place in range(4):
            other = [*good]
            other[place] += "x"
            self.assertFalse(entry.matches("c", Complaint(*other)))

    def test_no_such_check(self):
        got = self.bench("check", "nonsense", O=self.path("out"))
        self.expect(2, ["no check nonsense; there are: maintainers"], got)
        path = self.write("list", "nonsense a\n  K: m\n  because: x\n")
        self.expect(1, ["list:1: no check nonsense"], self.bench(
            "check", O=self.path("out"), ACCEPTED=path))

    def test_no_tree(self):
        self.expect(1, ["missing, run `make tree`"],
                    self.bench("check", O=self.path("out")))


class Code(Case):
    """What bench/checks/source.py makes of C."""

    def names(self, text):
        return [(t.kind, t.name, t.lines()) for t in source.things(text)]

    def test_functions(self):
        self.assertEqual(
            [("function", "a", 4), ("function", "TEST_F(b)", 3),
             ("function", "c", 5)],
            self.names("static int\na(void)\n{\n}\nTEST_F(b, one)\n{\n}\n"
                       "int c(int (*h)(void))\n\t__must_hold(x)\n{\n"
                       "\treturn '}' + \"}\"; /* } */\n}\n"))

    def test_what_is_no_function(self):
        self.assertEqual([], self.names(
            "int a(void);\nint b[] = { f(1) };\nstruct s x = {\n\t1,\n};\n"
            "/* int c(void)\n{\n} */\n"))

    def test_types(self):
        self.assertEqual(
            [("type", "s", 3), ("type", "t", 1), ("type", "u", 1),
             ("type", "h", 1)],
            self.names("struct s {\n\tint a;\n};\ntypedef struct {\n} t;\n"
                       "typedef int __bitwise u;\n"
                       "typedef int (*h)(void);\n"))

    def test_branches_with_one_brace(self):
        self.assertEqual(
            [("function", "a", 9), ("function", "b", 3)],
            self.names("int a(void)\n{\n#ifdef X\n\tif (x) {\n#else\n"
                       "\tif (y) {\n#endif\n\t}\n}\nint b(void)\n{\n}\n"))

    def test_comments(self):
        self.assertEqual({"f", "s", "M"}, set(source.documented(
            "/**\n * f() - x\n */\n/**\n * struct s - y\n */\n"
            "/* * no() - z */\n/**\n * define M - w\n */\n")))

    def test_checkpatch_output(self):
        one, two = patches.parse(
            "a.c:3: CHECK:SPACING: spaces\n+\tint  a;\n \t^\n\n"
            ":9: WARNING:X: of the message\nwords\n\n", "subject")
        self.assertEqual(("a.c", "CHECK:SPACING", "spaces", "int a;"),
                         one.key())
        self.assertEqual(("subject", "WARNING:X", "of the message", "words"),
                         two.key())
