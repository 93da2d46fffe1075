# SPDX-License-Identifier: GPL-2.0-only
"""kernel-doc: that what is there is right, and that nothing lacks it."""

import os
import re

from checks import source
from checks.common import (SOURCES, Complaint, Result, digest, each, new_ones,
                           run, slurp)

WARNING = re.compile(r"^(\S+?):(\d+): (warning|error): (.*)$")
# User-space test programs: nobody calls what they define.
PROGRAMS = ("tools/", "samples/")


def parse(output, tree):
    found = []
    for line in output.splitlines():
        m = WARNING.match(line)
        if m:
            path = m.group(1).removeprefix(tree + "/")
            found.append(Complaint(path, m.group(3), m.group(4), "",
                                   int(m.group(2))))
    return found


def kernel_doc(trees, cache, path, base):
    tree = trees.base if base else trees.linux
    script = os.path.join(trees.linux, "scripts/kernel-doc")
    key = digest(slurp(script), path, slurp(os.path.join(tree, path)))
    known = cache.get("docs-kernel", key)
    if known is None:
        # Its exit status is a number of warnings: any will do.
        out = run(["perl", script, "-none", "-Wall", path], tree,
                  ok=range(256))
        known = [(*c.key(), c.line) for c in parse(out, tree)]
        cache.put("docs-kernel", key, known)
    return [Complaint(*c) for c in known]


def new_kernel_doc(trees, cache, path):
    old = kernel_doc(trees, cache, path, True) if path in trees.edited else []
    return new_ones(old, kernel_doc(trees, cache, path, False))


def kernel_doc_all(trees, cache, told):
    paths = trees.touched(*SOURCES)
    parts = each(lambda p: new_kernel_doc(trees, cache, p), paths,
                 lambda n: told(f"{n} of {len(paths)} files"))
    return Result(paths, [c for part in parts for c in part])


def is_global(thing, path):
    """Is it meant for other files than its own?"""
    if path.endswith(".h"):
        # In a header __ marks what only its neighbours are to use.
        return not thing.name.startswith("__") or \
            thing.kind == "type" or \
            (thing.kind == "function" and not thing.is_static())
    return thing.kind == "function" and not thing.is_static() and \
        "(" not in thing.name


def wanted(trees, path):
    """The globals that the series adds in a file."""
    added, code = trees.added(path), trees.read(path)
    old = {t.name for t in source.things(trees.read(path, base=True))} \
        if path in trees.edited else set()
    return [t for t in source.things(code)
            if t.first in added and t.name not in old and is_global(t, path)]


def lacks(thing, comment):
    """What a kernel-doc comment does not tell about a function."""
    if comment is None:
        return "no kernel-doc"
    if thing.kind != "function":
        return None
    missing = [] if re.search(r"^\s*\*\s*Context:", comment, re.M) else \
        ["Context:"]
    if thing.returns_value() and \
            not re.search(r"^\s*\*\s*Returns?:", comment, re.M):
        missing.append("Return:")
    return f"kernel-doc without {' and '.join(missing)}" if missing else None


def base_names(trees):
    """What the edited files had before: moving it makes it no new thing."""
    return {t.name for p in trees.edited if p.endswith(SOURCES)
            for t in source.things(trees.read(p, base=True))}


def missing_all(trees, cache, told):
    paths = [p for p in trees.touched(*SOURCES) if not p.startswith(PROGRAMS)]
    comments, moved = {}, base_names(trees)
    for path in paths:
        comments.update(source.documented(trees.read(path)))
    items, found = [], []
    for path in paths:
        for thing in wanted(trees, path):
            if thing.name in moved:
                continue
            items.append(f"{path} {thing.name}")
            lack = lacks(thing, comments.get(thing.name))
            if lack:
                found.append(Complaint(path, thing.kind,
                                       f"{thing.name}: {lack}", "",
                                       thing.first))
    return Result(items, found)
