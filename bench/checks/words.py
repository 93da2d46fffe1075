# SPDX-License-Identifier: GPL-2.0-only
"""Spelling of what the series says: messages, documents, code."""

import os
import re
import tempfile

from series import git, raw, text

from checks.common import Complaint, Result, digest, run, slurp

FOUND = re.compile(r"^(.+?):(\d+): (\S+) ==> (.+)$")
KNOWN = ["filp"]		# words of the kernel that codespell takes for wrong


def kernel_words(trees):
    """scripts/spelling.txt in the form that codespell reads."""
    lines = trees.read("scripts/spelling.txt").splitlines()
    pairs = [s.split("||") for s in lines
             if "||" in s and not s.startswith("#")]
    return "".join(f"{wrong}->{right}\n" for wrong, right in pairs
                   if " " not in wrong)


def texts(trees):
    """{name: what the series says there}, with other lines left empty."""
    said = {}
    for rev in trees.revs:
        said[f"message of: {trees.subject(rev)}"] = \
            text(git(trees.linux, "log", "-1", "--format=%B", rev))
    for path in trees.touched():
        added = trees.added(path)
        said[path] = "\n".join(
            line if number in added else "" for number, line
            in enumerate(trees.read(path).split("\n"), 1))
    return said


def codespell(said, dictionary):
    """Every misspelling in {name: text}, with scripts/spelling.txt's."""
    names, found = sorted(said), []
    with tempfile.TemporaryDirectory() as scratch:
        with open(os.path.join(scratch, "kernel.txt"), "w") as f:
            f.write(dictionary)
        for number, name in enumerate(names):
            with open(os.path.join(scratch, f"t{number}"), "wb") as f:
                f.write(raw(said[name]))
        out = run(["codespell", "-q", "3", "-L", ",".join(KNOWN),
                   "-D", "-", "-D", "kernel.txt",
                   *(f"t{n}" for n in range(len(names)))], scratch,
                  ok=range(256))
    for line in out.splitlines():
        m = FOUND.match(line)
        if m:
            name = names[int(os.path.basename(m.group(1))[1:])]
            found.append(Complaint(name, "spelling",
                                   f"{m.group(3)} ==> {m.group(4)}", "",
                                   int(m.group(2))))
    return found


def spelling_all(trees, cache, told):
    said = texts(trees)
    readme = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__)))), "README.md")
    said["README.md"] = text(slurp(readme))
    dictionary = kernel_words(trees)
    key = digest(dictionary, repr(sorted(said.items())),
                 run(["codespell", "--version"], "/"))
    known = cache.get("words-spelling", key)
    if known is None:
        known = Result(sorted(said), codespell(said, dictionary)).dump()
        cache.put("words-spelling", key, known)
    return Result.load(known)
