# SPDX-License-Identifier: GPL-2.0-only
"""checkpatch: each patch as a mail, and what it adds to files it edits."""

import glob
import os
import re

import series
from series import git

from checks.common import Complaint, Result, digest, each, run, slurp

IGNORED = ["FILE_PATH_CHANGES"]	# the check `maintainers` looks itself
WORDS = ["perl", "scripts/checkpatch.pl", "--strict", "--no-signoff",
         "--no-summary", "--show-types", "--showfile", "--color=never",
         "--ignore", ",".join(IGNORED)]
COMPLAINT = re.compile(r"^(?:(\S*?):(\d+): )?(ERROR|WARNING|CHECK):"
                       r"([A-Z0-9_]+): (.*)$")


def parse(output, path):
    """The complaints in what checkpatch printed; path stands for no file."""
    found, current = [], None
    for line in output.splitlines():
        m = COMPLAINT.match(line)
        if m:
            where, number, level, kind, message = m.groups()
            current = Complaint(where or path, f"{level}:{kind}", message, "",
                                int(number or 0) if where else 0)
            found.append(current)
        elif current and not current.code and line.strip():
            current.code = " ".join(line.lstrip("+-").split())
        elif not line.strip():
            current = None
    return found


def checkpatch(tree, *words, path):
    out = run([*WORDS, *words], tree, ok=(0, 1))
    found = parse(out, path)
    for one in found:
        one.path = one.path.removeprefix(tree + "/")
    return found


def mail(trees, rev):
    """The patch as git format-patch mails it."""
    return git(trees.linux, "format-patch", "-1", "--stdout", "--no-signature",
               *series.DIFF[2:8], rev)


def check_mail(trees, cache, tools, rev):
    """The complaints about one patch."""
    data, subject = mail(trees, rev), trees.subject(rev)
    key = digest(tools, data[data.find(b"\n"):])
    known = cache.get("patches-mail", key)
    if known is None:
        name = os.path.join(trees.home, f"{rev}.patch")
        with open(name, "wb") as f:
            f.write(data)
        found = checkpatch(trees.linux, name, path=subject)
        os.unlink(name)
        known = [(*c.key(), c.line) for c in found]
        cache.put("patches-mail", key, known)
    return [Complaint(*c) for c in known]


def check_edit(trees, cache, tools, path):
    """What it says about lines that the series adds, once all are there."""
    key = digest(tools, path, slurp(os.path.join(trees.linux, path)))
    known = cache.get("patches-file", key)
    if known is None:
        found = checkpatch(trees.linux, "-f", path, path=path)
        known = [(*c.key(), c.line) for c in found]
        cache.put("patches-file", key, known)
    added = trees.added(path)
    return [c for c in (Complaint(*k) for k in known) if c.line in added]


def checkpatch_tools(trees):
    """The script and what it reads."""
    names = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch",
             "spdxcheck.py", "get_maintainer.pl")
    return digest(*(slurp(os.path.join(trees.linux, "scripts", n))
                    for n in names), WORDS,
                  slurp(os.path.join(trees.linux, "MAINTAINERS")))


def tidy(trees):
    """checkpatch leaves a list of names in the tree that it runs in."""
    for name in glob.glob(os.path.join(trees.linux,
                                       ".checkpatch-camelcase.*")):
        os.unlink(name)


def checkpatch_all(trees, cache, told):
    try:
        return look(trees, cache, told)
    finally:
        tidy(trees)


def look(trees, cache, told):
    tools = checkpatch_tools(trees)
    total = len(trees.revs) + len(trees.edited)
    mails = each(lambda r: check_mail(trees, cache, tools, r), trees.revs,
                 lambda n: told(f"{n} of {total} patches and files"))
    files = each(lambda p: check_edit(trees, cache, tools, p), trees.edited,
                 lambda n: told(f"{n + len(mails)} of {total} patches and "
                                "files"))
    found = [c for part in mails for c in part]
    # The same line complained about as a patch and as a file is one thing.
    known = {c.key() for c in found}
    found += [c for part in files for c in part if c.key() not in known]
    items = trees.revs + trees.edited
    return Result(items, found)
