#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The series: patches/ and born files on one side, git commits on the other.

usage: bench/series.py files             what the patches edit and bear
       bench/series.py fingerprint       one hash over all of the series
       bench/series.py apply LINUX       one commit per patch in LINUX
       bench/series.py export LINUX      LINUX's commits back into the series
       bench/series.py work LINUX        what LINUX holds that is not in it

LINUX is a git repository whose base commit has the tag `base` (`make tree`
makes it). A patch, patches/NNNN-subject.patch, reads

    Subject: mm: what it does

    The body, 75 columns wide.

    ---
    born: mm/mmap_action.c

    diff --git a/mm/Makefile b/mm/Makefile
    ...

The diff edits files that the kernel has. A born file is one that the patch
adds; it stands in this repository at its kernel path and no later patch
touches it. Hashes depend on nothing but the contents: the same series on the
same base gives the same commits everywhere.

Exit status: 0 done, 1 the series or the tree is not fit for it, 2 usage.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# SERIES: another repository, for the tests of this program.
REPO = os.environ.get("SERIES") or os.path.dirname(HERE)
WHO = {"NAME": "mmap_prepare", "EMAIL": "mmap_prepare@localhost",
       "DATE": "1700000000 +0000"}
OWN = ("patches", "bench", "out", ".ci", ".git", ".github")
NAME_MAX = 57			# what git format-patch leaves for NNNN-slug
DIFF = ["-p", "-U3", "--no-renames", "--no-ext-diff", "--no-textconv",
        "--no-color", "--full-index", "--src-prefix=a/", "--dst-prefix=b/",
        "--diff-algorithm=myers", "--indent-heuristic",
        "--inter-hunk-context=0", "-O/dev/null"]
BUSY = {"rebase-merge": "a rebase", "rebase-apply": "a rebase or am",
        "MERGE_HEAD": "a merge", "CHERRY_PICK_HEAD": "a cherry-pick",
        "REVERT_HEAD": "a revert"}


class Unfit(Exception):
    """The series or the tree does not allow what was asked."""


def git_env(extra=None):
    """No setting of the user or the machine may change a byte."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env.update(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null",
               LC_ALL="C", TZ="UTC")
    for role in ("AUTHOR", "COMMITTER"):
        for key, value in WHO.items():
            env[f"GIT_{role}_{key}"] = value
    env.update(extra or {})
    return env


def git_try(tree, *args, data=None, env=None):
    return subprocess.run(
        ["git", "-c", "safe.directory=*", "-c", "core.quotePath=false",
         "-c", "gc.auto=0", "-c", "core.hooksPath=/dev/null", *args],
        cwd=tree, input=data, env=git_env(env),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def git(tree, *args, data=None, env=None):
    res = git_try(tree, *args, data=data, env=env)
    if res.returncode:
        raise Unfit(f"git {args[0]} in {tree} failed: "
                    f"{text(res.stderr).strip()}")
    return res.stdout


def text(data):
    return data.decode("utf-8", "surrogateescape")


def raw(string):
    return string.encode("utf-8", "surrogateescape")


class Patch:
    """One patch: born is {path: (mode, bytes)}, diff the edits as bytes."""

    def __init__(self, subject, body, born, diff, name=""):
        self.subject, self.body = subject, body
        self.born, self.diff, self.name = born, diff, name

    def message(self):
        return raw(self.subject + "\n" +
                   (f"\n{self.body}\n" if self.body else ""))

    def render(self):
        head = f"Subject: {self.subject}\n\n"
        head += f"{self.body}\n\n" if self.body else ""
        head += "---\n" + "".join(f"born: {p}\n" for p in sorted(self.born))
        return raw(head) + (b"\n" + self.diff if self.diff else b"")

    def edits(self):
        return [text(m.group(1)) for m in
                re.finditer(rb"^diff --git a/(.*) b/\1$", self.diff, re.M)]


def slug(subject):
    """A subject as git format-patch makes a file name of it."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", subject)
    return re.sub(r"\.{2,}", ".", name).strip("-").rstrip(".-")


def parse(name, data):
    """The parts of a patch file: subject, body, born paths, diff."""
    start = data.find(b"\ndiff --git ")
    head = text(data if start < 0 else data[:start + 1])
    diff = b"" if start < 0 else data[start + 1:]
    front, mark, notes = head.partition("\n---\n")
    first, _, body = front.partition("\n")
    if not mark or not first.startswith("Subject: "):
        raise Unfit(f"{name}: not `Subject: ...`, body and a line `---`")
    born = []
    for line in notes.splitlines():
        if line.startswith("born: "):
            born.append(line[6:].strip())
        elif line.strip() and not line.startswith(" "):
            raise Unfit(f"{name}: `{line}` after the ---: only born: lines "
                        "and a diffstat stand there")
    return first[9:].strip(), body.strip("\n"), born, diff


def read_born(repo, name, path):
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or parts[0] in OWN:
        raise Unfit(f"{name}: born: {path} is no kernel path")
    full = os.path.join(repo, path)
    try:
        with open(full, "rb") as f:
            data = f.read()
    except OSError as e:
        raise Unfit(f"{name}: its born file {path}: {e.strerror}") from e
    return ("100755" if os.access(full, os.X_OK) else "100644", data)


def patch_names(repo):
    try:
        names = sorted(os.listdir(os.path.join(repo, "patches")))
    except FileNotFoundError:
        return []
    return [n for n in names if n.endswith(".patch")]


def load(repo):
    """The series of the repository, checked for its own consistency."""
    series, owner = [], {}
    for number, name in enumerate(patch_names(repo), 1):
        name = f"patches/{name}"
        if not os.path.basename(name).startswith(f"{number:04d}-"):
            raise Unfit(f"{name}: number {number:04d} expected here")
        with open(os.path.join(repo, name), "rb") as f:
            subject, body, paths, diff = parse(name, f.read())
        patch = Patch(subject, body, {}, diff, name)
        for path in paths:
            if path in owner:
                raise Unfit(f"{name}: {path} is born in {owner[path]} "
                            "already")
            patch.born[path] = read_born(repo, name, path)
        for path in patch.edits():
            if path in owner or path in patch.born:
                raise Unfit(f"{name}: edits {path}, which is born in "
                            f"{owner.get(path, name)}: change it there")
        owner.update({path: name for path in patch.born})
        series.append(patch)
    return series


def manifest(series):
    """{path in the repository: hash} of everything the series is made of."""
    files = {p.name: p.render() for p in series}
    files.update({path: mode.encode() + data for p in series
                  for path, (mode, data) in p.born.items()})
    return {k: hashlib.sha256(v).hexdigest() for k, v in files.items()}


def fingerprint(series):
    parts = json.dumps(sorted(manifest(series).items()))
    return hashlib.sha256(raw(parts)).hexdigest()


# --- the kernel tree ------------------------------------------------------

def git_dir(linux):
    return os.path.join(linux, ".git")


def state(linux):
    try:
        with open(os.path.join(git_dir(linux), "bench.json")) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def remember(linux, **values):
    path = os.path.join(git_dir(linux), "bench.json")
    known = {**state(linux), **values}
    with open(path + ".new", "w") as f:
        json.dump(known, f, indent=1, sort_keys=True)
    os.rename(path + ".new", path)


def head(linux):
    return text(git(linux, "rev-parse", "HEAD")).strip()


def is_product(path):
    """A program or object that a build left behind is nobody's work."""
    try:
        with open(path, "rb") as f:
            return f.read(4) == b"\x7fELF"
    except OSError:
        return False


def loose(linux):
    """What is uncommitted: states in the way, changed and untracked files."""
    found = [f"{what} is under way in it" for mark, what in BUSY.items()
             if os.path.exists(os.path.join(git_dir(linux), mark))]
    git_try(linux, "update-index", "-q", "--refresh")
    names = text(git(linux, "diff-index", "--name-only", "-z", "HEAD", "--"))
    found += [f"{n}: changed, not committed" for n in names.split("\0") if n]
    names = text(git(linux, "ls-files", "-z", "--others", "--exclude-from="
                     + os.path.join(HERE, "products.gitignore")))
    return found + [f"{n}: not in git" for n in names.split("\0")
                    if n and not is_product(os.path.join(linux, n))]


def content_key(linux):
    """Changes whenever a source file of LINUX may have changed."""
    parts = [head(linux)]
    for name in loose(linux):
        path = os.path.join(linux, name.split(": ")[0])
        at = os.stat(path) if os.path.exists(path) else None
        parts.append(f"{name} {at and (at.st_size, at.st_mtime_ns)}")
    return "\n".join(parts)


def work(linux):
    """loose(), and commits that no `make refresh` brought back."""
    found, known = loose(linux), state(linux).get("head")
    if known and head(linux) != known:
        found.append("its HEAD is not what the series made: "
                     "commits were added or changed")
    return found


def refuse(what, why):
    shown = "".join(f"\n  {line}" for line in why[:10])
    more = f"\n  and {len(why) - 10} more" if len(why) > 10 else ""
    raise Unfit(f"{what}{shown}{more}")


def misfit(patch, errors, linux):
    """The message for a diff that does not apply: patch, file and hunk."""
    lines = []
    for path, line in re.findall(r"patch failed: (.+):(\d+)", errors):
        part = text(patch.diff).split(f"diff --git a/{path} b/{path}\n")[-1]
        part = part.split("\ndiff --git ")[0]
        starts = re.findall(r"^@@ -(\d+)", part, re.M)
        hunk = starts.index(line) + 1 if line in starts else "?"
        lines.append(f"{path}, hunk {hunk} of {len(starts)} (line {line})")
    if not lines:
        lines = [e.removeprefix("error: ") for e in errors.splitlines()]
    refuse(f"{patch.name} does not fit the base "
           f"({state(linux).get('version', 'unknown version')}), "
           "nothing was changed:", lines)


def commit(linux, patch, parent, env):
    """Put one patch on top of parent, in the index that env names."""
    info = b""
    for path, (mode, data) in sorted(patch.born.items()):
        if git(linux, "ls-files", "--", path, env=env):
            raise Unfit(f"{patch.name}: born: {path}, but the base has it")
        blob = git(linux, "hash-object", "-w", "--no-filters", "--stdin",
                   data=data)
        info += mode.encode() + b" " + blob.strip() + b"\t" + raw(path) + b"\n"
    if info:
        git(linux, "update-index", "--index-info", data=info, env=env)
    if patch.diff:
        res = git_try(linux, "apply", "--cached", "--whitespace=nowarn", "-",
                      data=patch.diff, env=env)
        if res.returncode:
            misfit(patch, text(res.stderr), linux)
    tree = text(git(linux, "write-tree", env=env)).strip()
    return text(git(linux, "commit-tree", "-p", parent, tree,
                    data=patch.message())).strip()


def build(linux, series):
    """Commit the series onto base without touching the work tree."""
    tip = text(git(linux, "rev-parse", "base^{commit}")).strip()
    tips = [tip]
    with tempfile.TemporaryDirectory(dir=git_dir(linux)) as scratch:
        env = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
        git(linux, "read-tree", tip, env=env)
        for patch in series:
            tips.append(commit(linux, patch, tips[-1], env))
    return tips


def apply(repo, linux):
    """Bring LINUX to the series, or say why not and change nothing."""
    series = load(repo)
    mark = fingerprint(series)
    if state(linux).get("fingerprint") == mark:
        print(f"{linux}: {len(series)} patches, up to date")
        return
    # A tree without a state is fresh: it must be the bare base.
    found = work(linux)
    if found:
        refuse(f"{linux} holds work that the series does not have; "
               "`make refresh` it or undo it:", found)
    tip = build(linux, series)[-1]
    git(linux, "read-tree", "-m", "-u", "HEAD", tip)
    git(linux, "update-ref", "-m", "make tree", "HEAD", tip)
    remember(linux, head=tip, fingerprint=mark, manifest=manifest(series))
    print(f"{linux}: {len(series)} patches applied")


# --- back into files ------------------------------------------------------

def message(linux, rev):
    subject, _, body = text(git(linux, "log", "-1", "--format=%s%n%b",
                                rev)).partition("\n")
    lines = [line.rstrip() for line in body.strip("\n").splitlines()]
    if "---" in lines:
        raise Unfit(f"commit {rev[:12]} ({subject}): a line `---` in the "
                    "body would end it")
    if any(line.startswith("Signed-off-by:") for line in lines):
        raise Unfit(f"commit {rev[:12]} ({subject}): has a Signed-off-by; "
                    "the sender's own is added when the series is mailed")
    return subject.strip(), "\n".join(lines)


def changes(linux, rev):
    """[(status, mode, path)] of one commit."""
    parts = text(git(linux, "diff-tree", "-r", "-z", "--no-renames",
                     "--no-commit-id", rev)).split("\0")
    return [(meta.split()[4], meta.split()[1], path)
            for meta, path in zip(parts[0::2], parts[1::2])]


def edits_diff(linux, rev, paths):
    if not paths:
        return b""
    data = git(linux, "diff-tree", "--no-commit-id", *DIFF, rev, "--", *paths)
    if b"\nBinary files " in data or b"\nGIT binary patch" in data:
        raise Unfit(f"commit {rev[:12]} edits a binary file: {paths}")
    return re.sub(rb"^(diff --git .*\n(?:(?:old|new|deleted file) mode .*\n)*)"
                  rb"index .*\n", rb"\1", data, flags=re.M)


def to_patch(linux, rev, number, owner):
    """One commit as a Patch; owner is {born path: the patch that bore it}."""
    subject, body = message(linux, rev)
    name = f"patches/{f'{number:04d}-{slug(subject)}'[:NAME_MAX]}.patch"
    born, edits = {}, []
    for status, mode, path in changes(linux, rev):
        if path in owner:
            raise Unfit(f"commit {rev[:12]} ({subject}) touches {path}, which "
                        f"is born in {owner[path]}: squash the change into "
                        "that one")
        if status != "A":
            edits.append(path)
        elif mode not in ("100644", "100755") or path.split("/")[0] in OWN:
            raise Unfit(f"commit {rev[:12]} ({subject}) adds {path}: not a "
                        "plain file at a kernel path")
        else:
            born[path] = (mode, git(linux, "cat-file", "blob",
                                    f"{rev}:{path}"))
    if not born and not edits:
        raise Unfit(f"commit {rev[:12]} ({subject}) changes nothing")
    owner.update({path: name for path in born})
    return Patch(subject, body, born, edits_diff(linux, rev, edits), name)


def collect(linux):
    """The series that base..HEAD of LINUX is."""
    if git_try(linux, "merge-base", "--is-ancestor", "base",
               "HEAD").returncode:
        raise Unfit(f"{linux}: its HEAD does not stand on its tag base")
    if git(linux, "rev-list", "--merges", "base..HEAD"):
        raise Unfit(f"{linux}: a merge in base..HEAD; a series is a line")
    revs = text(git(linux, "rev-list", "--reverse", "base..HEAD")).split()
    owner = {}
    return [to_patch(linux, rev, n, owner) for n, rev in enumerate(revs, 1)]


def targets(series):
    """{path in the repository: (mode, bytes)} to be written."""
    files = {p.name: ("100644", p.render()) for p in series}
    for patch in series:
        files.update(patch.born)
    return files


def on_disk(repo, path):
    full = os.path.join(repo, path)
    if not os.path.exists(full):
        return None
    with open(full, "rb") as f:
        return ("100755" if os.access(full, os.X_OK) else "100644", f.read())


def known_hash(path, content):
    mode, data = content
    mode = b"" if path.startswith("patches/") else mode.encode()
    return hashlib.sha256(mode + data).hexdigest()


def guard(repo, files, known):
    """Nothing is overwritten but what LINUX was made from (or has already)."""
    bad = []
    paths = set(files) | set(known)
    paths |= {f"patches/{n}" for n in patch_names(repo)}
    for path in sorted(paths):
        now = on_disk(repo, path)
        if now == files.get(path):
            continue
        if now is None and path in known:
            bad.append(f"{path}: was removed here since")
        elif now and known.get(path) != known_hash(path, now):
            bad.append(f"{path}: was changed here since")
    if bad:
        refuse("the series here is not the one that the tree was made from; "
               "commit or undo this, `make tree`, then change the tree:", bad)


def prune(repo, path):
    """Remove a file and the folders that it leaves empty."""
    os.unlink(os.path.join(repo, path))
    folder = os.path.dirname(path)
    while folder and not os.listdir(os.path.join(repo, folder)):
        os.rmdir(os.path.join(repo, folder))
        folder = os.path.dirname(folder)


def write(repo, files, known):
    changed = 0
    for path, (mode, data) in files.items():
        if on_disk(repo, path) == (mode, data):
            continue
        full = os.path.join(repo, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full + ".new", "wb") as f:
            f.write(data)
        os.chmod(full + ".new", int(mode[3:], 8))
        os.rename(full + ".new", full)
        changed += 1
    stale = set(known) | {f"patches/{n}" for n in patch_names(repo)}
    for path in sorted(stale - set(files)):
        if os.path.exists(os.path.join(repo, path)):
            prune(repo, path)
            changed += 1
    return changed


def export(repo, linux):
    """Bring the repository to LINUX, or say why not and change nothing."""
    found = loose(linux)
    if found:
        refuse(f"{linux} is not ready for a refresh; commit it or remove it:",
               found)
    series = collect(linux)
    files = targets(series)
    known = state(linux).get("manifest", {})
    guard(repo, files, known)
    tip = build(linux, series)[-1]
    if git(linux, "rev-parse", f"{tip}^{{tree}}") != \
            git(linux, "rev-parse", "HEAD^{tree}"):
        raise Unfit(f"{linux}: the patches made from it do not give it back; "
                    "nothing was written")
    changed = write(repo, files, known)
    # The same tree under the hashes that the next `make tree` gives.
    git(linux, "update-ref", "-m", "make refresh", "HEAD", tip)
    remember(linux, head=tip, fingerprint=fingerprint(series),
             manifest=manifest(series))
    print(f"{len(series)} patches, {len(files) - len(series)} born files; "
          f"{changed} files changed here")


def list_files(repo):
    for patch in load(repo):
        print(patch.name)
        for kind, paths in (("born", sorted(patch.born)),
                            ("edit", patch.edits())):
            for path in paths:
                print(f"  {kind} {path}")


def main():
    args = sys.argv[1:]
    if args[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    repo = REPO
    verbs = {("files", 1): lambda: list_files(repo),
             ("fingerprint", 1): lambda: print(fingerprint(load(repo))),
             ("apply", 2): lambda: apply(repo, args[1]),
             ("export", 2): lambda: export(repo, args[1]),
             ("work", 2): lambda: print("\n".join(work(args[1])))}
    verb = verbs.get((args[0] if args else "", len(args)))
    if not verb:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    try:
        verb()
    except Unfit as e:
        print(f"bench/series.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
