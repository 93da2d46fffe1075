// SPDX-License-Identifier: GPL-2.0-only
/*
 * init of the test guests.
 *
 * Runs the programs of one suite (suite=NAME on the kernel command line, from
 * the file /suites of the initramfs), each under its own time limit, and
 * writes what they say to the second serial port as nested KTAP. The first
 * port belongs to the kernel's console: no line of the kernel can land in
 * the middle of a result. Then powers off.
 *
 * Suites whose name starts with neg- misbehave on purpose: they are what the
 * bench tests itself with.
 *
 *	suite=A,B	what to run (default: smoke)
 *	only=A,B	only these programs of the suites
 *	loops=N		passed to the programs as $LOOPS, and as
 *			$MMAP_PREPARE_LOOPS to the kernel's own
 *	patience=N	every time limit is N times as long
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROGS 64
#define MAX_ARGS 8

struct prog {
	char line[256];
	char *argv[MAX_ARGS + 1];
	int seconds;
	bool raw;
};

static char cmdline[4096];
static struct prog progs[MAX_PROGS];
static int nr_progs;
static int patience = 1;
static FILE *out;

static void panic_exit(const char *what)
{
	fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
}

static void mount_or_die(const char *type, const char *dir, const char *opts)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, opts) && errno != EBUSY)
		panic_exit(dir);
}

static void write_or_say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void mount_all(void)
{
	mount_or_die("proc", "/proc", NULL);
	mount_or_die("sysfs", "/sys", NULL);
	mount_or_die("devtmpfs", "/dev", NULL);
	mount_or_die("tmpfs", "/tmp", "mode=1777");
	mount_or_die("debugfs", "/sys/kernel/debug", NULL);
	mount_or_die("tracefs", "/sys/kernel/tracing", NULL);
	mount_or_die("hugetlbfs", "/huge", NULL);
}

/* Injected failures are to hit allocations that may sleep, and not to shout. */
static void set_knobs(void)
{
	static const char *const dirs[] = { "failslab", "fail_page_alloc" };
	char path[128];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path),
			 "/sys/kernel/debug/%s/ignore-gfp-wait", dirs[i]);
		write_or_say(path, "N");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose",
			 dirs[i]);
		write_or_say(path, "0");
	}
	write_or_say("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	write_or_say("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem",
		     "N");
	write_or_say("/proc/sys/kernel/kptr_restrict", "0");
	write_or_say("/proc/sys/kernel/randomize_va_space", "0");
}

/* The second serial port, as it is: no echo, no newline translation. */
static void open_results(void)
{
	struct termios tio;
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		panic_exit("/dev/ttyS1");
	if (tcgetattr(fd, &tio))
		panic_exit("tcgetattr of /dev/ttyS1");
	cfmakeraw(&tio);
	tio.c_cflag |= CLOCAL;
	cfsetspeed(&tio, B115200);
	if (tcsetattr(fd, TCSANOW, &tio))
		panic_exit("tcsetattr of /dev/ttyS1");
	out = fdopen(fd, "w");
	if (!out)
		panic_exit("fdopen of /dev/ttyS1");
}

static void power_off(void)
{
	fflush(out);
	tcdrain(fileno(out));
	sync();
	reboot(RB_POWER_OFF);
	pause();
}

/* The value of key= on the command line, or the default. */
static char *option(const char *key, const char *def)
{
	static char copy[8][256];
	static int nr;
	size_t len = strlen(key);
	const char *p = cmdline;
	char *value = copy[nr++ % 8];

	snprintf(value, 256, "%s", def);
	while ((p = strstr(p, key))) {
		if ((p == cmdline || p[-1] == ' ') && p[len] == '=')
			snprintf(value, 256, "%.*s",
				 (int)strcspn(p + len + 1, " \n"), p + len + 1);
		p += len;
	}
	return value;
}

static bool in_list(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *p = list;

	while ((p = strstr(p, word))) {
		if ((p == list || p[-1] == ',') &&
		    (!p[len] || p[len] == ','))
			return true;
		p += len;
	}
	return false;
}

/* "SUITE SECONDS ktap|raw PROGRAM ARGS..." */
static void add_prog(char *line, const char *suite, const char *only)
{
	struct prog *p = &progs[nr_progs];
	char *word, *save;
	int nr = 0;

	snprintf(p->line, sizeof(p->line), "%s", line);
	word = strtok_r(p->line, " \t\n", &save);
	if (!word || *word == '#' || !in_list(suite, word))
		return;
	word = strtok_r(NULL, " \t\n", &save);
	p->seconds = word ? atoi(word) * patience : 0;
	word = strtok_r(NULL, " \t\n", &save);
	p->raw = word && !strcmp(word, "raw");
	while (nr < MAX_ARGS && (word = strtok_r(NULL, " \t\n", &save)))
		p->argv[nr++] = word;
	p->argv[nr] = NULL;
	if (!nr || p->seconds <= 0)
		panic_exit("a line of /suites");
	if (!*only || in_list(only, p->argv[0]))
		nr_progs++;
}

static void read_suite(const char *suite, const char *only)
{
	FILE *f = fopen("/suites", "re");
	char line[256];

	if (!f)
		panic_exit("/suites");
	while (nr_progs < MAX_PROGS && fgets(line, sizeof(line), f))
		add_prog(line, suite, only);
	fclose(f);
	memset(&progs[nr_progs], 0, sizeof(progs[0]));
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void child(struct prog *p, int fd)
{
	char path[128];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	setsid();
	if (chdir("/tmp"))
		_exit(126);
	snprintf(path, sizeof(path), "/tests/%s", p->argv[0]);
	setenv("PATH", "/bin:/tests", 1);
	setenv("LOOPS", option("loops", ""), 1);
	setenv("MMAP_PREPARE_LOOPS", option("loops", ""), 1);
	execv(path, p->argv);
	printf("# %s: %s\n", path, strerror(errno));
	fflush(stdout);
	_exit(127);
}

static void forward_line(struct prog *p, const char *line)
{
	if (p->raw)
		fprintf(out, "%s\n", line);
	else if (!strcmp(line, "TAP version 13"))
		fprintf(out, "    KTAP version 1\n");
	else
		fprintf(out, "    %s\n", line);
}

/* Whole lines only, so that what is killed in mid line stays readable. */
static void forward(struct prog *p, int fd, double deadline, bool *timed_out)
{
	static char buf[65536];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	char *nl;
	ssize_t n;
	double left;

	for (;;) {
		left = deadline - now();
		if (left <= 0 && !*timed_out) {
			*timed_out = true;
			kill(-1, SIGKILL);
			deadline = now() + 5;
			continue;
		}
		if (left <= 0)
			break;
		if (poll(&pfd, 1, left * 1000 + 1) <= 0)
			continue;
		n = read(fd, buf + len, sizeof(buf) - 1 - len);
		if (n <= 0)
			break;
		len += n;
		buf[len] = '\0';
		while ((nl = strchr(buf, '\n'))) {
			*nl = '\0';
			forward_line(p, buf);
			len -= nl + 1 - buf;
			memmove(buf, nl + 1, len + 1);
		}
		if (len == sizeof(buf) - 1) {
			forward_line(p, buf);
			len = 0;
		}
	}
	if (len)
		forward_line(p, buf);
	fflush(out);
}

/* The wait status of a program; everything it left behind is killed. */
static int run(struct prog *p, bool *timed_out)
{
	int fd[2], status = 0;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		panic_exit("pipe");
	pid = fork();
	if (!pid)
		child(p, fd[1]);
	close(fd[1]);
	if (pid < 0)
		panic_exit("fork");
	*timed_out = false;
	forward(p, fd[0], now() + p->seconds, timed_out);
	close(fd[0]);
	if (waitpid(pid, &status, WNOHANG) != pid) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return status;
}

/* How a program ended, for its line; true if well. */
static bool verdict(int status, bool timed_out, int seconds, char *why,
		    size_t size)
{
	*why = '\0';
	if (timed_out)
		snprintf(why, size, " # killed after %d s", seconds);
	else if (WIFSIGNALED(status))
		snprintf(why, size, " # signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == 4)
		snprintf(why, size, " # SKIP");
	else if (WEXITSTATUS(status))
		snprintf(why, size, " # exit %d", WEXITSTATUS(status));
	return !timed_out && !WIFSIGNALED(status) &&
	       (!WEXITSTATUS(status) || WEXITSTATUS(status) == 4);
}

static void run_suite(void)
{
	int i, status, passed = 0;
	bool timed_out, ok;
	char why[64];
	double start;

	fprintf(out, "KTAP version 1\n1..%d\n", nr_progs);
	for (i = 0; i < nr_progs; i++) {
		start = now();
		status = run(&progs[i], &timed_out);
		ok = verdict(status, timed_out, progs[i].seconds, why,
			     sizeof(why));
		fprintf(out, "# %s took %.1f s\n", progs[i].argv[0],
			now() - start);
		fprintf(out, "%s %d %s%s\n", ok ? "ok" : "not ok", i + 1,
			progs[i].argv[0], why);
		fflush(out);
		passed += ok;
	}
	fprintf(out, "# Totals: pass:%d fail:%d\n", passed, nr_progs - passed);
}

/* Text for people and scripts: no KTAP around it, the exit status behind. */
static void run_raw(void)
{
	char why[64];
	bool timed_out, ok;
	int status;

	status = run(&progs[0], &timed_out);
	ok = verdict(status, timed_out, progs[0].seconds, why, sizeof(why));
	fprintf(out, "guest: %s %s%s\n", progs[0].argv[0],
		ok ? "succeeded" : "failed", why);
}

/* A program without a case is at fault: only what is meant to be is. */
#define CASE "    KTAP version 1\n    1..1\n    ok 1 case\n"

static void ktap_head(int plan)
{
	fprintf(out, "KTAP version 1\n1..%d\n" CASE "ok 1 first\n", plan);
	fflush(out);
	tcdrain(fileno(out));
}

static void totals(int pass, int fail)
{
	fprintf(out, "# Totals: pass:%d fail:%d\n", pass, fail);
	power_off();
}

/* Guests that the bench has to find at fault. */
static void misbehave(const char *how)
{
	if (!strcmp(how, "empty"))	/* neg-good alone is not at fault */
		power_off();
	ktap_head(!strcmp(how, "noclose") ? 3 :
		  !strcmp(how, "fail") || !strcmp(how, "skip") ? 2 : 1);
	if (!strcmp(how, "hang"))
		for (;;)
			pause();
	if (!strcmp(how, "panic"))
		write_or_say("/proc/sysrq-trigger", "c");
	if (!strcmp(how, "exit"))
		exit(3);
	if (!strcmp(how, "reboot")) {
		sync();
		reboot(RB_AUTOBOOT);
	}
	if (!strcmp(how, "splat"))
		write_or_say("/dev/kmsg",
			     "<1>WARNING: CPU: 0 PID: 1 at mm/nowhere.c:1 nothing+0x0/0x10\n");
	if (!strcmp(how, "lockdep"))
		write_or_say("/dev/kmsg",
			     "<1>WARNING: possible circular locking dependency detected\n");
	if (!strcmp(how, "fail")) {
		fprintf(out, "    KTAP version 1\n    1..1\n    not ok 1 case\nnot ok 2 second\n");
		totals(1, 1);
	}
	if (!strcmp(how, "skip")) {
		fprintf(out, CASE "ok 2 second # SKIP on purpose\n");
		totals(1, 0);
	}
	if (!strcmp(how, "noclose"))
		power_off();
	totals(1, 0);
}

int main(void)
{
	char *suite;
	FILE *f;

	if (getpid() != 1) {
		fprintf(stderr,
			"This is the init of the test guests: it runs as process 1 only.\n");
		return 2;
	}
	mount_all();
	f = fopen("/proc/cmdline", "re");
	if (!f || !fgets(cmdline, sizeof(cmdline), f))
		panic_exit("/proc/cmdline");
	fclose(f);
	open_results();
	set_knobs();
	suite = option("suite", "smoke");
	patience = atoi(option("patience", "1"));
	if (patience < 1)
		panic_exit("patience=");
	if (!strncmp(suite, "neg-", 4))
		misbehave(suite + 4);
	read_suite(suite, option("only", ""));
	if (nr_progs && progs[0].raw)
		run_raw();
	else if (nr_progs)
		run_suite();
	else
		fprintf(out, "KTAP version 1\n1..1\nnot ok 1 suite %s has no program\n# Totals: pass:0 fail:1\n",
			suite);
	power_off();
	return 0;
}
