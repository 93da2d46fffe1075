# SPDX-License-Identifier: GPL-2.0-only
"""Length of functions: none of ours over 60 lines, half of them under 15."""

from checks import source
from checks.common import SOURCES, Complaint, Result

LONGEST, SHORT = 60, 15


def before(trees):
    """{(file, name), name: lines} of the functions of the unpatched files."""
    old = {}
    for path in [p for p in trees.edited if p.endswith(SOURCES)]:
        for one in source.functions(trees.read(path, base=True)):
            # Two branches of an #if may have one each; it may have moved.
            for key in ((path, one.name), one.name):
                old[key] = max(old.get(key, 0), one.lines())
    return old


def length_all(trees, cache, told):
    """New functions, and those of the kernel that the series makes long."""
    old, ours, grown, found = before(trees), [], [], []
    for path in trees.touched(*SOURCES):
        for one in source.functions(trees.read(path)):
            was = old.get((path, one.name), old.get(one.name)) \
                if path in trees.edited else None
            if was is None:
                ours.append(one)
            # What the kernel had long already is not for a series to split.
            if one.lines() > LONGEST and (was or 0) <= LONGEST:
                grown += [one] if was else []
                found.append(Complaint(path, "length",
                                       f"{one.name}() is over {LONGEST} "
                                       f"lines long", "", one.first))
    short = sum(1 for f in ours if f.lines() < SHORT)
    notes = [f"{short} of {len(ours)} functions under {SHORT} lines "
             f"({short * 100 // len(ours)} %)"] if ours else []
    return Result([f.name for f in ours + grown], found, notes=notes)
