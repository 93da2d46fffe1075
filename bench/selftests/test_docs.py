# SPDX-License-Identifier: GPL-2.0-only
"""bench/docs has to see what is wrong with the page."""

import os
import subprocess

from common import Case
from test_tools import module

# Stands for the kernel's: what is to be said of the files stands in them.
MAKEFILE = """\
htmldocs:
	@mkdir -p $(BUILDDIR)/filesystems
	@cp Documentation/filesystems/* $(BUILDDIR)/filesystems
	@grep -hn '^.. say' Documentation/filesystems/*.rst | \\
		sed 's,^\\([0-9]*\\):.. say ,$(CURDIR)/x.rst:\\1: ,' >&2
"""
SVG = "<svg>" + "<text>word</text>" * 8 + "</svg>"
NAMES = ["can_mmap_file", "vfs_mmap"] + [f"vma_desc_{n}" for n in range(20)]
PAGE = ("<div id=top role=main>" + "".join(f'<dt id="c.{n}">' for n in NAMES) +
        '<object data="mmap_prepare.svg"></object><a href="vfs.html#mmap">'
        '</a><a href="https://kernel.org/"></a><a href="#top"></a></div>')
SIDEBAR = '<div><a href="mmap_prepare.html"></a></div>'
LINK = ('<div role="main"><div id="mmap"><a href="mmap_prepare.html"></a>'
        f"</div></div>{SIDEBAR}")


class Page(Case):
    """Fake trees, a fake htmldocs: one thing at a time is wrong."""

    def setUp(self):
        super().setUp()
        self.docs = "linux/Documentation/filesystems/"
        self.write("linux/Makefile", MAKEFILE)
        self.write(self.docs + "a.rst", ".. say WARNING: old\n")
        for name in ("index", "vfs", "locking", "porting"):
            self.write(self.docs + name + ".html", LINK)
        self.git("init", "-q", "-b", "series")
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
                 "-m", "base")
        self.git("tag", "base")
        self.write("linux/mm/mmap_prepare.c", "".join(
            f"EXPORT_SYMBOL({n});\n" for n in NAMES[:2]))
        self.write("linux/mm/mmap_action.c", "")
        self.write("linux/include/linux/vma_flags.h", "")
        self.write("linux/include/linux/mmap_prepare.h", "".join(
            f"/**\n * {n}() - of use\n */\n" for n in NAMES[2:]))
        self.write(self.docs + "mmap_prepare.html", PAGE)
        self.write(self.docs + "mmap_prepare.svg", SVG)
        self.env["O"] = self.dir

    def git(self, *args):
        subprocess.run(["git", "-C", self.path("linux"), *args], check=True)

    def docs_say(self, status, *words):
        self.expect(status, words, self.bench("docs", "--no-code"))

    def test_good(self):
        self.docs_say(0, "9 passed, 0 failed")

    def test_old_complaint_on_another_line(self):
        self.write(self.docs + "a.rst", "\n\n.. say WARNING: old\n")
        self.docs_say(0, "9 passed, 0 failed")

    def test_new_complaint(self):
        self.write(self.docs + "b.rst", ".. say WARNING: new\n")
        self.docs_say(1, "FAIL Sphinx", "| x.rst: WARNING: new",
                      "8 passed, 1 failed")

    def test_old_complaint_twice(self):
        self.write(self.docs + "a.rst", ".. say WARNING: old\n" * 2)
        self.docs_say(1, "| x.rst: WARNING: old")

    def test_base_is_built_once(self):
        self.docs_say(0, "documentation of the base")
        status, said = self.bench("docs", "--no-code")
        self.assertEqual(0, status, said)
        self.assertNotIn("of the base", said)

    def test_no_page(self):
        os.unlink(self.path(self.docs, "mmap_prepare.html"))
        self.docs_say(1, "FAIL the page is there")

    def test_no_figure(self):
        self.write(self.docs + "mmap_prepare.html", PAGE.replace(
            "mmap_prepare.svg", "other.svg"))
        self.docs_say(1, "FAIL its figure is there", "no figure")

    def test_figure_not_in_output(self):
        os.unlink(self.path(self.docs, "mmap_prepare.svg"))
        self.docs_say(1, "FAIL its figure is there", "not in the output")

    def test_figure_without_words(self):
        self.write(self.docs + "mmap_prepare.svg", "<svg></svg>")
        self.docs_say(1, "FAIL its figure is there", "no picture")

    def test_not_described(self):
        self.write(self.docs + "mmap_prepare.html", PAGE.replace(
            "c.vfs_mmap", "vfs_mmap"))
        self.docs_say(1, "| vfs_mmap: not on the page")

    def test_dead_link(self):
        self.write(self.docs + "mmap_prepare.html", PAGE.replace(
            "#mmap", "#mmapped"))
        self.docs_say(1, "| vfs.html#mmapped: no such place there")

    def test_not_linked(self):
        self.write(self.docs + "vfs.html", '<div id="mmap" role="main">'
                   "<div>mmap_prepare.rst</div></div>" + SIDEBAR)
        self.docs_say(1, "FAIL vfs.html links to it",
                      "no link to mmap_prepare.html")

    def test_htmldocs_fails(self):
        self.write("linux/Makefile", "htmldocs:\n\t@echo no Sphinx; false\n")
        self.docs_say(1, "htmldocs of linux failed", "no Sphinx",
                      "0 passed, 1 failed")

    def test_no_tree(self):
        self.expect(1, ["run `make tree`", "0 passed, 1 failed"],
                    self.bench("docs", self.path("elsewhere")))


class Blocks(Case):
    """What is taken out of the page and compiled."""

    def setUp(self):
        super().setUp()
        self.docs = module("docs")

    def test_blocks(self):
        found = self.docs.blocks("Words\n\n.. code-block:: c\n\n\tint a;\n\n"
                                 "\tint b;\n\nWords\n\n.. code-block:: diff\n"
                                 "\n\t-a\n", "c")
        self.assertEqual([(3, "int a;\n\nint b;\n")], found)

    def test_block_in_list(self):
        found = self.docs.blocks("* a\n\n  .. code-block:: c\n\n\t  x\n\n"
                                 "* b\n", "c")
        self.assertEqual([(3, "x\n")], found)

    def test_variants(self):
        block = ("#include <linux/fs.h>\n#ifdef MMAP_PREPARE_API\n"
                 "#define A_HAS_MMAP_PREPARE 1\n#endif\n")
        found = self.docs.variants(block)
        self.assertEqual(3, len(found))
        for _, code in found[1:]:
            lines = code.splitlines()
            self.assertEqual("#undef MMAP_PREPARE_API", lines[1])
        self.assertIn("A_HAS_MMAP_PREPARE) == 0", found[1][1])
        self.assertEqual(1, len(self.docs.variants("int a;\n")))

    def test_diff_does_not_apply(self):
        self.write("a.c", "one\ntwo\nthree\n")
        diff = "--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n one\n-%s\n+2\n three\n"
        self.assertEqual(("a.c", "one\n2\nthree\n"), self.docs.patched_driver(
            self.dir, diff % "two"))
        with self.assertRaisesRegex(self.docs.Unfit, "does not apply to a.c"):
            self.docs.patched_driver(self.dir, diff % "zwei")
