# SPDX-License-Identifier: GPL-2.0-only
"""bench/series.py and bench/tree, on a kernel of four files."""

import os
import subprocess

from common import Case

MAKEFILE = "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 99\n"
MMAP = "".join(f"line {n}\n" for n in range(1, 61))


class Series(Case):
    def setUp(self):
        super().setUp()
        self.write("src/Makefile", MAKEFILE)
        self.write("src/mm/mmap.c", MMAP)
        self.write("src/mm/Makefile", "obj-y := mmap.o\n")
        # Debian's source ignores everything at the top.
        self.write("src/.gitignore", "*.o\n/*\n")
        self.write("repo/README", "text\n")
        self.git("init", "-q", "-b", "main", where="repo")
        self.commit_all("start", where="repo")
        self.env.update(O=self.path("out"), KSRC=self.path("src"),
                        SERIES=self.path("repo"))
        self.linux = self.path("out/linux")

    def git(self, *args, where="out/linux"):
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        return subprocess.run(["git", *who, *args], cwd=self.path(where),
                              check=True, text=True, env=env,
                              stdout=subprocess.PIPE).stdout

    def commit_all(self, message, where="out/linux"):
        self.git("add", "-A", "-f", where=where)
        self.git("commit", "-q", "-m", message, where=where)

    def tree(self, status=0, *words, **env):
        self.expect(status, words, self.bench("tree", "patched", **env))

    def refresh(self, status=0, *words):
        self.expect(status, words,
                    self.bench("series.py", "export", self.linux))

    def edit(self, old, new, name="out/linux/mm/mmap.c"):
        self.write(name, self.read(name).replace(old, new))

    def two_patches(self):
        """A series of an edit and of a born file with its wiring."""
        self.tree()
        self.edit("line 20\n", "line twenty\n")
        self.commit_all("mm: spell twenty out\n\nA body that is\ntwo lines.")
        self.write("out/linux/mm/action.c", "int action;\n")
        self.edit("mmap.o", "mmap.o action.o", "out/linux/mm/Makefile")
        self.commit_all("mm: add the action (it's new)\n\nWhy.")
        self.refresh()
        self.commit_all("series", where="repo")

    def clean(self):
        return self.git("status", "--porcelain", "-uall", where="repo") == ""

    def files(self):
        return sorted(os.listdir(self.path("repo/patches")))

    def test_empty_series(self):
        self.tree(0, "0 patches")
        self.refresh(0, "0 patches")
        self.assertTrue(self.clean())

    def test_round_trip(self):
        self.two_patches()
        self.assertEqual(["0001-mm-spell-twenty-out.patch",
                          "0002-mm-add-the-action-it-s-new.patch"],
                         self.files())
        tip = self.git("rev-parse", "HEAD")
        self.tree(0, "up to date")
        self.refresh(0, "0 files changed")
        self.assertTrue(self.clean())
        # From nothing: the same commits, whoever and whenever.
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.tree(0, "2 patches applied")
        self.assertEqual(tip, self.git("rev-parse", "HEAD"))
        self.refresh(0, "0 files changed")
        self.assertTrue(self.clean())

    def test_format(self):
        self.two_patches()
        first = self.read("repo/patches/" + self.files()[0])
        self.assertTrue(first.startswith(
            "Subject: mm: spell twenty out\n\nA body that is\ntwo lines.\n\n"
            "---\n\ndiff --git a/mm/mmap.c b/mm/mmap.c\n--- a/mm/mmap.c\n"))
        self.assertNotIn("index ", first)
        second = self.read("repo/patches/" + self.files()[1])
        self.assertIn("---\nborn: mm/action.c\n\ndiff --git", second)
        self.assertNotIn("int action", second)
        self.assertEqual("int action;\n", self.read("repo/mm/action.c"))
        self.expect(0, ["born mm/action.c", "edit mm/Makefile"],
                    self.bench("series.py", "files"))

    def test_tree_follows_the_files(self):
        self.two_patches()
        self.write("repo/mm/action.c", "int other;\n")
        before = os.stat(self.path("out/linux/mm/mmap.c")).st_mtime_ns
        self.tree(0, "2 patches applied")
        self.assertEqual("int other;\n", self.read("out/linux/mm/action.c"))
        after = os.stat(self.path("out/linux/mm/mmap.c")).st_mtime_ns
        self.assertEqual(before, after, "an unchanged file was written")

    def test_misfit_names_patch_file_hunk(self):
        self.two_patches()
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.edit("line 21\n", "line XXI\n", "src/mm/mmap.c")
        self.tree(1, "patches/0001-mm-spell-twenty-out.patch does not fit",
                  "6.12.99", "mm/mmap.c, hunk 1 of 1")
        self.assertEqual("", self.git("log", "--format=%s", "base.."))
        self.assertEqual("", self.git("status", "--porcelain"))

    def test_second_hunk(self):
        self.tree()
        self.edit("line 5\n", "five\n")
        self.edit("line 50\n", "fifty\n")
        self.commit_all("mm: two hunks")
        self.refresh()
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.edit("line 51\n", "LI\n", "src/mm/mmap.c")
        self.tree(1, "mm/mmap.c, hunk 2 of 2")

    def test_no_fuzz(self):
        self.two_patches()
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        # patch(1) would take this with fuzz 1: only the outermost line differs.
        self.edit("line 17\n", "line XVII\n", "src/mm/mmap.c")
        self.tree(1, "does not fit")

    def test_offset_is_fine(self):
        self.two_patches()
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.edit("line 1\n", "line 0\nline 1\n", "src/mm/mmap.c")
        self.tree(0, "2 patches applied")

    def test_tree_refuses_uncommitted(self):
        self.two_patches()
        self.write("repo/mm/action.c", "int other;\n")
        self.edit("line 30\n", "mine\n")
        self.tree(1, "mm/mmap.c: changed, not committed")
        self.assertIn("mine\n", self.read("out/linux/mm/mmap.c"))

    def test_tree_refuses_commits(self):
        self.two_patches()
        self.write("repo/mm/action.c", "int other;\n")
        self.edit("line 30\n", "mine\n")
        self.commit_all("mm: mine")
        self.tree(1, "commits were added")
        self.assertIn("mine\n", self.read("out/linux/mm/mmap.c"))

    def test_tree_refuses_another_base_over_work(self):
        self.two_patches()
        self.edit("line 30\n", "mine\n")
        os.utime(self.path("src/Makefile"), (1, 1))
        self.tree(1, "holds work", "mm/mmap.c: changed")

    def test_another_base(self):
        self.two_patches()
        self.edit("99", "100", "src/Makefile")
        self.tree(0, "2 patches applied")
        self.assertIn("= 100", self.read("out/linux/Makefile"))

    def test_refresh_refuses_uncommitted(self):
        self.two_patches()
        self.edit("line 30\n", "mine\n")
        self.refresh(1, "mm/mmap.c: changed, not committed")
        self.git("add", "-u")
        self.refresh(1, "mm/mmap.c: changed, not committed")
        self.assertTrue(self.clean())

    def test_refresh_refuses_untracked(self):
        self.two_patches()
        self.write("out/linux/mm/new.c", "int new;\n")
        self.refresh(1, "mm/new.c: not in git")

    def test_refresh_refuses_ignored(self):
        # Debian's .gitignore hides new folders at the top, and much else.
        self.two_patches()
        self.write("out/linux/newdir/file.c", "int new;\n")
        self.assertEqual("", self.git("status", "--porcelain"))
        self.refresh(1, "newdir/file.c: not in git")

    def test_refresh_leaves_builds_alone(self):
        self.two_patches()
        self.write("out/linux/build/vmlinux", "")
        self.write("out/linux/mm/mmap.o", "")
        self.write("out/linux/tools/testing/vma/vma", "\x7fELF")
        self.refresh(0, "0 files changed")

    def test_refresh_refuses_a_rebase(self):
        self.two_patches()
        os.mkdir(self.path("out/linux/.git/rebase-merge"))
        self.refresh(1, "a rebase is under way")

    def test_refresh_refuses_another_line(self):
        self.two_patches()
        self.git("checkout", "-q", "--orphan", "else")
        self.git("commit", "-q", "-m", "alone")
        self.refresh(1, "does not stand on its tag base")

    def test_refresh_refuses_a_merge(self):
        self.two_patches()
        self.git("checkout", "-q", "-b", "side", "base")
        self.edit("line 40\n", "forty\n")
        self.commit_all("mm: side")
        self.git("checkout", "-q", "series")
        self.git("merge", "-q", "-m", "merge", "side")
        self.refresh(1, "a merge in")

    def test_born_file_touched_later(self):
        self.two_patches()
        self.write("out/linux/mm/action.c", "int late;\n")
        self.commit_all("mm: fix the action")
        self.refresh(1, "(mm: fix the action) touches mm/action.c",
                     "born in patches/0002-mm-add-the-action-it-s-new.patch")
        self.assertTrue(self.clean())

    def test_refresh_refuses_edits_here(self):
        self.two_patches()
        self.write("repo/mm/action.c", "int here;\n")
        self.edit("line 30\n", "mine\n")
        self.commit_all("mm: mine")
        self.refresh(1, "mm/action.c: was changed here since")
        self.assertEqual("int here;\n", self.read("repo/mm/action.c"))

    def test_refresh_refuses_a_file_in_the_way(self):
        self.two_patches()
        self.write("repo/mm/other.c", "somebody's\n")
        self.write("out/linux/mm/other.c", "int other;\n")
        self.commit_all("mm: add other")
        self.refresh(1, "mm/other.c: was changed here since")
        self.assertEqual("somebody's\n", self.read("repo/mm/other.c"))

    def test_refresh_drops_what_is_gone(self):
        self.two_patches()
        self.git("reset", "-q", "--hard", "HEAD~1")
        self.refresh(0, "1 patches, 0 born files")
        self.assertEqual(["0001-mm-spell-twenty-out.patch"], self.files())
        self.assertFalse(os.path.exists(self.path("repo/mm")))
        self.tree(0, "up to date")

    def test_refresh_twice_without_a_commit(self):
        self.two_patches()
        for word in ("one", "two"):
            self.edit("line 30\n", f"line 30\n{word}\n")
            self.commit_all(f"mm: {word}")
            self.refresh(0)
        self.assertEqual(4, len(self.files()))

    def test_signed_off_by(self):
        self.two_patches()
        self.edit("line 30\n", "mine\n")
        self.commit_all("mm: mine\n\nSigned-off-by: A <a@example.org>")
        self.refresh(1, "Signed-off-by")

    def test_users_git_config_changes_nothing(self):
        home = self.path("home")
        self.write("home/.gitconfig", "[diff]\nnoprefix = true\ncontext = 9\n"
                   "algorithm = patience\n[core]\nautocrlf = true\n"
                   "[commit]\ngpgsign = true\n[user]\nname = B\n")
        self.two_patches()
        tip = self.git("rev-parse", "HEAD")
        self.env["HOME"] = home
        self.refresh(0, "0 files changed")
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.tree(0, "2 patches applied")
        self.assertEqual(tip, self.git("rev-parse", "HEAD"))

    def test_deleted_and_executable_files(self):
        self.tree()
        self.git("rm", "-q", "mm/Makefile")
        self.write("out/linux/scripts/x.sh", "#!/bin/sh\n")
        os.chmod(self.path("out/linux/scripts/x.sh"), 0o755)
        self.commit_all("mm: drop and add")
        self.refresh()
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.tree()
        self.assertFalse(os.path.exists(self.path("out/linux/mm/Makefile")))
        self.assertTrue(os.access(self.path("out/linux/scripts/x.sh"),
                                  os.X_OK))

    def test_bad_patch_files(self):
        self.two_patches()
        name = "repo/patches/" + self.files()[0]
        good = self.read(name)
        for bad, word in ((good.replace("Subject: ", "Subj: "), "not `Subj"),
                          (good.replace("\n---\n", "\n--\n"), "not `Subj"),
                          (good.replace("---\n\n", "---\nborn: mm/no.c\n\n"),
                           "mm/no.c: No such file"),
                          (good.replace("---\n\n", "---\nborn: ../x\n\n"),
                           "no kernel path"),
                          (good.replace("---\n\n", "---\nborn: bench/x\n\n"),
                           "no kernel path"),
                          (good.replace("---\n\n", "---\nwhat\n\n"), "what"),
                          (good.replace("mm/mmap.c", "mm/action.c"),
                           "mm/action.c: does not exist")):
            with self.subTest(word):
                self.write(name, bad)
                self.tree(1, "0001-mm-spell-twenty-out.patch", word)
        self.write(name, good)
        os.rename(self.path(name), self.path("repo/patches/0007-x.patch"))
        self.tree(1, "number 0001 expected")

    def test_born_file_that_the_base_has(self):
        self.two_patches()
        subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.write("src/mm/action.c", "int theirs;\n")
        self.tree(1, "born: mm/action.c, but the base has it")


class Source(Series):
    """Where the kernel comes from."""

    def test_absent(self):
        self.tree(1, "no such file", KSRC=self.path("absent"))

    def test_no_kernel(self):
        self.write("other/file", "")
        self.tree(1, "no Makefile", KSRC=self.path("other"))
        self.assertFalse(os.path.exists(self.linux))

    def test_wrong_version(self):
        self.edit("12", "6", "src/Makefile")
        self.tree(1, "Linux 6.6.99, not a 6.12.y")
        self.assertFalse(os.path.exists(self.linux))

    def test_built_in(self):
        self.write("src/.config", "")
        self.tree(1, "mrproper")

    def test_tarball(self):
        subprocess.run(["tar", "-cf", self.path("k.tar"), "-C", self.dir,
                        "src"], check=True)
        self.tree(0, "0 patches", KSRC=self.path("k.tar"))
        self.assertEqual(MMAP, self.read("out/linux/mm/mmap.c"))

    def test_broken_tarball(self):
        bad = self.write("k.tar.xz", "no tarball")
        self.tree(1, "tar cannot unpack it", KSRC=bad)
        self.assertFalse(os.path.exists(self.linux))

    def test_git_repository(self):
        self.git("init", "-q", where="src")
        self.commit_all("kernel", where="src")
        self.tree(0, "0 patches")
        self.assertEqual(MMAP, self.read("out/linux/mm/mmap.c"))

    def test_a_tree_that_is_not_ours(self):
        self.write("out/linux/precious", "")
        self.tree(1, "not made by `make tree`")
        self.assertTrue(os.path.exists(self.path("out/linux/precious")))

    def test_unpatched(self):
        self.two_patches()
        self.expect(0, [], self.bench("tree", "unpatched"))
        self.assertEqual(MMAP, self.read("out/base/mm/mmap.c"))
        self.assertFalse(os.path.exists(self.path("out/base/mm/action.c")))
        self.assertIn("twenty", self.read("out/linux/mm/mmap.c"))

    def test_clean_keeps_work(self):
        self.two_patches()
        self.edit("line 30\n", "mine\n")
        self.write("out/linux/build/vmlinux", "")
        self.expect(0, ["stays", "mm/mmap.c"], self.bench("clean"))
        self.assertIn("mine", self.read("out/linux/mm/mmap.c"))
        self.git("checkout", "-q", "mm/mmap.c")
        self.expect(0, [], self.bench("clean"))
        self.assertFalse(os.path.exists(self.path("out")))


def load_tests(loader, _tests, _pattern):
    """Source inherits the tools of Series, not its tests."""
    suite = loader.loadTestsFromTestCase(Series)
    for name in loader.getTestCaseNames(Source):
        if name in Source.__dict__:
            suite.addTest(Source(name))
    return suite
