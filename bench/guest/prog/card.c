// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card: what is mapped how. For each kind of file one mmap(), which hook
 * of the kernel served it (kprobes tell), and whether the mapping does what
 * its kind promises. Exits 0 only if all that is so, through mmap_prepare.
 */
#include "guest.h"

#define RW (PROT_READ | PROT_WRITE)
#define NR_HOOKS ((int)(sizeof(hooks) / sizeof(hooks[0])))
#define SUFFIX "_prepare"

/* Every hook, old and new, that could be the one. */
static const char *const hooks[] = {
	"mmap_zero", "mmap_zero_prepare", "shmem_mmap", "shmem_mmap_prepare",
	"mmap_mem", "mmap_mem_prepare",
};

struct kind {
	const char *title;
	const char *file;	/* as shown */
	int flags;
	int prot;
	off_t off;
	int (*open)(void);
	bool (*check)(char *p, int fd, char *text, size_t size);
};

static bool probed[NR_HOOKS];
static long seen[NR_HOOKS];

static void count_hooks(long *count)
{
	int i;

	for (i = 0; i < NR_HOOKS; i++)
		count[i] = probed[i] ? probe_hits("kprobe_profile", hooks[i]) :
			0;
}

/* The hooks that ran since count_hooks(seen); their number. */
static int which_hook(char *text, size_t size, bool *prepare)
{
	long now[NR_HOOKS];
	int i, nr = 0;

	*text = '\0';
	*prepare = true;
	count_hooks(now);
	for (i = 0; i < NR_HOOKS; i++) {
		size_t len = strlen(hooks[i]), end = strlen(SUFFIX);
		bool new = len > end && !strcmp(hooks[i] + len - end, SUFFIX);

		if (now[i] == seen[i])
			continue;
		nr += now[i] - seen[i];
		*prepare &= new;
		snprintf(text + strlen(text), size - strlen(text),
			 "%s%s(), through f_op->%s", *text ? " and " : "",
			 hooks[i], new ? "mmap_prepare" : "mmap");
	}
	if (!nr)
		snprintf(text, size, "none of the hooks that are known");
	return nr;
}

static int child_writes(void *arg)
{
	strcpy(arg, "child");
	return 0;
}

/* What the parent reads after the child has written. */
static const char *after_child(char *p)
{
	strcpy(p, "parent");
	in_child(child_writes, p);
	return p;
}

static bool is_private(char *p, int fd, char *text, size_t size)
{
	const char *now = after_child(p);
	long anon = smaps_kb(p, "Anonymous");
	bool ok = !strcmp(now, "parent") && anon == 4;

	snprintf(text, size,
		 "the child wrote \"child\", the parent reads \"%s\"; %ld kB are anonymous: %s",
		 now, anon, ok ? "private, a copy each" : "NOT private");
	return ok;
}

static bool is_shared_zero(char *p, int fd, char *text, size_t size)
{
	const char *now = after_child(p);
	char *other = mmap(NULL, PG, RW, MAP_SHARED, fd, 0);
	bool apart = other != MAP_FAILED && !other[0];
	bool ok = !strcmp(now, "child") && apart;

	snprintf(text, size,
		 "the child wrote \"child\", the parent reads \"%s\"; a second mmap() %s: %s",
		 now, apart ? "is other memory" : "sees it too",
		 ok ? "shared, memory of its own" : "NOT as it should be");
	return ok;
}

static bool is_shared_file(char *p, int fd, char *text, size_t size)
{
	const char *now = after_child(p);
	char file[8] = "";
	ssize_t n = pread(fd, file, 5, 0);
	bool ok = !strcmp(now, "child") && n == 5 && !strcmp(file, "child");

	snprintf(text, size,
		 "the child wrote \"child\", the parent reads \"%s\", the file \"%s\": %s",
		 now, file, ok ? "shared" : "NOT shared");
	return ok;
}

static bool is_bios(char *p, int fd, char *text, size_t size)
{
	static char want[PG];
	ssize_t n = pread(fd, want, PG, 0xff000);
	bool ok = n == (ssize_t)PG && !memcmp(p, want, PG);

	snprintf(text, size,
		 "its %lu bytes are those that read() gives: %s (the reset vector is %02x %02x %02x %02x %02x)",
		 PG, ok ? "yes" : "NO", (unsigned char)p[0xff0],
		 (unsigned char)p[0xff1], (unsigned char)p[0xff2],
		 (unsigned char)p[0xff3], (unsigned char)p[0xff4]);
	return ok;
}

static int open_zero(void)
{
	return open("/dev/zero", O_RDWR);
}

static int open_tmpfs(void)
{
	return tmpfs_file("card", PG, false);
}

static int open_memfd(void)
{
	return memfd_sized("card", PG);
}

static int open_mem(void)
{
	return open("/dev/mem", O_RDONLY);
}

static const struct kind kinds[] = {
	{ "/dev/zero, private", "/dev/zero", MAP_PRIVATE, RW, 0, open_zero,
	  is_private },
	{ "/dev/zero, shared", "/dev/zero", MAP_SHARED, RW, 0, open_zero,
	  is_shared_zero },
	{ "a file on tmpfs, shared", "/tmp/card", MAP_SHARED, RW, 0, open_tmpfs,
	  is_shared_file },
	{ "a file on tmpfs, private", "/tmp/card", MAP_PRIVATE, RW, 0,
	  open_tmpfs, is_private },
	{ "a memfd, shared", "memfd:card", MAP_SHARED, RW, 0, open_memfd,
	  is_shared_file },
	{ "/dev/mem, the BIOS", "/dev/mem", MAP_SHARED, PROT_READ, 0xff000,
	  open_mem, is_bios },
};

/* The line of /proc/self/maps, with blanks as they are there. */
static void maps_line(void *p, char *text, size_t size)
{
	struct vma v = vma_at(p);

	snprintf(text, size, "%lx-%lx %s %08lx %s %lu %s", v.start, v.end,
		 v.perms, v.pgoff, v.dev, v.inode, v.name);
}

static bool show(const struct kind *k)
{
	char hook[256], line[512], text[512];
	int nr, fd = k->open(), err;
	bool prepare, ok;
	void *p = NULL;

	if (fd < 0)
		die("%s", k->file);
	count_hooks(seen);
	err = try_mmap(&p, NULL, PG, k->prot, k->flags, fd, k->off);
	nr = which_hook(hook, sizeof(hook), &prepare);
	printf("%s\n", k->title);
	printf("  asked      mmap(NULL, %lu, %s, %s, <%s>, %#lx)\n", PG,
	       k->prot == RW ? "PROT_READ|PROT_WRITE" : "PROT_READ",
	       k->flags == MAP_SHARED ? "MAP_SHARED" : "MAP_PRIVATE", k->file,
	       (unsigned long)k->off);
	printf("  served by  %s\n", hook);
	if (err) {
		printf("  came back  %s: NOT as it should be\n\n", strerror(err));
		return false;
	}
	printf("  came back  %p\n", p);
	maps_line(p, line, sizeof(line));
	printf("  maps       %s\n", line);
	ok = k->check(p, fd, text, sizeof(text));
	printf("  behaves    %s\n\n", text);
	munmap(p, PG);
	close(fd);
	return ok && nr == 1 && prepare;
}

int main(int argc, char **argv)
{
	int i, good = 0, nr = sizeof(kinds) / sizeof(kinds[0]);

	for (i = 0; i < NR_HOOKS; i++)
		probed[i] = has_symbol(hooks[i]) && !probe_add(hooks[i]);
	for (i = 0; i < nr; i++)
		good += show(&kinds[i]);
	for (i = 0; i < NR_HOOKS; i++)
		if (probed[i])
			probe_del(hooks[i]);
	printf("%d of %d mappings served by one mmap_prepare hook and as they should be\n",
	       good, nr);
	return good == nr ? 0 : 1;
}
