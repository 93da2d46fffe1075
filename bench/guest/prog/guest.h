/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest programs share: reading /proc/self/maps, smaps and meminfo,
 * fault injection, the kernel log, and probes that say which function ran.
 */
#ifndef GUEST_H
#define GUEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL
#define MB (1UL << 20)

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

/* A VMA as /proc/self/maps shows it. */
struct vma {
	unsigned long start;
	unsigned long end;
	unsigned long pgoff;	/* bytes, as printed */
	unsigned long inode;
	char perms[5];
	char dev[16];
	char name[256];
};

struct maps {
	int nr;
	struct vma vma[256];
};

/* Says where the program itself went wrong, and ends it. */
static inline void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# guest: ");
	vprintf(fmt, ap);
	printf(": %s\n", strerror(errno));
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

static inline void *page_or_die(size_t len, int prot)
{
	void *p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap of %zu bytes", len);
	return p;
}

/* Reads a whole small file, NUL terminated. -1 if it cannot be read. */
static inline ssize_t slurp(const char *path, char *buf, size_t size)
{
	ssize_t n, len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	while ((size_t)len < size - 1) {
		n = read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	buf[len] = '\0';
	return len;
}

static inline int spew(const char *path, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;
	int fd, err;

	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	err = n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

static inline void read_maps(struct maps *maps)
{
	static char buf[1 << 17];
	char *line, *save;

	if (slurp("/proc/self/maps", buf, sizeof(buf)) <= 0)
		die("/proc/self/maps");
	maps->nr = 0;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct vma *v = &maps->vma[maps->nr];

		if (maps->nr == 256)
			die("more than 256 VMAs");
		v->name[0] = '\0';
		if (sscanf(line, "%lx-%lx %4s %lx %15s %lu %255[^\n]",
			   &v->start, &v->end, v->perms, &v->pgoff, v->dev,
			   &v->inode, v->name) < 6)
			die("a line of maps: %s", line);
		maps->nr++;
	}
}

/* Number of VMAs that have a byte in [start, start + len). */
static inline int nr_vmas(const void *start, size_t len)
{
	static struct maps maps;
	unsigned long from = (unsigned long)start;
	int i, nr = 0;

	read_maps(&maps);
	for (i = 0; i < maps.nr; i++)
		if (maps.vma[i].start < from + len && maps.vma[i].end > from)
			nr++;
	return nr;
}

/* The VMA at an address; start == end == 0 if there is none. */
static inline struct vma vma_at(const void *addr)
{
	static struct maps maps;
	unsigned long at = (unsigned long)addr;
	int i;

	read_maps(&maps);
	for (i = 0; i < maps.nr; i++)
		if (maps.vma[i].start <= at && at < maps.vma[i].end)
			return maps.vma[i];
	return (struct vma){ };
}

/* The text after "key:" in the smaps entry of addr, NULL if there is none. */
static inline const char *smaps_text(const void *addr, const char *key)
{
	static char buf[1 << 19], value[256];
	unsigned long start, end;
	size_t len = strlen(key);
	char *line, *save;
	bool in = false;
	char c;

	if (slurp("/proc/self/smaps", buf, sizeof(buf)) <= 0)
		die("/proc/self/smaps");
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%lx-%lx %c", &start, &end, &c) == 3)
			in = start <= (unsigned long)addr &&
			     (unsigned long)addr < end;
		else if (in && !strncmp(line, key, len) && line[len] == ':') {
			snprintf(value, sizeof(value), "%s",
				 line + len + 1 + strspn(line + len + 1, " "));
			return value;
		}
	}
	return NULL;
}

/* A number of the smaps entry in kB, -1 if there is none. */
static inline long smaps_kb(const void *addr, const char *key)
{
	const char *text = smaps_text(addr, key);

	return text ? atol(text) : -1;
}

/* Is the two-letter flag in VmFlags? */
static inline bool smaps_flag(const void *addr, const char *flag)
{
	const char *text = smaps_text(addr, "VmFlags");
	const char *p = text ? strstr(text, flag) : NULL;

	if (!text)
		die("no VmFlags in smaps at %p", addr);
	return p && (p == text || p[-1] == ' ') && (p[2] == ' ' || !p[2]);
}

/* "key:   123 kB" of a file under /proc; -1 if there is no such line. */
static inline long proc_kb(const char *path, const char *key)
{
	static char buf[1 << 14];
	size_t len = strlen(key);
	char *line, *save;

	if (slurp(path, buf, sizeof(buf)) <= 0)
		die("%s", path);
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, key, len) && line[len] == ':')
			return atol(line + len + 1);
	return -1;
}

static inline long meminfo(const char *key)
{
	long kb = proc_kb("/proc/meminfo", key);

	if (kb < 0)
		die("no %s in /proc/meminfo", key);
	return kb;
}

static inline long status_kb(const char *key)
{
	return proc_kb("/proc/self/status", key);
}

/* Page counts (Shmem, AnonPages ...) as they are: folds what CPUs hold back. */
static inline long pages_kb(const char *key)
{
	char buf[16];

	slurp("/proc/sys/vm/stat_refresh", buf, sizeof(buf));
	return meminfo(key);
}

static inline long committed(void)
{
	return meminfo("Committed_AS");
}

/* Open files of the system. The kernel's counter is per CPU: see SLACK. */
static inline long file_nr(void)
{
	char buf[64];

	if (slurp("/proc/sys/fs/file-nr", buf, sizeof(buf)) <= 0)
		die("/proc/sys/fs/file-nr");
	return atol(buf);
}

/*
 * Objects in use of a slab cache. Exact where slabinfo is, which is why the
 * leak tests read it besides file-nr.
 */
static inline long slab_active(const char *cache)
{
	static char buf[1 << 16];
	size_t len = strlen(cache);
	char *line, *save;

	if (slurp("/proc/slabinfo", buf, sizeof(buf)) <= 0)
		return -1;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, cache, len) && line[len] == ' ')
			return atol(line + len + strspn(line + len, " "));
	return -1;
}

/* Only from here on does kmsg_find() look at the kernel log. */
static inline int kmsg_mark(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		die("/dev/kmsg");
	lseek(fd, 0, SEEK_END);
	return fd;
}

/* True if a record since kmsg_mark() has the word. Closes fd. */
static inline bool kmsg_find(int fd, const char *word)
{
	static char rec[8192];
	bool found = false;
	ssize_t n;

	for (;;) {
		n = read(fd, rec, sizeof(rec) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			break;
		rec[n] = '\0';
		if (strstr(rec, word)) {
			printf("# kmsg: %s", rec);
			found = true;
		}
	}
	close(fd);
	return found;
}

/* Runs fn in a child; returns its wait status. */
static inline int in_child(int (*fn)(void *), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		_exit(fn(arg));
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return status;
}

struct touch {
	volatile char *addr;
	bool write;
};

static inline int do_touch(void *arg)
{
	struct touch *t = arg;

	if (t->write)
		*t->addr = 'x';
	else
		(void)*t->addr;
	return 0;
}

/* The signal that a child gets for touching addr, 0 if none. */
static inline int touch_signal(void *addr, bool write)
{
	struct touch t = { addr, write };
	int status = in_child(do_touch, &t);

	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Can one byte be read? Without a signal, without populating anything new. */
static inline bool readable(const void *addr)
{
	int fd[2];
	ssize_t n;

	if (pipe(fd))
		die("pipe");
	n = write(fd[1], addr, 1);
	close(fd[0]);
	close(fd[1]);
	return n == 1;
}

/* mmap() that returns 0 and sets *addr, or the errno (positive). */
static inline int try_mmap(void **addr, void *hint, size_t len, int prot,
			   int flags, int fd, off_t off)
{
	void *p = (void *)syscall(SYS_mmap, hint, len, prot, flags, fd, off);

	if (p == MAP_FAILED)
		return errno;
	*addr = p;
	return 0;
}

static inline int memfd_create_(const char *name, unsigned int flags)
{
	return syscall(SYS_memfd_create, name, flags);
}

/* A memfd of len bytes that allows seals. */
static inline int memfd_sized(const char *name, size_t len)
{
	int fd = memfd_create_(name, MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, len))
		die("memfd of %zu bytes", len);
	return fd;
}

/* A file of len bytes on the tmpfs at /tmp; the name is gone if unlinked. */
static inline int tmpfs_file(const char *name, size_t len, bool unlinked)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/%s", name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, len))
		die("%s", path);
	if (unlinked && unlink(path))
		die("unlink %s", path);
	return fd;
}

/*
 * Address space of len bytes between two VMAs that nothing merges with: the
 * number of VMAs in it depends on what a test does there and nothing else.
 */
static inline void *arena(size_t len)
{
	char *p = page_or_die(len + 2 * PG, PROT_NONE);

	if (munmap(p + PG, len))
		die("munmap of an arena");
	return p + PG;
}

/* The task's own fail-nth file, opened before anything is to fail. */
static inline int fail_nth_fd(void)
{
	static int fd = -1;
	static pid_t owner;

	if (owner != getpid()) {
		if (fd >= 0)
			close(fd);
		fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
		owner = getpid();
	}
	if (fd < 0)
		die("/proc/thread-self/fail-nth");
	return fd;
}

/* The n-th allocation that this task makes from now on fails; 0 ends it. */
static inline void fail_nth(unsigned int n)
{
	char text[16];
	int fd = fail_nth_fd(), len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, len, 0) != len)
		die("writing fail-nth");
}

/* Ends it, and says whether the failure was injected. */
static inline bool fail_nth_done(void)
{
	char text[16] = "";
	unsigned int left;

	if (pread(fail_nth_fd(), text, sizeof(text) - 1, 0) <= 0)
		die("reading fail-nth");
	left = atoi(text);
	fail_nth(0);
	return !left;
}

/* A symbol of the running kernel? */
static inline bool has_symbol(const char *name)
{
	static char line[512];
	char sym[256];
	bool found = false;
	FILE *f = fopen("/proc/kallsyms", "re");

	if (!f)
		die("/proc/kallsyms");
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*x %*c %255s", sym) == 1 &&
			!strcmp(sym, name);
	fclose(f);
	return found;
}

#define TRACEFS "/sys/kernel/tracing/"

/* Puts a kprobe on a function. 0, or the errno (negative). */
static inline int probe_add(const char *fn)
{
	char text[128];
	int err;

	snprintf(text, sizeof(text), "p:guest/%s %s\n", fn, fn);
	err = spew(TRACEFS "kprobe_events", text);
	if (err)
		return err;
	snprintf(text, sizeof(text), TRACEFS "events/guest/%s/enable", fn);
	return spew(text, "1");
}

/* Takes a kprobe away again. */
static inline void probe_del(const char *fn)
{
	char text[128];

	snprintf(text, sizeof(text), TRACEFS "events/guest/%s/enable", fn);
	spew(text, "0");
	snprintf(text, sizeof(text), "-:guest/%s\n", fn);
	spew(TRACEFS "kprobe_events", text);
}

/* How often an event of kprobe_profile or uprobe_profile was hit, or -1. */
static inline long probe_hits(const char *profile, const char *event)
{
	static char buf[1 << 14];
	char path[128], name[128], sub[128], *line, *save;
	long hits;

	snprintf(path, sizeof(path), TRACEFS "%s", profile);
	if (slurp(path, buf, sizeof(buf)) < 0)
		die("%s", path);
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		/* uprobe_profile has the file's name in front */
		if (sscanf(line, "%127s %ld", name, &hits) == 2 &&
		    !strcmp(name, event))
			return hits;
		if (sscanf(line, "%*s %127s %ld", sub, &hits) == 2 &&
		    !strcmp(sub, event))
			return hits;
	}
	return -1;
}

#endif /* GUEST_H */
