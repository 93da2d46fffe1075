# SPDX-License-Identifier: GPL-2.0-only
"""The semantic patches of scripts/coccinelle over the files of the series.

As `make coccicheck MODE=report` runs them, script by script, but only over
what the series touches. The unpatched file is only looked at when a script
has something to say about the patched one.
"""

import os
import re
import shutil
import tempfile

from checks.common import (Complaint, Result, digest, each, new_ones, run,
                           slurp, version)

INCLUDES = [w for folder in ("arch/x86/include", "arch/x86/include/generated",
                             "include", "arch/x86/include/uapi",
                             "include/uapi")
            for w in ("-I", f"{{tree}}/{folder}")] + [
    w for name in ("compiler-version", "kconfig")
    for w in ("--include", f"{{tree}}/include/linux/{name}.h")]
WARNING = re.compile(r"^(\S+?):(\d+):(?:[\d-]+:)? ?(.*)$")
# deref_null.cocci goes deeper into mm/memory.c than 8 MB of stack allow.
DEEP = ["sh", "-c", 'ulimit -s "$(ulimit -H -s)" && exec "$@"', "sh"]
# Modes that say something about code; the first that a script has is taken.
MODES = ("report", "context", "patch")
# What spatch says about the script or itself, and not about the code.
CHATTER = re.compile(r"^(?:warning: line \d+: |HANDLING|Note: |\(ONCE\)|"
                     r"Using native|init_defs|$)")


def mode_of(script):
    words = set(re.findall(r"^virtual\s+(.*?);?$", script, re.M))
    words = {w for line in words for w in re.split(r"[\s,]+", line)}
    return next((m for m in MODES if m in words), None)


def scripts(trees):
    """[(path, mode)], the long ones first: they keep a core busy longest."""
    top, found = os.path.join(trees.linux, "scripts/coccinelle"), []
    for folder, _, names in os.walk(top):
        found += [os.path.join(folder, n) for n in names
                  if n.endswith(".cocci")]
    found.sort(key=lambda p: (-os.path.getsize(p), p))
    return [(os.path.relpath(p, trees.linux),
             mode_of(slurp(p).decode(errors="replace"))) for p in found]


def spatch(tree, script, mode, files):
    """What the script says about files of tree."""
    text = slurp(script).decode(errors="replace")
    options = re.search(r"^//[ \t]*Options:[ \t]*(.*)$", text, re.M)
    scratch = tempfile.mkdtemp(prefix="check.")
    try:
        return run([*DEEP, "spatch", "-D", mode,
                    *([] if mode == "patch" else ["--no-show-diff"]),
                    "--very-quiet", "--cocci-file", script,
                    *(options.group(1).split() if options else []),
                    *(w.format(tree=tree) for w in INCLUDES),
                    *(os.path.join(tree, p) for p in files)], scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def parse(output, tree, script):
    """Complaints; of a diff (modes context and patch) its - and + lines."""
    found, path = [], "?"
    kind = os.path.basename(script).removesuffix(".cocci")
    for line in output.splitlines():
        m = WARNING.match(line)
        if line.startswith(("--- ", "+++ ")):
            path = line[4:].split("\t")[0].removeprefix(tree + "/")
        elif m and m.group(1).startswith(tree):
            # A message names other lines of the file: those move.
            message = re.sub(r"\bline \d+(, \d+)*", "line N", m.group(3))
            found.append(Complaint(m.group(1).removeprefix(tree + "/"), kind,
                                   message, "", int(m.group(2))))
        elif line[:1] in "-+" and not CHATTER.match(line):
            found.append(Complaint(path, kind, "wants another text", line))
        elif re.search(r"exception|[Ff]atal error|not supported|timeout",
                       line):
            found.append(Complaint(path, kind, line.strip()))
    return found


class Run:
    """One script over all files, of which only the new ones are read."""

    def __init__(self, trees, cache, tools, script, mode):
        self.trees, self.cache = trees, cache
        self.script, self.mode = script, mode
        self.full = os.path.join(trees.linux, script)
        self.tools = digest(tools, slurp(self.full))

    def key(self, path, tree):
        return digest(self.tools, path, slurp(os.path.join(tree, path)))

    def complaints(self, tree, paths):
        """{path: [Complaint]}"""
        known = {p: self.cache.get("cocci", self.key(p, tree)) for p in paths}
        new = [p for p in paths if known[p] is None]
        if new:
            said = parse(spatch(tree, self.full, self.mode, new), tree,
                         self.script)
            self.keep(said, new, tree, known)
        return {p: [Complaint(*c) for c in known[p]] for p in paths}

    def keep(self, said, new, tree, known):
        """A message without a file belongs to all that were read."""
        for path in new:
            known[path] = [(*c.key(), c.line) for c in said
                           if c.path in (path, "?")]
            self.cache.put("cocci", self.key(path, tree), known[path])

    def new(self, paths):
        found = self.complaints(self.trees.linux, paths)
        doubtful = [p for p in paths
                    if found[p] and p in self.trees.edited]
        old = self.complaints(self.trees.base, doubtful)
        return [c for p in paths
                for c in new_ones(old.get(p, []), found[p])]


def coccicheck_all(trees, cache, told):
    paths = trees.touched(".c")
    tools = digest(version("spatch", "--version"), INCLUDES)
    todo = scripts(trees)
    usable = [(s, m) for s, m in todo if m]
    skipped = [f"{s}: has no mode of {', '.join(MODES)}"
               for s, m in todo if not m]
    parts = each(lambda s: Run(trees, cache, tools, *s).new(paths), usable,
                 lambda n: told(f"{n} of {len(usable)} scripts"))
    return Result([s for s, _ in usable],
                  list({c.key(): c for part in parts for c in part}.values()),
                  skipped)
