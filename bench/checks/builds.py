# SPDX-License-Identifier: GPL-2.0-only
"""Objects of both trees, compiled with W=1 and read by sparse.

No whole kernel: of each config the prepared tree, and then the objects that
the series touches and those that use the headers it touches most.
"""

import os
import re
import shutil
import subprocess

from series import Unfit, git

from checks.common import (Complaint, Result, digest, jobs, new_ones, run,
                           slurp, version)

SPARSE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sparse")
MESSAGE = re.compile(r"^(\S+?):(\d+):(?:\d+:)? (?:fatal )?(warning|error): "
                     r"(.*)$")
FLAG = re.compile(r" \[-W[\w=+-]+\]$")
# A warning must not end the build; sanitizers and debug info only cost time.
QUICK = """\
# CONFIG_WERROR is not set
# CONFIG_DRM_WERROR is not set
# CONFIG_DRM_I915_WERROR is not set
# CONFIG_KASAN is not set
# CONFIG_KCSAN is not set
# CONFIG_KCOV is not set
# CONFIG_UBSAN is not set
# CONFIG_GCC_PLUGINS is not set
# CONFIG_MODVERSIONS is not set
# CONFIG_MODULE_SIG is not set
# CONFIG_SYSTEM_TRUSTED_KEYRING is not set
CONFIG_DEBUG_INFO_NONE=y
CONFIG_KUNIT=y
"""
NEIGHBOURS = ["fs/exec.c", "kernel/fork.c"] + [f"mm/{n}.c" for n in (
    "filemap", "gup", "hugetlb", "khugepaged", "madvise", "mlock", "mprotect",
    "mremap", "mseal", "secretmem", "userfaultfd", "util")]
# {file: why none of the configs compiles it}
FOREIGN = {
    "arch/mips/alchemy/common/setup.c": "for MIPS only",
    "drivers/misc/cxl/api.c": "for PowerPC only",
    "drivers/scsi/cxlflash/ocxl_hw.c": "for PowerPC only",
}
OUTSIDE = ("tools/", "samples/", "scripts/", "Documentation/")


class Config:
    """A configuration, and which files it is for."""

    def __init__(self, name, arch, cross, target, only=None, spared=()):
        self.name, self.arch, self.cross = name, arch, cross
        self.target, self.only, self.spared = target, only, spared

    def files(self, trees):
        found = [p for p in trees.touched(".c") + NEIGHBOURS
                 if not p.startswith(OUTSIDE) and p not in FOREIGN]
        if self.only is not None:
            return [p for p in self.only if p in found]
        return sorted(set(found) - set(self.spared))


NOMMU = ["fs/binfmt_elf_fdpic.c", "mm/nommu.c"]
CONFIGS = [
    Config("x86", "x86", "", "allmodconfig", spared=NOMMU),
    Config("nommu", "riscv", "riscv64-linux-gnu-", "nommu_virt_defconfig",
           NOMMU + ["drivers/char/mem.c", "mm/mmap_action.c",
                    "mm/mmap_prepare.c", "mm/shmem.c", "mm/util.c"]),
]


def parse(output, tree, obj):
    """[Complaint] of gcc and of sparse in what make said, as a dict."""
    found, tool = {"W=1": [], "sparse": []}, "W=1"
    for line in output.splitlines():
        if re.match(r"  (CC|CC \[M\]|CHECK) ", line):
            tool = "sparse" if line.startswith("  CHECK") else "W=1"
        m = MESSAGE.match(line)
        # Without a column it is kernel-doc's, which is a check of its own.
        if not m or (tool == "sparse" and not re.match(r"\S+?:\d+:\d+:",
                                                       line)):
            continue
        # ccache makes paths relative to the build folder.
        path = os.path.normpath(os.path.join(obj, m.group(1))) \
            .removeprefix(tree + "/")
        if tool == "sparse" and FLAG.search(line):
            tool = "W=1"
        message = re.sub(r"(?<=\.[ch]):\d+(:\d+)?", "", m.group(4))
        found[tool].append(Complaint(path, m.group(3), message, "",
                                     int(m.group(2))))
    return found


def environment(trees):
    drop = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "O", "KSRC",
            "J", "V", "ARCH", "CC", "CROSS_COMPILE", "KCONFIG_ALLCONFIG")
    env = {k: v for k, v in os.environ.items() if k not in drop}
    out = os.path.dirname(trees.home)
    if not env.get("CCACHE_DIR"):
        env.update(CCACHE_DIR=os.path.join(out, "ccache"),
                   CCACHE_MAXSIZE="2G")
    env.update(CCACHE_BASEDIR=out, CCACHE_NOHASHDIR="1", LC_ALL="C")
    return env


class Build:
    """One config of one tree."""

    def __init__(self, trees, config, base):
        self.trees, self.config, self.base = trees, config, base
        self.tree = trees.base if base else trees.linux
        kind = "base" if base else "patched"
        self.obj = os.path.join(trees.home, config.name, kind)
        self.what = f"{config.name}, {kind}"
        self.files = [p for p in config.files(trees)
                      if os.path.exists(os.path.join(self.tree, p))]

    def key(self):
        """Everything that the objects are made from."""
        rev = "base" if self.base else "HEAD"
        folders = [s for s in git(self.trees.linux, "ls-tree",
                                  rev).splitlines()
                   if s.split(b"\t")[1] not in (b"Documentation", b"samples",
                                                b"tools", b"MAINTAINERS")]
        return digest(b"\n".join(folders), slurp(SPARSE), self.files, QUICK,
                      version(f"{self.config.cross}gcc", "--version"),
                      version("sparse", "--version"))

    def make(self, *words, ok=(0,)):
        cc, hostcc = f"{self.config.cross}gcc", "gcc"
        if shutil.which("ccache"):
            cc, hostcc = f"ccache {cc}", "ccache gcc"
        return run(["make", "-C", self.tree, f"O={self.obj}",
                    f"ARCH={self.config.arch}", f"CC={cc}",
                    f"CROSS_COMPILE={self.config.cross}", f"HOSTCC={hostcc}",
                    "LOCALVERSION=", "KBUILD_BUILD_TIMESTAMP=@0",
                    "KBUILD_VERBOSE=0", f"CHECK={SPARSE}", "--no-print-directory",
                    f"-j{jobs()}", *words], self.tree, ok=ok,
                   env=environment(self.trees))

    def configure(self):
        os.makedirs(self.obj, exist_ok=True)
        fragment = os.path.join(self.obj, "fragment")
        with open(fragment, "w") as f:
            f.write(QUICK)
        if self.config.target.startswith("all"):
            self.make(f"KCONFIG_ALLCONFIG={fragment}", self.config.target)
        else:
            self.make(self.config.target)
            subprocess.run(["sh", "-c", 'cat "$1" >> "$2"', "sh", fragment,
                            os.path.join(self.obj, ".config")], check=True)
            self.make("olddefconfig")

    def objects(self):
        return [p[:-2] + ".o" for p in self.files]

    def compile(self):
        """What make says while it builds every object anew."""
        self.configure()
        self.make("prepare")
        for name in self.objects():
            path = os.path.join(self.obj, name)
            if os.path.exists(path):
                os.unlink(path)
        return self.make("-k", "-Otarget", "C=1", "W=1", *self.objects(),
                         ok=range(256))

    def messages(self, cache):
        key = self.key()
        known = cache.get("builds-objects", key)
        if known is None:
            out = self.compile()
            with open(self.obj + ".log", "w") as f:
                f.write(out)
            found = parse(out, self.tree, self.obj)
            for part in found.values():
                part += self.absent()
            known = {tool: [(*c.key(), c.line) for c in part]
                     for tool, part in found.items()}
            cache.put("builds-objects", key, known)
        return {tool: [Complaint(*c) for c in part]
                for tool, part in known.items()}

    def absent(self):
        """An object that is not there is worse than a warning."""
        return [Complaint(p, "error", "does not compile, see "
                          f"check/{self.config.name}/*.log")
                for p in self.files
                if not os.path.exists(os.path.join(self.obj, p[:-2] + ".o"))]


def both(trees, cache, told, config, tool):
    """(files compiled, new complaints) of one config."""
    patched, base = Build(trees, config, False), Build(trees, config, True)
    if not patched.files:
        return [], []
    found = {base: []}
    for build in [b for b in (base, patched) if b.files]:
        told(f"{build.what}: {len(build.files)} objects")
        found[build] = build.messages(cache)[tool]
    lost = [c for c in found[base] if c.message.startswith("does not compile")]
    if lost:
        raise Unfit(f"{lost[0].path} of the unpatched kernel does not compile "
                    f"with the config {config.name}: see {base.obj}.log")
    return patched.files, new_ones(found[base], found[patched])


def once(complaints):
    """A header that many objects include complains many times."""
    return list({c.key(): c for c in complaints}.values())


def objects(tool):
    """The check `sparse` or `W=1`; they share the builds."""
    def check(trees, cache, told):
        items, found = [], []
        for config in CONFIGS:
            files, part = both(trees, cache, told, config, tool)
            items += [f"{config.name} {p}" for p in files]
            found += part
        skipped = [f"{p}: {FOREIGN[p]}" for p in trees.touched(".c")
                   if p in FOREIGN]
        skipped += [f"{p}: header of another architecture"
                    for p in trees.touched(".h")
                    if re.match(r"arch/(?!x86/|riscv/)", p)]
        return Result(items, once(found), skipped)
    return check
