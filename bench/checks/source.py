# SPDX-License-Identifier: GPL-2.0-only
"""C as far as the checks need it: what a file defines, where, how documented.

No parser of C: it knows comments, strings, preprocessor lines and brackets,
which suffices for code in the kernel's style.
"""

import re

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])+'")
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.M)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(\(?)", re.M)
UNDEF = re.compile(r"^[ \t]*#[ \t]*undef[ \t]+(\w+)", re.M)
GUARD = re.compile(r"#[ \t]*ifndef[ \t]+(\w+)[ \t]*\n[ \t]*#[ \t]*define[ \t]+"
                   r"\1[ \t]*$", re.M)
ATTRIBUTE = re.compile(r"\b__(?:attribute__|printf|scanf|releases|acquires|"
                       r"must_hold|no_sanitize_or_inline|aligned)"
                       r"\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
TYPE = re.compile(r"(struct|union|enum)\s+(\w+)\s*$")
KERNEL_DOC = re.compile(r"/\*\*\s*\n(.*?)\*/", re.S)
DOC_NAME = re.compile(r"\s*\*\s*(?:(?:struct|union|enum|typedef|define)\s+)?"
                      r"(\w+)(?:\(\))?\s*[-:]")


class Thing:
    """A function, type or macro that a file defines."""

    def __init__(self, kind, name, head, first, last):
        self.kind, self.name, self.head = kind, name, head
        self.first, self.last = first, last

    def lines(self):
        return self.last - self.first + 1

    def is_static(self):
        return bool(re.search(r"\bstatic\b", self.head))

    def returns_value(self):
        return not re.search(r"\bvoid\s+(?:__\w+\s+)*" + re.escape(self.name) +
                             r"\s*\(", self.head)


def blank(m):
    """As many lines, nothing on them."""
    return re.sub(r"[^\n]", " ", m.group())


def bare(code):
    """The code without comments, and with nothing inside strings."""
    both = re.compile(f"({STRING.pattern})|{COMMENT.pattern}", re.S)

    def one(m):
        if not m.group(1):
            return blank(m)
        word = m.group(1)
        return word[0] + "_" * (len(word) - 2) + word[-1]
    return both.sub(one, code)


def macros(code):
    """What #define defines and does not #undef again; no include guards."""
    gone = set(UNDEF.findall(code)) | set(GUARD.findall(code))
    found = []
    for m in DIRECTIVE.finditer(code):
        define = DEFINE.match(m.group())
        if not define or define.group(1) in gone:
            continue
        first = code.count("\n", 0, m.start()) + 1
        found.append(Thing("macro", define.group(1), m.group(), first,
                           first + m.group().count("\n")))
    return found


def pieces(code):
    """(text before a body or `;`, is a body, start, end) at the top level."""
    start, depth, head = 0, 0, None
    for m in re.finditer(r"[{};]", code):
        char = m.group()
        if char == "{":
            if not depth:
                head = code[start:m.start()]
            depth += 1
        elif char == "}":
            # In the first column one ends all: branches of an #if may open
            # more than they close.
            alone = m.start() == 0 or code[m.start() - 1] == "\n"
            depth = 0 if alone else max(0, depth - 1)
            if not depth and head is not None:
                yield head, True, start, m.end()
                start, head = m.end(), None
        elif not depth:
            yield code[start:m.start()], False, start, m.end()
            start = m.end()


def function_name(head):
    """The name of the function that a head like this defines, or None."""
    head = ATTRIBUTE.sub(" ", head)
    if "(" not in head or re.search(r"(?<![=!<>])=(?!=)", head):
        return None
    if not head.rstrip().endswith(")"):
        head = re.sub(r"\)\s*(?:__\w+\s*)+$", ")", head)
    if not head.rstrip().endswith(")"):
        return None
    m = re.search(r"(\w+)\s*\(\s*(\w*)", head)
    if not m:
        return None
    # SYSCALL_DEFINE1(brk, ...), TEST_F(files, open): the macro names many.
    return f"{m.group(1)}({m.group(2)})" if m.group(1).isupper() \
        else m.group(1)


def thing_of(head, has_body):
    """(kind, name) of what stands at the top level of a file, or None."""
    typedef = re.search(r"\btypedef\b", head)
    kind = TYPE.search(head.rstrip())
    if has_body and kind and not typedef:
        return "type", kind.group(2)
    if typedef and not has_body:
        names = re.findall(r"\(\s*\*\s*(\w+)\s*\)|(\w+)\s*$", head)
        return ("type", "".join(names[0])) if names else None
    name = function_name(head) if has_body else None
    return ("function", name) if name else None


def things(text):
    """Everything that a C file defines, in order."""
    code = bare(text)
    found = macros(code)
    code = DIRECTIVE.sub(blank, code)
    open_typedef = False
    for head, has_body, start, end in pieces(code):
        first = code.count("\n", 0, start + len(head) - len(head.lstrip())) + 1
        last = code.count("\n", 0, end) + 1
        if open_typedef and not has_body:
            found.append(Thing("type", head.strip(), "typedef " + head, first,
                               last))
        one = thing_of(head, has_body)
        open_typedef = has_body and bool(re.search(r"\btypedef\b", head))
        if one and not open_typedef:
            found.append(Thing(*one, head, first, last))
    return sorted(found, key=lambda t: t.first)


def functions(text):
    return [t for t in things(text) if t.kind == "function"]


def documented(text):
    """{name: comment} of the kernel-doc comments of a file."""
    found = {}
    for m in KERNEL_DOC.finditer(text):
        name = DOC_NAME.match(m.group(1))
        if name:
            found[name.group(1)] = m.group(1)
    return found
