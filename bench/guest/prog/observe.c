// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space sees of mmap(): for every kind of file, protection, flags,
 * length and offset one line with the errno, or the line of maps, the flags
 * of smaps, and what can be read there. Two kernels are compared by it, so
 * nothing in a line may depend on addresses or times.
 *
 * All is kept in a file and printed at the end, with the number of lines and
 * a checksum.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include "guest.h"

#define RW (PROT_READ | PROT_WRITE)
#define NR(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define ROOM (64 * PG)

static FILE *out;
static int nr_lines;
static char *base;	/* ROOM bytes of address space that is nobody's */

struct kind {
	const char *name;
	int fd;
};

static struct kind kinds[64];
static int nr_kinds;

static const struct {
	const char *name;
	int prot;
} prots[] = {
	{ "none", PROT_NONE }, { "r", PROT_READ }, { "w", PROT_WRITE },
	{ "rw", RW }, { "x", PROT_EXEC }, { "rx", PROT_READ | PROT_EXEC },
	{ "rwx", RW | PROT_EXEC },
};

static const struct {
	const char *name;
	int flags;
} flags[] = {
	{ "private", MAP_PRIVATE },
	{ "shared", MAP_SHARED },
	{ "validate", MAP_SHARED_VALIDATE },
	{ "validate-sync", MAP_SHARED_VALIDATE | MAP_SYNC },
	{ "neither", 0 },
	{ "private-noreserve", MAP_PRIVATE | MAP_NORESERVE },
	{ "shared-noreserve", MAP_SHARED | MAP_NORESERVE },
	{ "private-locked", MAP_PRIVATE | MAP_LOCKED },
	{ "shared-locked", MAP_SHARED | MAP_LOCKED },
	{ "private-populate", MAP_PRIVATE | MAP_POPULATE },
	{ "shared-populate", MAP_SHARED | MAP_POPULATE },
	{ "private-growsdown", MAP_PRIVATE | MAP_GROWSDOWN },
	{ "shared-growsdown", MAP_SHARED | MAP_GROWSDOWN },
	{ "private-stack", MAP_PRIVATE | MAP_STACK },
};

static const struct {
	const char *name;
	unsigned long len;
} lens[] = {
	{ "0", 0 }, { "1", 1 }, { "page", PG }, { "page+1", PG + 1 },
	{ "8p", 8 * PG }, { "1T", 1UL << 40 }, { "2^47", 1UL << 47 },
	{ "top", -PG }, { "max", -1UL },
};

static const struct {
	const char *name;
	off_t off;
} offs[] = {
	{ "0", 0 }, { "1", 1 }, { "p", PG }, { "7p", 7 * PG },
	{ "100p", 100 * PG }, { "1M-p", MB - PG }, { "1T", 1L << 40 },
	{ "2^52", 1L << 52 }, { "max", 0x7ffffffffffff000 }, { "-p", -PG },
};

__attribute__((format(printf, 2, 3)))
static void observe(const char *key, const char *fmt, ...)
{
	va_list ap;

	fprintf(out, "observe: %s ", key);
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	fputc('\n', out);
	nr_lines++;
}

static const char *err_name(int err)
{
	return strerrorname_np(err) ?: "?";
}

/* VmFlags without soft-dirty, which says when, not what. */
static const char *vm_flags(void *p)
{
	static char text[128];
	const char *from = smaps_text(p, "VmFlags");
	char *sd;

	snprintf(text, sizeof(text), "%s", from ? from : "?");
	sd = strstr(text, " sd");
	if (sd)
		memmove(sd, sd + 3, strlen(sd + 3) + 1);
	while (*text && text[strlen(text) - 1] == ' ')
		text[strlen(text) - 1] = '\0';
	return text;
}

/* First and last byte of the first and the last page: value, or "-". */
static void contents(char *p, size_t len, char *text, size_t size)
{
	size_t at[] = { 0, PG - 1, len - PG, len - 1 };
	int i;

	*text = '\0';
	for (i = 0; i < 4; i++) {
		if (readable(p + at[i]) && vma_at(p + at[i]).perms[0] == 'r')
			snprintf(text + strlen(text), size - strlen(text),
				 "%s%02x", i ? "," : "",
				 (unsigned char)p[at[i]]);
		else
			snprintf(text + strlen(text), size - strlen(text),
				 "%s-", i ? "," : "");
	}
}

/* The mapping at base as one line. Names without what counts inodes. */
static void describe(const char *key, char *p, size_t len)
{
	struct vma v = vma_at(p);
	char what[64];

	len = (len + PG - 1) & ~(PG - 1);
	if (len > ROOM)
		strcpy(what, "large");
	else
		contents(p, len, what, sizeof(what));
	observe(key, "%s %+ld..%+ld off %lx %s [%s] vmas %d rss %ld anon %ld locked %ld bytes %s",
		v.perms, (long)(v.start - (unsigned long)p),
		(long)(v.end - (unsigned long)p - len), v.pgoff, v.name,
		vm_flags(p), len > ROOM ? 1 : nr_vmas(p, len),
		smaps_kb(p, "Rss"), smaps_kb(p, "Anonymous"),
		smaps_kb(p, "Locked"), what);
}

static void one(const char *key, int fd, unsigned long len, int prot, int fl,
		off_t off)
{
	bool fits = len && len <= ROOM;
	long as = committed();
	void *p;
	int err;

	if (fd < 0 && strstr(key, "anon"))
		fl |= MAP_ANONYMOUS;
	err = try_mmap(&p, fits ? base : NULL, len, prot,
		       fl | (fits ? MAP_FIXED_NOREPLACE : 0), fd, off);
	if (err) {
		observe(key, "%s charge %+ld", err_name(err), committed() - as);
		return;
	}
	describe(key, p, len);
	if (munmap(p, (len + PG - 1) & ~(PG - 1)))
		die("munmap after %s", key);
}

static void add(const char *name, int fd)
{
	if (fd < 0 && strcmp(name, "closed") && strcmp(name, "anon"))
		die("a file for %s", name);
	kinds[nr_kinds].name = name;
	kinds[nr_kinds++].fd = fd;
}

static int tmpfs_open(const char *name, int how)
{
	char path[64];
	int i, fd = tmpfs_file(name, 8 * PG, false);

	for (i = 0; i < 8; i++)
		if (pwrite(fd, &"abcdefgh"[i], 1, i * PG) != 1)
			die("%s", name);
	close(fd);
	snprintf(path, sizeof(path), "/tmp/%s", name);
	return open(path, how);
}

static int noexec_file(void)
{
	int fd;

	mkdir("/tmp/noexec", 0700);
	if (mount("tmpfs", "/tmp/noexec", "tmpfs", MS_NOEXEC, NULL))
		die("a tmpfs without exec");
	fd = open("/tmp/noexec/f", O_RDWR | O_CREAT, 0700);
	if (fd < 0 || ftruncate(fd, 8 * PG))
		die("a file on it");
	return fd;
}

static int overlay_file(void)
{
	int fd;

	mkdir("/tmp/ov", 0700);
	if (mount("tmpfs", "/tmp/ov", "tmpfs", 0, NULL))
		die("tmpfs");
	mkdir("/tmp/ov/l", 0700);
	mkdir("/tmp/ov/u", 0700);
	mkdir("/tmp/ov/w", 0700);
	mkdir("/tmp/ov/m", 0700);
	if (mount("overlay", "/tmp/ov/m", "overlay", 0,
		  "lowerdir=/tmp/ov/l,upperdir=/tmp/ov/u,workdir=/tmp/ov/w"))
		die("overlay");
	fd = open("/tmp/ov/m/f", O_RDWR | O_CREAT, 0700);
	if (fd < 0 || ftruncate(fd, 8 * PG) || pwrite(fd, "o", 1, 0) != 1)
		die("a file on overlay");
	return fd;
}

static int sealed(int seals, int prot_kept)
{
	int fd = memfd_sized("sealed", 8 * PG);

	if (fcntl(fd, F_ADD_SEALS, seals))
		die("seals %x", seals);
	return fd;
}

static int pipe_end(void)
{
	int fd[2];

	return pipe(fd) ? -1 : fd[0];
}

static int edu_resource(void)
{
	char path[96], id[16];
	int i;

	for (i = 0; i < 32; i++) {
		snprintf(path, sizeof(path),
			 "/sys/bus/pci/devices/0000:00:%02x.0/device", i);
		if (slurp(path, id, sizeof(id)) > 0 && !strncmp(id, "0x11e8", 6)) {
			snprintf(path, sizeof(path),
				 "/sys/bus/pci/devices/0000:00:%02x.0/resource0",
				 i);
			return open(path, O_RDWR);
		}
	}
	return -1;
}

static void open_all(void)
{
	add("anon", -1);
	add("zero", open("/dev/zero", O_RDWR));
	add("zero-ro", open("/dev/zero", O_RDONLY));
	add("zero-wo", open("/dev/zero", O_WRONLY));
	add("zero-path", open("/dev/zero", O_PATH));
	add("tmpfs", tmpfs_open("obs", O_RDWR));
	add("tmpfs-ro", tmpfs_open("obs-ro", O_RDONLY));
	add("tmpfs-wo", tmpfs_open("obs-wo", O_WRONLY));
	add("tmpfs-unlinked", tmpfs_file("obs-gone", 8 * PG, true));
	add("tmpfs-empty", tmpfs_file("obs-empty", 0, false));
	add("tmpfs-noexec", noexec_file());
	add("memfd", memfd_sized("obs", 8 * PG));
	add("memfd-seal-write", sealed(F_SEAL_WRITE, 0));
	add("memfd-seal-future", sealed(F_SEAL_FUTURE_WRITE, 0));
	add("memfd-seal-size", sealed(F_SEAL_GROW | F_SEAL_SHRINK, 0));
	add("overlay", overlay_file());
	add("mem", open("/dev/mem", O_RDWR));
	add("mem-ro", open("/dev/mem", O_RDONLY));
	add("mem-sync", open("/dev/mem", O_RDWR | O_SYNC));
	add("hugetlb", memfd_create_("obs-huge", MFD_HUGETLB));
	add("secret", syscall(447, 0));
	add("pci-resource", edu_resource());
	add("proc-meminfo", open("/proc/meminfo", O_RDONLY));
	add("proc-status", open("/proc/self/status", O_RDONLY));
	add("sysfs", open("/sys/kernel/mm/ksm/run", O_RDONLY));
	add("null", open("/dev/null", O_RDWR));
	add("full", open("/dev/full", O_RDWR));
	add("directory", open("/tmp", O_RDONLY));
	add("pipe", pipe_end());
	add("eventfd", eventfd(0, 0));
	add("epoll", epoll_create1(0));
	add("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	add("closed", 999);
}

static bool is_mem(const struct kind *k)
{
	return !strncmp(k->name, "mem", 3) && strncmp(k->name, "memfd", 5);
}

/* Every protection with every flag. */
static void sweep_prot(const struct kind *k)
{
	int i, j;
	char key[128];

	for (i = 0; i < NR(prots); i++)
		for (j = 0; j < NR(flags); j++) {
			snprintf(key, sizeof(key), "map/%s/%s/%s", k->name,
				 prots[i].name, flags[j].name);
			one(key, k->fd, 2 * PG, prots[i].prot, flags[j].flags,
			    is_mem(k) ? 0xfe000 : 0);
		}
}

/* Every length at every offset, private and shared. */
static void sweep_range(const struct kind *k)
{
	int i, j, s;
	char key[128];

	for (s = 0; s < 2; s++)
		for (i = 0; i < NR(lens); i++)
			for (j = 0; j < NR(offs); j++) {
				snprintf(key, sizeof(key), "range/%s/%s/%s/%s",
					 k->name, s ? "shared" : "private",
					 lens[i].name, offs[j].name);
				one(key, k->fd, lens[i].len, PROT_READ,
				    s ? MAP_SHARED : MAP_PRIVATE, offs[j].off);
			}
}

/* Two side by side: does the second join the first? */
static void pair(const struct kind *k, const char *how, int fl, bool down,
		 off_t step, bool ksm)
{
	char key[128], *first = base, *second = base + PG;
	off_t off = is_mem(k) ? 0xf8000 : 2 * PG;
	int err, err2, prot = PROT_READ;
	void *p;

	snprintf(key, sizeof(key), "pair/%s/%s/%s/%+ld%s", k->name, how,
		 down ? "down" : "up", (long)(step / (long)PG),
		 ksm ? "/ksm" : "");
	if (fl == MAP_PRIVATE)
		prot = RW;
	if (k->fd < 0)
		fl |= MAP_ANONYMOUS;
	if (down) {
		first = base + PG;
		second = base;
		step = -step;
	}
	err = try_mmap(&p, first, PG, prot, fl | MAP_FIXED, k->fd, off);
	err2 = try_mmap(&p, second, PG, prot, fl | MAP_FIXED, k->fd,
			off + step);
	observe(key, "%s %s vmas %d [%s] [%s]", err ? err_name(err) : "0",
		err2 ? err_name(err2) : "0", nr_vmas(base, 2 * PG),
		err ? "" : vm_flags(first), err2 ? "" : vm_flags(second));
	munmap(base, 2 * PG);
}

static void sweep_pairs(const struct kind *k, bool ksm)
{
	static const int fl[] = { MAP_PRIVATE, MAP_SHARED };
	static const char *const how[] = { "private", "shared" };
	static const long steps[] = { 0, 1, 2 };
	int i, j, down;

	for (i = 0; i < 2; i++)
		for (down = 0; down < 2; down++)
			for (j = 0; j < 3; j++)
				pair(k, how[i], fl[i], down, steps[j] * PG,
				     ksm);
}

/* MAP_FIXED over an old mapping: what is there when it failed? */
static void over(const struct kind *k, const char *how, int prot, int fl,
		 size_t len, off_t off, const char *what)
{
	char key[128], *p;
	bool kept, anon = k->fd < 0;
	long as = committed(), after;
	void *q;
	int err;

	/* what is larger than memory could not be charged for */
	p = mmap(NULL, len, RW, MAP_PRIVATE | MAP_ANONYMOUS |
		 (len > ROOM ? MAP_NORESERVE : 0), -1, 0);
	if (p == MAP_FAILED)
		die("old mapping of %zu bytes", len);
	p[0] = 'o';
	err = try_mmap(&q, p, len, prot, fl | MAP_FIXED |
		       (anon ? MAP_ANONYMOUS : 0), k->fd, off);
	kept = err && readable(p) && p[0] == 'o';
	snprintf(key, sizeof(key), "over/%s/%s/%s", k->name, how, what);
	after = nr_vmas(p, len);
	if (!err)
		observe(key, "replaced vmas %ld", after);
	else
		observe(key, "%s %s vmas %ld", err_name(err),
			kept ? "kept" : "hole", after);
	munmap(p, len);
	if (err)
		observe(strcat(key, "/charge"), "%+ld", committed() - as);
}

static void sweep_over(const struct kind *k)
{
	off_t off = is_mem(k) ? 0xfe000 : 0;

	over(k, "private", RW, MAP_PRIVATE, 2 * PG, off, "rw");
	over(k, "private", PROT_READ, MAP_PRIVATE, 2 * PG, off, "r");
	over(k, "shared", RW, MAP_SHARED, 2 * PG, off, "rw");
	over(k, "shared", PROT_READ, MAP_SHARED, 2 * PG, off, "r");
	over(k, "private", PROT_READ, MAP_PRIVATE, 2 * PG, 1L << 52, "far");
	over(k, "private", RW, MAP_PRIVATE, 2 * PG, 1L << 52, "far-rw");
	over(k, "shared", PROT_READ, MAP_SHARED, 2 * PG, 1L << 52, "far");
	over(k, "shared", RW, MAP_SHARED, 4UL << 30, off, "4G");
}

static const char *const calls[] = {
	"mprotect-rwx", "mprotect-w", "mremap-grow", "mremap-copy",
	"munmap-half", "mlock",
};

/* One of calls[] on the two pages at p: where they, or a copy, are then. */
static void *call(int which, void *p)
{
	switch (which) {
	case 0:
		mprotect(p, PG, RW | PROT_EXEC);
		break;
	case 1:
		mprotect(p, PG, PROT_WRITE);
		break;
	case 2:
		return mremap(p, 2 * PG, 4 * PG, 0);
	case 3:
		return mremap(p, 0, 2 * PG, MREMAP_MAYMOVE);
	case 4:
		munmap(p, PG);
		break;
	case 5:
		mlock(p, 2 * PG);
		break;
	}
	return p;
}

/* What the calls on a mapping answer. */
static void sweep_calls(const struct kind *k, const char *how, int fl)
{
	static const struct {
		const char *name;
		int advice;
	} advices[] = {
		{ "dontneed", MADV_DONTNEED }, { "free", MADV_FREE },
		{ "remove", MADV_REMOVE }, { "mergeable", MADV_MERGEABLE },
		{ "hugepage", MADV_HUGEPAGE }, { "dontfork", MADV_DONTFORK },
		{ "dofork", MADV_DOFORK }, { "dontdump", MADV_DONTDUMP },
		{ "dodump", MADV_DODUMP }, { "wipeonfork", MADV_WIPEONFORK },
		{ "cold", MADV_COLD }, { "pageout", MADV_PAGEOUT },
		{ "populate-read", MADV_POPULATE_READ },
		{ "willneed", MADV_WILLNEED },
	};
	off_t off = is_mem(k) ? 0xfe000 : 0;
	char key[128];
	void *p, *q;
	int i, err, prot = fl == MAP_PRIVATE ? RW : PROT_READ;

	for (i = 0; i < NR(advices) + NR(calls); i++) {
		if (try_mmap(&p, base, 2 * PG, prot, fl | MAP_FIXED |
			     (k->fd < 0 ? MAP_ANONYMOUS : 0), k->fd, off))
			return;
		q = p;
		if (i < NR(advices)) {
			snprintf(key, sizeof(key), "call/%s/%s/madvise-%s",
				 k->name, how, advices[i].name);
			err = madvise(p, PG, advices[i].advice) ? errno : 0;
		} else {
			snprintf(key, sizeof(key), "call/%s/%s/%s", k->name,
				 how, calls[i - NR(advices)]);
			errno = 0;
			q = call(i - NR(advices), p);
			err = errno;
		}
		observe(key, "%s vmas %d [%s]", err ? err_name(err) : "0",
			nr_vmas(base, 4 * PG),
			vma_at((char *)p + PG).end ? vm_flags((char *)p + PG) :
			"none");
		if (q != p && q != MAP_FAILED)
			munmap(q, 2 * PG);
		munmap(base, 4 * PG);
	}
}

static int child_writes(void *arg)
{
	*(char *)arg = 'c';
	return 0;
}

/* Who sees what a child writes. */
static void sweep_fork(const struct kind *k, const char *how, int fl)
{
	char key[128], *c;
	int status;
	void *p;

	if (is_mem(k) || !strcmp(k->name, "pci-resource") ||
	    try_mmap(&p, base, PG, RW, fl | MAP_FIXED |
		     (k->fd < 0 ? MAP_ANONYMOUS : 0), k->fd, 0))
		return;
	c = p;
	status = in_child(child_writes, c);
	snprintf(key, sizeof(key), "fork/%s/%s", k->name, how);
	observe(key, "status %x byte %s anon %ld", status,
		!readable(c) ? "-" : *c == 'c' ? "child's" : "old",
		smaps_kb(c, "Anonymous"));
	munmap(p, PG);
}

/* Everything that could be observed; base is fresh. */
static void observe_all(void)
{
	int i;

	for (i = 0; i < nr_kinds; i++) {
		sweep_prot(&kinds[i]);
		sweep_range(&kinds[i]);
		sweep_pairs(&kinds[i], false);
		sweep_over(&kinds[i]);
		sweep_calls(&kinds[i], "private", MAP_PRIVATE);
		sweep_calls(&kinds[i], "shared", MAP_SHARED);
		sweep_fork(&kinds[i], "private", MAP_PRIVATE);
		sweep_fork(&kinds[i], "shared", MAP_SHARED);
	}
	if (prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0))
		die("PR_SET_MEMORY_MERGE");
	for (i = 0; i < nr_kinds; i++)
		sweep_pairs(&kinds[i], true);
}

/* Prints the file, and its number of lines and checksum. */
static void print_all(const char *path)
{
	unsigned long sum = 5381;
	char line[1024];
	FILE *f = fopen(path, "re");
	const char *c;
	int n = 0;

	if (!f)
		die("%s", path);
	while (fgets(line, sizeof(line), f)) {
		fputs(line, stdout);
		n++;
		for (c = line; *c; c++)
			sum = (sum * 33 + (unsigned char)*c) & 0xffffffff;
	}
	fclose(f);
	printf("observed: %d lines, checksum %08lx\n", n, sum);
	if (n != nr_lines)
		die("%d lines written, %d read", nr_lines, n);
}

int main(int argc, char **argv)
{
	const char *path = "/tmp/observed";

	out = fopen(path, "we");
	if (!out)
		die("%s", path);
	setvbuf(out, NULL, _IOFBF, 1 << 16);
	open_all();
	base = arena(ROOM);
	observe_all();
	if (fclose(out))
		die("%s", path);
	print_all(path);
	return 0;
}
