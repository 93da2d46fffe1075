# SPDX-License-Identifier: GPL-2.0-only
"""bench/kernel's config, bench/packages, bench/vma, bench/boot, bench/test."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys

from common import BENCH, REPO, Case



def module(name):
    """A program of the bench as a module."""
    loader = importlib.machinery.SourceFileLoader(name,
                                                  os.path.join(BENCH, name))
    spec = importlib.util.spec_from_loader(name, loader)
    loaded = importlib.util.module_from_spec(spec)
    loader.exec_module(loaded)
    return loaded


class Kunit(Case):
    """Only the suite for that may provoke warnings."""

    WARN = ("[    1.0] ------------[ cut here ]------------\n"
            "[    1.0] f_op has no mmap hook\n"
            "[    1.0] WARNING: CPU: 0 PID: 9 at mm/mmap_prepare.c:7 f+0x1\n"
            "[    1.0] Call Trace:\n"
            "[    1.0] ---[ end trace 0000000000000000 ]---\n")

    def scan(self, before="", other="", inside="", after=""):
        text = module("kunit").unexpected(
            f"[    0.1] Linux version 6.12\n{before}[    0.9] KTAP version 1\n"
            "[    0.9] 1..2\n[    0.9]     # Subtest: mmap_prepare\n"
            f"[    0.9]     ok 1 one\n{other}[    1.0] ok 1 mmap_prepare\n"
            "[    1.0]     # Subtest: mmap_prepare_warn\n"
            f"{inside}[    1.1] ok 2 mmap_prepare_warn\n{after}")
        return self.bench("splats", self.write("log", text))

    def test_wanted(self):
        self.expect(0, [], self.scan(inside=self.WARN))

    def test_elsewhere(self):
        for where in ("before", "other", "after"):
            with self.subTest(where):
                self.expect(1, ["mm/mmap_prepare.c:7"],
                            self.scan(**{where: self.WARN}))


class Config(Case):
    """An option that is asked for and not there has to be an error."""

    def setUp(self):
        super().setUp()
        self.kernel = module("kernel")

    def lost(self, fragment, config):
        wanted = self.kernel.requests([self.write("f", fragment)])
        return self.kernel.missing(wanted, self.write("c", config))

    def test_all_there(self):
        self.assertEqual([], self.lost(
            "# words\n\nCONFIG_A=y\nCONFIG_N=7\nCONFIG_B=n\n"
            "# CONFIG_C is not set\n",
            "CONFIG_A=y\nCONFIG_N=7\n# CONFIG_B is not set\n"))

    def test_every_one_is_listed(self):
        lost = self.lost("CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=n\nCONFIG_N=7\n"
                         "CONFIG_D=y\n",
                         "# CONFIG_A is not set\nCONFIG_C=y\nCONFIG_N=8\n"
                         "CONFIG_D=y\n")
        self.assertEqual(["A=y", "B=y", "C=n", "N=7"],
                         [s.split()[0][7:] for s in lost])
        self.assertIn("has 8", lost[3])

    def test_module_is_not_built_in(self):
        self.assertEqual(1, len(self.lost("CONFIG_A=y\n", "CONFIG_A=m\n")))

    def test_fragments_disagree(self):
        a = self.write("a", "CONFIG_A=y\n")
        b = self.write("b", "# CONFIG_A is not set\n")
        with self.assertRaisesRegex(self.kernel.Failed, "CONFIG_A: y in .*a, "
                                    "n in .*b"):
            self.kernel.requests([a, b])

    def test_not_a_config_line(self):
        with self.assertRaisesRegex(self.kernel.Failed, "not a config line"):
            self.kernel.requests([self.write("a", "CONFIG_A y\n")])

    def test_no_tree(self):
        self.expect(1, ["missing, run `make tree`"],
                    self.bench("kernel", O=self.path("out")))

    def test_no_config_for_arch(self):
        self.expect(1, ["no config for ARCH=m68k"],
                    self.bench("kernel", O=self.path("out"), ARCH="m68k"))


class Packages(Case):
    """What is missing is named, and nothing pretends to have installed it."""

    def fake(self, *names, **scripts):
        """A PATH of nothing but these programs."""
        for name in ("sh", "id", "cat", "mktemp", "rm", "tail", *names):
            real = subprocess.run(["sh", "-c", f"command -v {name}"],
                                  stdout=subprocess.PIPE, text=True)
            os.makedirs(self.path("bin"), exist_ok=True)
            os.symlink(real.stdout.strip(), self.path("bin", name))
        for name, script in scripts.items():
            path = self.write("bin/" + name.replace("_", "-"),
                              f"#!/bin/sh\n{script}\n")
            os.chmod(path, 0o755)
        return {"PATH": self.path("bin"), "KSRC": "somewhere"}

    def test_no_apt(self):
        self.expect(1, ["missing packages:", "git", "python3", "xz-utils",
                        "no apt-get here"],
                    self.bench("packages", "tree", **self.fake()))

    def test_only_what_is_missing(self):
        got = self.bench("packages", "tree", **self.fake("git", "python3"))
        self.assertIn("xz-utils", got[1])
        self.assertNotIn("git", got[1])

    def test_neither_root_nor_sudo(self):
        env = self.fake(apt_get="exit 0")
        os.unlink(self.path("bin/id"))
        self.write("bin/id", "#!/bin/sh\necho 1000\n")
        os.chmod(self.path("bin/id"), 0o755)
        self.expect(1, ["not root and no sudo"],
                    self.bench("packages", "tree", **env))

    def test_apt_fails(self):
        env = self.fake(apt_get="echo no such package; exit 100",
                        sudo='exec "$@"')
        self.expect(1, ["no such package", "apt-get install", "failed"],
                    self.bench("packages", "tree", **env))

    def test_update_once(self):
        env = self.fake("touch", apt_get=f"""
            echo "$@" >> {self.dir}/calls
            case "$1" in update) touch {self.dir}/done;; esac
            test -e {self.dir}/done""", sudo='exec "$@"')
        self.expect(0, ["installing"], self.bench("packages", "tree", **env))
        words = [s.split()[0] for s in self.read("calls").splitlines()]
        self.assertEqual(["install", "update", "install"], words)

    def test_nothing_missing_says_nothing(self):
        self.assertEqual((0, ""), self.bench("packages", "tree", KSRC="x"))

    def test_usage(self):
        self.expect(2, ["usage"], self.bench("packages"))
        self.expect(2, ["usage"], self.bench("packages", "nonsense"))


class Vma(Case):
    """The counting of the harness programs, with shell scripts for them."""

    def harness(self, **programs):
        rules = "clean:\n\trm -f $(TARGETS)\n"
        rules = f"TARGETS = {' '.join(programs)}\n.PHONY: default\n" \
            f"default: $(TARGETS)\n{rules}"
        for name, script in programs.items():
            self.write(f"tree/tools/testing/vma/{name}.in",
                       f"#!/bin/sh\n{script}\n")
            rules += f"{name}: {name}.in\n\tcp $< $@ && chmod +x $@\n"
        self.write("tree/tools/testing/vma/Makefile", rules)
        return self.bench("vma", self.path("tree"), self.path("logs"))

    OLD = 'echo "15 tests run, 15 passed, 0 failed."'
    KTAP = 'printf "KTAP version 1\\n1..2\\nok 1 a\\nok 2 b\\n"'

    def test_good(self):
        self.expect(0, ["17 passed, 0 failed"],
                    self.harness(vma=self.OLD, mmap=self.KTAP))

    def test_old_failure(self):
        self.expect(1, ["14 passed, 1 failed"], self.harness(
            vma='echo "15 tests run, 14 passed, 1 failed."; exit 1'))

    def test_lost_in_the_middle(self):
        self.expect(1, ["14 passed, 1 failed"], self.harness(
            vma='echo "15 tests run, 14 passed, 0 failed."'))

    def test_silent(self):
        self.expect(1, ["0 passed, "], self.harness(mmap="exit 0"))

    def test_status(self):
        self.expect(1, ["2 passed, 1 failed", "exit status was 99"],
                    self.harness(mmap=self.KTAP + "; exit 99"))

    def test_truncated(self):
        self.expect(1, ["1 passed, 1 failed"], self.harness(
            mmap='printf "KTAP version 1\\n1..2\\nok 1 a\\n"'))

    def test_does_not_build(self):
        self.write("tree/tools/testing/vma/Makefile",
                   "TARGETS = a\nclean:\na:\n\t@echo x.c:1: error: no; exit 1\n")
        self.expect(1, ["error: no", "make failed", "0 passed, 1 failed"],
                    self.bench("vma", self.path("tree"), self.path("logs")))

    def test_no_harness(self):
        self.expect(1, ["0 passed, 1 failed"],
                    self.bench("vma", self.path("none"), self.path("logs")))


class Boot(Case):
    """What can be told without a kernel."""

    def test_no_kernel(self):
        self.expect(2, ["absent: no such file"], self.bench(
            "boot", "--kernel", self.path("absent"), "--initrd", "/dev/null",
            "--log", self.path("log")))

    def test_no_qemu(self):
        k = self.write("k", "x")
        self.expect(2, ["no-such-qemu"], self.bench(
            "boot", "--kernel", k, "--initrd", k, "--log", self.path("log"),
            QEMU="no-such-qemu", ACCEL="tcg"))

    def test_not_a_kernel(self):
        k = self.write("k", "x")
        got = self.bench("boot", "--kernel", k, "--initrd", k, "--log",
                         self.path("log"), "--time", "5", ACCEL="tcg")
        self.assertNotEqual(0, got[0], got[1])


class Stages(Case):
    """bench/test: what it makes of stages that end in this way or that."""

    def run_stages(self, *scripts, needs=()):
        for number, script in enumerate(scripts):
            path = self.write(f"s{number}", f"#!/bin/sh\n{script}\n")
            os.chmod(path, 0o755)
        program = self.write("t.py", f"""
import importlib.machinery, importlib.util, sys
sys.path.insert(0, {BENCH!r})
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("t", {BENCH!r} + "/test")
spec = importlib.util.spec_from_loader("t", loader)
t = importlib.util.module_from_spec(spec)
loader.exec_module(t)
t.stages = lambda: [t.Stage(f"s{{n}}", f"stage {{n}}", [f"{self.dir}/s{{n}}"],
                    ["s0"] if n in {needs!r} else [], 0.05)
                    for n in range({len(scripts)})]
sys.argv = ["test"]
sys.exit(t.main())
""")
        res = subprocess.run([sys.executable, program], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env={**self.env, "O": self.path("out")})
        return res.returncode, res.stdout

    def last(self, got):
        return got[0], got[1].splitlines()[-1]

    def test_sum(self):
        got = self.run_stages("echo 3 passed, 0 failed",
                              "echo 4 passed, 0 failed, 1 skipped")
        self.assertEqual((0, "7 passed, 0 failed, 1 skipped"), self.last(got))

    def test_failure(self):
        got = self.run_stages("echo '  FAIL x'; echo 3 passed, 1 failed; "
                              "exit 1")
        self.assertEqual((1, "3 passed, 1 failed"), self.last(got))
        self.assertIn("s0.log", got[1])

    def test_dies_without_a_word(self):
        self.assertEqual((1, "0 passed, 1 failed"),
                         self.last(self.run_stages("exit 0")))
        self.assertEqual((1, "0 passed, 1 failed"),
                         self.last(self.run_stages("kill -9 $$")))

    def test_status_and_totals_disagree(self):
        self.assertEqual((1, "3 passed, 1 failed"), self.last(
            self.run_stages("echo 3 passed, 0 failed; exit 1")))

    def test_nothing_passed(self):
        self.assertEqual((1, "0 passed, 1 failed"), self.last(
            self.run_stages("echo 0 passed, 0 failed")))

    def test_hangs(self):
        got = self.run_stages("sleep 100; echo 1 passed, 0 failed")
        self.assertEqual((1, "0 passed, 1 failed"), self.last(got))
        self.assertIn("no end within", got[1])

    def test_prerequisite_failed(self):
        got = self.run_stages("exit 1", "echo 5 passed, 0 failed", needs=(1,))
        self.assertEqual((1, "0 passed, 2 failed"), self.last(got))
        self.assertIn("not run: s0 failed", got[1])

    def test_progress_is_shown(self):
        got = self.run_stages("echo '[ 0:07] 5 of 9'; echo 1 passed, 0 failed")
        self.assertRegex(got[1], r"(?m)^\[ 0:0\d\] 5 of 9$")


class Repository(Case):
    """Rules for every file of the repository."""

    def tracked(self):
        res = subprocess.run(["git", "-c", "safe.directory=*", "ls-files",
                              "-co", "--exclude-standard"], cwd=REPO,
                             text=True, stdout=subprocess.PIPE)
        return [n for n in res.stdout.splitlines()
                if os.path.isfile(os.path.join(REPO, n))]

    def test_spdx(self):
        lacking = []
        for name in self.tracked():
            if name.startswith("patches/"):
                continue
            with open(os.path.join(REPO, name), "rb") as f:
                head = f.read(400)
            if b"SPDX-License-Identifier: GPL-2.0" not in head:
                lacking.append(name)
        self.assertEqual([], lacking)

    def test_every_program_has_a_usage_text(self):
        for name in sorted(os.listdir(BENCH)):
            path = os.path.join(BENCH, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                with self.subTest(name), open(path) as f:
                    self.assertIn("usage: ", f.read())

    def test_help_names_every_verb(self):
        res = subprocess.run(["make", "-s", "-C", REPO, "help"], text=True,
                             stdout=subprocess.PIPE, env=self.env)
        with open(os.path.join(REPO, "Makefile")) as f:
            phony = [verb for s in f if s.startswith(".PHONY:")
                     for verb in s.split()[1:]]
        for verb in phony:
            if verb != "help":
                self.assertIn(f"make {verb} ", res.stdout)

    def test_boot_without_initrd(self):
        res = subprocess.run(["make", "-s", "-C", REPO, "boot"], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env=self.env)
        self.assertNotEqual(0, res.returncode)
        self.assertIn("INITRD=FILE is missing", res.stdout)
