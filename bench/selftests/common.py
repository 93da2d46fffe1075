# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the bench share."""

import os
import shutil
import subprocess
import tempfile
import unittest

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPO = os.path.dirname(BENCH)


class Case(unittest.TestCase):
    """A test with a scratch folder and an easy way to run the programs."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="bench.")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("O", "KSRC", "ARCH", "CC", "CROSS_COMPILE",
                                 "SERIES", "ACCEL", "MAKEFLAGS")}

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, content):
        """A file in the scratch folder; its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(content)
        return path

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def bench(self, program, *args, **env):
        """Run a program of the bench; its status and all that it said."""
        res = subprocess.run([os.path.join(BENCH, program), *args],
                             text=True, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env={**self.env, **env})
        return res.returncode, res.stdout

    def expect(self, status, words, got):
        """got is what bench() gave; words have all to be in the text."""
        self.assertEqual(status, got[0], got[1])
        for word in words:
            self.assertIn(word, got[1])
