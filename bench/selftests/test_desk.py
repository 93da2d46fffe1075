# SPDX-License-Identifier: GPL-2.0-only
"""bench/mails, bench/rebase and bench/bisect, on a kernel of a few files."""

import json
import os
import shutil
import subprocess
import unittest

import test_series
from common import REPO

COVER = """Subject: mm: twenty

Why, on @base@,
in @patches@ patches:
@size@
"""


class Desk(test_series.Series):
    """The tools of Series, and a series of two patches."""

    def setUp(self):
        super().setUp()
        self.env.update(HOME=self.path("home"), GIT_CONFIG_NOSYSTEM="1",
                        GIT_CONFIG_GLOBAL=self.path("home/.gitconfig"))
        for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL",
                     "PART", "BOOT"):
            self.env.pop(name, None)
        self.write("repo/patches/cover-letter", COVER)

    def program(self, name, script):
        os.chmod(self.write(f"bin/{name}", f"#!/bin/sh\n{script}\n"), 0o755)
        self.env["PATH"] = self.path("bin") + ":" + os.environ["PATH"]


@unittest.skipUnless(shutil.which("b4"), "no b4")
class Mails(Desk):
    def setUp(self):
        super().setUp()
        self.two_patches()
        self.write("home/.gitconfig",
                   "[user]\nname = Jane Doe\nemail = jane@example.org\n"
                   "[diff]\nnoprefix = true\n[format]\nsignOff = false\n")

    def mails(self, status, *words, args=("2",), **env):
        self.expect(status, words, self.bench("mails", *args, **env))

    def mail(self, number):
        names = sorted(os.listdir(self.path("out/series/v2")))
        return self.read(os.path.join("out/series/v2", names[number]))

    def test_good(self):
        self.mails(0, "ok   git am: tree ", "ok   b4 shazam: tree ",
                   "3 mails, one thread", "Jane Doe", "4 passed, 0 failed")
        cover, first = self.mail(0), self.mail(1)
        for word in ("Subject: [PATCH v2 6.12 0/2] mm: twenty\n",
                     "From: Jane Doe <jane@example.org>\n", "Linux 6.12.99",
                     "in 2 patches:", "1 new files with 1 lines",
                     "3 files changed", "base-commit: ",
                     "mm: add the action (it's new)"):
            self.assertIn(word, cover)
        self.assertIn("\nSigned-off-by: Jane Doe <jane@example.org>\n---\n",
                      first)
        self.assertIn("Subject: [PATCH v2 6.12 1/2] mm: spell twenty out\n",
                      first)
        mbox = self.read("out/series/v2.mbox")
        self.mails(0)
        self.assertEqual(mbox, self.read("out/series/v2.mbox"))

    def test_first_version_has_no_number(self):
        self.mails(0, args=())
        self.assertIn("[PATCH 6.12 0/2]",
                      self.read("out/series/v1/0000-cover-letter.patch"))

    def test_long_subject_and_name(self):
        self.edit("line 40\n", "forty\n")
        self.commit_all("mm: " + "a subject that is long " * 4)
        self.refresh()
        self.mails(0, "4 passed, 0 failed", GIT_COMMITTER_NAME="N" * 70)

    def test_no_identity(self):
        os.unlink(self.path("home/.gitconfig"))
        self.mails(1, "git config --global user.name 'Your Name'",
                   "user.email")
        self.mails(1, "user.email", GIT_COMMITTER_NAME="Jane Doe")
        self.assertFalse(os.path.exists(self.path("out/series")))
        self.mails(0, "nobody@example.org", args=("--try",))

    def test_tree_that_differs(self):
        """A git am that leaves out a hunk is found out, and so is b4's."""
        self.program("git", f"""
            case " $* " in
            *" am "*) {shutil.which('git')} "$@" || exit
                echo more >>mm/mmap.c
                exec {shutil.which('git')} -c user.name=A -c user.email=a@b \\
                    commit -q -a --amend --no-edit ;;
            esac
            exec {shutil.which('git')} "$@" """)
        self.mails(1, "FAIL git am: the tree is", "they differ in mm/mmap.c",
                   "FAIL b4 shazam: the tree is", "2 passed, 2 failed")

    def test_body_that_am_cuts(self):
        """git am ends a message where a diff seems to begin."""
        self.edit("line 40\n", "forty\n")
        self.commit_all("mm: forty\n\nA body.\n\ndiff -u this that\n\nMore.")
        self.refresh()
        self.mails(1, "FAIL git am")

    def test_survey(self):
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.write("src/fs/new.c", "int n = file->f_op->mmap != NULL;\n")
        self.tree()
        self.mails(1, "FAIL survey: the cover letter says nothing of fs/new.c")
        self.write("repo/patches/cover-letter", COVER + "fs/new.c:1 fine\n")
        self.mails(0, "1 files use f_op->mmap")

    def test_cover_letter(self):
        for bad, word in ((COVER[9:], "not `Subject: "),
                          (COVER + "x" * 76, "more than 75 columns"),
                          (COVER + "@what@", "@what@ means nothing"),
                          (COVER + "@tests@", "README.md"),
                          ("Subject: x\n", "not `Subject: ")):
            with self.subTest(word):
                self.write("repo/patches/cover-letter", bad)
                self.write("repo/README.md", "nothing\n")
                self.mails(1, word)
        os.unlink(self.path("repo/patches/cover-letter"))
        self.mails(1, "patches/cover-letter", "No such file")

    def test_tests_come_from_the_readme(self):
        self.write("repo/patches/cover-letter", COVER + "@tests@\n")
        self.write("repo/README.md", "      ok   KUnit: 478 passed, 0 failed\n")
        self.mails(0)
        self.assertIn("\n  KUnit: 478 passed, 0 failed\n", self.mail(0))

    def test_tree_with_work(self):
        self.edit("line 40\n", "forty\n")
        self.mails(1, "mm/mmap.c: changed, not committed")

    def test_usage(self):
        self.mails(2, "usage", args=("0",))
        self.mails(2, "usage", args=("v2",))

    def test_refresh_leaves_the_cover_letter(self):
        self.refresh(0, "0 files changed")
        self.assertEqual(COVER, self.read("repo/patches/cover-letter"))


class Rebase(Desk):
    def setUp(self):
        super().setUp()
        self.two_patches()
        self.apt()

    def deb(self, version, top="linux-source-6.12"):
        """What apt would download: a package with a tarball of src/."""
        root = f"deb-{version}"
        os.makedirs(self.path(root, "usr/src"))
        subprocess.run(["tar", "-cJf", self.path(
            root, "usr/src/linux-source-6.12.tar.xz"), "-C", self.dir,
            f"--transform=s,^src,{top},", "src"], check=True)
        self.write(f"{root}/DEBIAN/control",
                   f"Package: linux-source-6.12\nVersion: {version}\n"
                   "Architecture: all\nMaintainer: A <a@example.org>\n"
                   "Description: a kernel\n")
        os.makedirs(self.path("mirror"), exist_ok=True)
        name = f"linux-source-6.12_{version}_all.deb"
        subprocess.run(["dpkg-deb", "-b", "--nocheck", self.path(root),
                        self.path("mirror", name)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def apt(self, *versions):
        lines = "".join(f"linux-source-6.12 | {v} | http://x main Packages\n"
                        for v in versions)
        self.program("apt-cache", f"cat <<'END'\n{lines}END")
        self.program("apt-get", f"""
            echo "$@" >>{self.dir}/downloads
            cp {self.dir}/mirror/"$(echo "$2" | tr = _)"_all.deb . ||
            {{ echo "E: Version for '$2' was not found" >&2; exit 100; }}""")

    def rebase(self, status, *words, args=()):
        self.expect(status, words, self.bench("rebase", *args))

    def test_clean_with_an_offset(self):
        self.deb("6.12.1-1")
        self.edit("line 1\n", "line 0\nline 1\n", "src/mm/mmap.c")
        self.deb("6.12.2-1~deb1")
        self.apt("6.12.2-1~deb1", "6.12.1-1")
        self.rebase(0, "ok   6.12.2-1~deb1: clean, 2 patches",
                    "ok   6.12.1-1: clean", "2 passed, 0 failed")
        self.rebase(0, "2 passed, 0 failed")
        self.assertEqual(2, len(self.read("downloads").splitlines()))

    def test_misfit(self):
        self.deb("6.12.2-1")
        self.edit("line 17\n", "line XVII\n", "src/mm/mmap.c")
        self.deb("6.12.1-1")
        self.apt("6.12.2-1", "6.12.1-1")
        self.rebase(1, "ok   6.12.2-1: clean",
                    "FAIL 6.12.1-1: patches/0001-mm-spell-twenty-out.patch "
                    "does not fit this version: mm/mmap.c, hunk 1 of 1 (line "
                    "17)", "1 passed, 1 failed")

    def test_file_that_is_not_there(self):
        os.unlink(self.path("src/mm/Makefile"))
        self.deb("6.12.1-1")
        self.apt("6.12.1-1")
        self.rebase(1, "0002-mm-add-the-action-it-s-new.patch does not fit",
                    "mm/Makefile: does not exist")

    def test_born_file_that_is_there(self):
        self.write("src/mm/action.c", "int theirs;\n")
        self.deb("6.12.1-1")
        self.apt("6.12.1-1")
        self.rebase(1, "born: mm/action.c, but the base has it")

    def test_listed_but_gone(self):
        self.apt("6.12.1-1")
        self.rebase(1, "FAIL 6.12.1-1: not tried, it cannot be downloaded: "
                    "Version for", "0 passed, 1 failed")

    def test_seen_and_no_longer_offered(self):
        self.deb("6.12.2-1")
        self.deb("6.12.1-1")
        self.apt("6.12.2-1", "6.12.1-1")
        self.rebase(0, "2 passed, 0 failed")
        self.apt("6.12.2-1")
        self.rebase(0, "2 passed, 0 failed")
        shutil.rmtree(self.path("out/rebase/tree"))
        for name in os.listdir(self.path("out/rebase")):
            if name.endswith(".deb"):
                os.unlink(self.path("out/rebase", name))
        os.unlink(self.path("mirror/linux-source-6.12_6.12.1-1_all.deb"))
        self.rebase(1, "ok   6.12.2-1", "FAIL 6.12.1-1: not tried")

    def test_broken_package(self):
        self.deb("6.12.1-1")
        path = self.path("mirror/linux-source-6.12_6.12.1-1_all.deb")
        with open(path, "r+b") as f:
            f.truncate(os.path.getsize(path) // 2)
        self.apt("6.12.1-1")
        self.rebase(1, "not tried", "cannot be unpacked")

    def test_no_kernel_in_it(self):
        self.deb("6.12.1-1", top="other")
        self.apt("6.12.1-1")
        self.rebase(1, "not tried", "no linux-source-6.12/Makefile")

    def test_apt_knows_nothing(self):
        self.rebase(1, "apt-cache knows no linux-source-6.12")

    def test_a_new_patch_wants_more_files(self):
        self.write("src/fs/open.c", test_series.MMAP)
        self.deb("6.12.1-1")
        self.apt("6.12.1-1")
        self.rebase(0)
        subprocess.run(["rm", "-rf", self.linux], check=True)
        self.tree()
        self.edit("line 5\n", "five\n", "out/linux/fs/open.c")
        self.commit_all("fs: five")
        self.refresh()
        self.rebase(0, "clean, 3 patches")

    def test_usage(self):
        self.rebase(2, "usage", args=("--what",))


KERNEL = test_series.MAKEFILE + """
objs = build/mmap.o $(if $(wildcard mm/action.c),build/action.o)
allnoconfig:
	cp $(KCONFIG_ALLCONFIG) build/.config
prepare:
vmlinux: $(objs)
	cat $(objs) > build/vmlinux
build/%.o: mm/%.c
	@echo "  CC      mm/$*.o"
	@gcc -Wall -c $< -o $@
"""
HARNESS = """TARGETS = vma
vma:
	echo 'grep -q broken ../../../mm/mmap.c && exit 1' > vma
	echo 'echo 15 tests run, 15 passed, 0 failed.' >> vma
	sed -i '1i#!/bin/sh' vma && chmod +x vma
clean: ; rm -f vma
"""


class Bisect(Desk):
    """A kernel that bench/kernel can build in no time."""

    def setUp(self):
        super().setUp()
        self.write("src/Makefile", KERNEL)
        self.write("src/mm/mmap.c", "int line;\n")
        self.write("src/tools/testing/vma/Makefile", HARNESS)
        for name in ("x86", "boot", "series"):
            self.write(f"config/{name}.config", "CONFIG_A=y\n")
        self.env.update(CONFIG=self.path("config"), BOOT="0", ARCH="x86",
                        GUEST_CONFIG=self.path("config/x86.config"))
        self.tree()

    def patch(self, subject, content, name="mm/mmap.c"):
        self.write(f"out/linux/{name}", content)
        self.commit_all(subject)

    def three(self, second="int two;\n", third="int three;\n"):
        self.patch("mm: one", "int one;\n")
        self.patch("mm: two", second)
        self.patch("mm: three", third)
        self.refresh()

    def bisect(self, status, *words, args=(), **env):
        got = self.bench("bisect", *args, **env)
        self.expect(status, words, got)
        return got[1]

    def test_good_and_then_known(self):
        self.three()
        self.bisect(0, "the base, for its warnings", "patch 3 of 3: mm: three",
                    "patch 3: ok (kernel ", "3 passed, 0 failed")
        said = self.bisect(0, "patch 1 of 3: mm: one: known to pass",
                           "3 passed, 0 failed")
        self.assertNotIn("for its warnings", said)
        self.bisect(0, "ok   patch 2: mm: two", "3 passed", args=("--report",))

    def test_a_message_is_no_input(self):
        self.three()
        self.bisect(0)
        self.git("commit", "-q", "--amend", "-m", "mm: three, reworded")
        self.refresh()
        self.bisect(0, "mm: three, reworded: known to pass")

    def test_does_not_build_alone(self):
        self.three("int two\n")
        self.bisect(1, "patch 2: FAIL at kernel", "error: expected",
                    "patch 3: ok", "2 passed, 1 failed")
        # Those that passed are known, the other one is tried again.
        self.bisect(1, "mm: one: known to pass", "patch 2: FAIL at kernel")
        self.bisect(1, "FAIL patch 2: mm: two: FAIL at kernel",
                    "2 passed, 1 failed", args=("--report",))

    def test_new_warning(self):
        self.three(second="static int unused;\nint two;\n")
        self.bisect(1, "1 warnings that the base does not give",
                    "| new: mm/mmap.c: warning: ", "patch 2: FAIL at kernel",
                    "2 passed, 1 failed")

    def test_warning_of_the_base(self):
        old = "static int unused;\n"
        self.write("src/mm/mmap.c", old)
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.tree()
        # The same complaint from another line is not a new one.
        self.three(*(f"int {n};\n{old}" for n in ("two", "three")))
        self.bisect(0, "3 passed, 0 failed")

    def test_warning_that_stays(self):
        """Each patch is built from nothing: what is not new still shows."""
        self.patch("mm: one", "int one;\n")
        self.patch("mm: two", "static int unused;\n", "mm/action.c")
        self.patch("mm: three", "int three;\n")
        self.refresh()
        self.bisect(1, "patch 2: FAIL", "patch 3: FAIL", "1 passed, 2 failed")

    def test_harness_fails(self):
        self.three("int broken;\n")
        self.bisect(1, "patch 2: FAIL at vma", "2 passed, 1 failed")

    def test_boot_is_the_default(self):
        self.three()
        self.bisect(1, "patch 1: FAIL at guest", "0 passed, 3 failed", BOOT="")

    def test_config_is_an_input(self):
        self.three()
        self.bisect(0)
        self.write("config/boot.config", "CONFIG_A=y\nCONFIG_B=y\n")
        said = self.bisect(0, "the base, for its warnings")
        self.assertNotIn("known to pass", said)

    def test_goes_on_after_a_kill(self):
        self.three()
        self.bisect(0, "1 passed, 0 failed", args=("1", "1"))
        # What a kill in the middle of a checkout leaves behind.
        git_dir = self.git("rev-parse", "--git-dir", where="out/bisect/tree")
        self.write(git_dir.strip() + "/index.lock", "")
        self.bisect(0, "mm: one: known to pass", "3 passed, 0 failed")

    def parts(self, *numbers):
        for i in numbers:
            self.bisect(0, PART=f"{i}/2")
            shutil.move(self.path("out/bisect/verdicts"),
                        self.path(f"part-{i}"))
        return [self.path(f"part-{i}") for i in numbers]

    def test_parts(self):
        self.three()
        self.bisect(0, "patch 2 of 3, 1 of 1 here", "1 passed, 0 failed",
                    PART="2/2")
        shutil.rmtree(self.path("out/bisect/verdicts"))
        self.bisect(0, "3 passed, 0 failed",
                    args=("--report", *self.parts(1, 2)))

    def test_missing_part(self):
        self.three()
        self.bisect(1, "ok   patch 3", "FAIL patch 2: mm: two: no verdict",
                    "2 passed, 1 failed", args=("--report", *self.parts(1)))
        self.bisect(1, "part-9: no plan.json",
                    args=("--report", self.path("part-9")))

    def test_failure_in_one_part(self):
        self.three()
        folders = self.parts(1, 2)
        name = [n for n in os.listdir(folders[1]) if n != "plan.json"][0]
        verdict = json.loads(self.read(f"part-2/{name}"))
        verdict["failed"] = "vma"
        self.write(f"part-1/{name}", json.dumps(verdict))
        for order in (folders, folders[::-1]):
            self.bisect(1, "FAIL patch 2: mm: two: FAIL at vma",
                        args=("--report", *order))

    def test_part_of_another_series(self):
        self.three()
        folders = self.parts(1, 2)
        self.patch("mm: four", "int four;\n")
        self.refresh()
        self.bisect(1, "of another series", args=("--report", *folders))

    def test_part_of_another_setup(self):
        self.three()
        folders = self.parts(1)
        self.write("config/boot.config", "CONFIG_A=y\nCONFIG_B=y\n")
        self.bisect(1, "another base, compiler, config",
                    args=("--report", *folders, *self.parts(2)))

    def test_usage(self):
        for part in ("0/2", "3/2", "1", "a/b"):
            self.bisect(2, f"PART={part}: not i/n", PART=part)
        self.bisect(2, "usage", args=("0",))
        self.bisect(2, "usage", args=("1", "2", "3"))


class Letter(unittest.TestCase):
    """The cover letter of the series here."""

    def test_width_and_words(self):
        with open(os.path.join(REPO, "patches/cover-letter"),
                  encoding="ascii") as f:
            lines = f.read().splitlines()
        self.assertEqual([], [s for s in lines if len(s) > 75])
        self.assertTrue(lines[0].startswith("Subject: "))


def load_tests(loader, _tests, _pattern):
    """Each class inherits the tools of Series, not its tests."""
    suite = unittest.TestSuite()
    for case in (Mails, Rebase, Bisect, Letter):
        for name in loader.getTestCaseNames(case):
            if name in case.__dict__:
                suite.addTest(case(name))
    return suite
