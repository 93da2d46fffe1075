# SPDX-License-Identifier: GPL-2.0-only
"""The list of complaints that stay, each with its reason.

An entry is a paragraph:

    checkpatch mm/vma.c
      CHECK:SPACING: spaces preferred around that '|' (ctx:VxV)
      | GFP_KERNEL|__GFP_NOFAIL);
      because: moved as it is

The line with the bar, the code complained about, is optional. Every part has
to be the same to the letter; an entry that matches nothing is an error.
"""

import re

from series import Unfit


class Entry:
    def __init__(self, where, check, path):
        self.where, self.check, self.path = where, check, path
        self.kind = self.message = self.reason = ""
        self.code, self.used = None, 0

    def matches(self, check, one):
        return (check, one.path, one.kind, one.message) == \
            (self.check, self.path, self.kind, self.message) and \
            self.code in (None, one.code)

    def take(self, line):
        """One of the indented lines of the paragraph."""
        if line.startswith("because: "):
            self.reason = line[9:]
        elif line.startswith("| "):
            self.code = " ".join(line[2:].split())
        elif self.reason:
            self.reason += " " + line
        elif not self.kind:
            m = re.match(r"((?:ERROR:|WARNING:|CHECK:)?[^:\s]+): (.*)$", line)
            if not m:
                raise Unfit(f"{self.where}: not `KIND: message`: {line}")
            self.kind, self.message = m.groups()
        else:
            raise Unfit(f"{self.where}: cannot be read: {line}")

    def finish(self):
        if not self.kind or not self.reason:
            raise Unfit(f"{self.where}: no complaint, or no `because: `")
        return self


def load(path):
    entries = []
    try:
        with open(path) as f:
            lines = f.read().splitlines()
    except OSError as e:
        raise Unfit(f"{path}: {e.strerror}") from e
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
            if not entries:
                raise Unfit(f"{path}:{number}: belongs to no entry")
            entries[-1].take(line.strip())
            continue
        check, _, where = line.partition(" ")
        entries.append(Entry(f"{path}:{number}", check, where.strip()))
    return [e.finish() for e in entries]


def sift(entries, check, complaints):
    """The complaints that no entry takes."""
    left = []
    for one in complaints:
        hits = [e for e in entries if e.matches(check, one)]
        for entry in hits:
            entry.used += 1
        if not hits:
            left.append(one)
    return left


def unused(entries, check):
    return [e for e in entries if e.check == check and not e.used]
