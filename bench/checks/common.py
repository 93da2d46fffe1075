# SPDX-License-Identifier: GPL-2.0-only
"""What all checks share: the two trees, complaints, results and their cache."""

import concurrent.futures
import hashlib
import json
import os
import subprocess
import time

import series
from series import Unfit, git, text

START = time.monotonic()
SOURCES = (".c", ".h")


def say(what):
    seconds = int(time.monotonic() - START)
    print(f"[{seconds // 60:2}:{seconds % 60:02}] {what}", flush=True)


class Complaint:
    """One thing that is wrong. Two are the same when all but the line is."""

    def __init__(self, path, kind, message, code="", line=0):
        self.path, self.kind, self.message = path, kind, message
        self.code, self.line = " ".join(code.split()), line

    def key(self):
        return (self.path, self.kind, self.message, self.code)

    def shown(self):
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.kind}: {self.message}" + \
            (f"\n  |   {self.code}" if self.code else "")


class Result:
    """What was looked at, what is wrong, what could not be looked at."""

    def __init__(self, items=(), complaints=(), skipped=(), notes=()):
        self.items, self.complaints = list(items), list(complaints)
        self.skipped, self.notes = list(skipped), list(notes)

    def dump(self):
        return {"items": self.items, "skipped": self.skipped,
                "notes": self.notes,
                "complaints": [(*c.key(), c.line) for c in self.complaints]}

    @staticmethod
    def load(data):
        return Result(data["items"], [Complaint(*c)
                                      for c in data["complaints"]],
                      data["skipped"], data["notes"])


def new_ones(old, new):
    """The complaints of `new` that `old` does not have as often."""
    left = {}
    for one in old:
        left[one.key()] = left.get(one.key(), 0) + 1
    found = []
    for one in new:
        if left.get(one.key(), 0):
            left[one.key()] -= 1
        else:
            found.append(one)
    return found


def digest(*parts):
    mark = hashlib.sha256()
    for part in parts:
        part = part if isinstance(part, bytes) else series.raw(str(part))
        mark.update(f"{len(part)} ".encode() + part)
    return mark.hexdigest()


def slurp(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


class Trees:
    """The patched kernel and the unpatched one, and what differs."""

    def __init__(self, linux, base, home):
        self.linux, self.base, self.home = linux, base, home
        for tree in (linux, base):
            if not os.path.isdir(tree):
                raise Unfit(f"{tree}: missing, run `make tree`")
        found = series.loose(linux)
        if found:
            series.refuse(f"{linux}: what is not committed would be left "
                          "out; commit it or undo it:", found)
        self.revs = text(git(linux, "rev-list", "--reverse",
                             "base..HEAD")).split()
        self.born, self.edited = self.changed()
        self.mark = text(git(linux, "rev-parse", "HEAD^{tree}",
                             "base^{tree}"))
        os.makedirs(home, exist_ok=True)

    def changed(self):
        lines = text(git(self.linux, "diff", "--name-status", "--no-renames",
                         "base", "HEAD")).splitlines()
        pairs = [line.split("\t") for line in lines]
        return ([p for s, p in pairs if s == "A"],
                [p for s, p in pairs if s == "M"])

    def touched(self, *suffixes):
        return sorted(p for p in self.born + self.edited
                      if not suffixes or p.endswith(suffixes))

    def read(self, path, base=False):
        where = self.base if base else self.linux
        return text(slurp(os.path.join(where, path)))

    def added(self, path):
        """The numbers of the lines that the series adds to a file."""
        if path in self.born:
            return set(range(1, self.read(path).count("\n") + 2))
        out = text(git(self.linux, "diff", "-U0", "--no-ext-diff", "base",
                       "HEAD", "--", path))
        found = set()
        for line in out.splitlines():
            if line.startswith("@@"):
                start, _, length = line.split()[2][1:].partition(",")
                found |= set(range(int(start),
                                   int(start) + int(length or 1)))
        return found

    def subject(self, rev):
        return text(git(self.linux, "log", "-1", "--format=%s", rev)).strip()


class Cache:
    """Results by the hash of everything that they depend on.

    That is also the module which made them: `name` begins with its name.
    """

    def __init__(self, home):
        self.home = os.path.join(home, "cache")
        os.makedirs(self.home, exist_ok=True)
        folder = os.path.dirname(os.path.abspath(__file__))
        self.marks = {n.removesuffix(".py"): slurp(os.path.join(folder, n))
                      for n in os.listdir(folder) if n.endswith(".py")}

    def path(self, name, key):
        mark = digest(self.marks[name.partition("-")[0]], key)
        return os.path.join(self.home, f"{name}-{mark[:32]}.json")

    def get(self, name, key):
        try:
            with open(self.path(name, key)) as f:
                return json.load(f)
        except (OSError, ValueError):
            return None

    def put(self, name, key, value):
        path = self.path(name, key)
        with open(path + ".new", "w") as f:
            json.dump(value, f)
        os.rename(path + ".new", path)


def jobs():
    return max(1, int(os.environ.get("J") or os.cpu_count() or 1))


def each(function, items, told=None):
    """[function(item)], J at a time, in order; told(done) now and then."""
    late = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(jobs()) as pool:
        waiting = [pool.submit(function, item) for item in items]
        try:
            for done, one in enumerate(
                    concurrent.futures.as_completed(waiting), 1):
                one.result()
                if told and time.monotonic() - late > 10:
                    late = time.monotonic()
                    told(done)
        finally:
            # One that failed, or an interruption: the others are pointless.
            pool.shutdown(wait=False, cancel_futures=True)
    return [w.result() for w in waiting]


def run(words, cwd, ok=(0,), data=None, env=None):
    """What a tool says on both streams; another status than ok is an error."""
    try:
        res = subprocess.run(words, cwd=cwd, input=data, errors="replace",
                             text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, env=env,
                             **({} if data is not None else
                                {"stdin": subprocess.DEVNULL}))
    except FileNotFoundError as e:
        raise Unfit(f"{e.filename}: not found, run `bench/packages "
                    "check`") from e
    if res.returncode not in ok:
        tail = "".join(f"\n  | {s}" for s in res.stdout.splitlines()[-15:])
        raise Unfit(f"{' '.join(words[:3])} ... in {cwd}: exit status "
                    f"{res.returncode}{tail}")
    return res.stdout


def version(*words):
    return run(list(words), "/", ok=(0, 1))
