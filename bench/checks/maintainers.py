# SPDX-License-Identifier: GPL-2.0-only
"""Does get_maintainer.pl find someone for each file of the series?"""

import os

from checks.common import Complaint, Result, digest, each, run, slurp

WORDS = ["perl", "scripts/get_maintainer.pl", "--no-git",
         "--no-git-fallback", "--no-keywords", "--sections", "-f"]
EVERYBODY = "THE REST"		# its pattern is *


def sections(output):
    """{name of a section: [its lines]} as --sections prints them."""
    blocks = [b.splitlines() for b in output.strip().split("\n\n")]
    return {b[0]: b[1:] for b in blocks if b}


def reachable(output):
    """Is there a section of its own with somebody, or a list, to write to?"""
    return any(line[:2] in ("M:", "L:", "R:")
               for name, lines in sections(output).items()
               if name != EVERYBODY for line in lines)


def find(trees, cache, tools, path):
    """A file that the kernel had may belong to THE REST, a new one not."""
    key = digest(tools, path, path in trees.born)
    known = cache.get("maintainers", key)
    if known is None:
        out = run([*WORDS, path], trees.linux)
        known = reachable(out) or (path in trees.edited and
                                   EVERYBODY in sections(out))
        cache.put("maintainers", key, known)
    return known


def maintainers_all(trees, cache, told):
    tools = digest(*(slurp(os.path.join(trees.linux, n)) for n in
                     ("scripts/get_maintainer.pl", "MAINTAINERS")))
    paths = trees.touched()
    found = each(lambda p: find(trees, cache, tools, p), paths)
    return Result(paths, [Complaint(p, "maintainers",
                                    "nobody in MAINTAINERS but THE REST")
                          for p, good in zip(paths, found) if not good])
