#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

Secret secret_from(Str text) {
    return (Secret){str_dup(text)};
}

void secret_wipe_free(char *text) {
    if (text) explicit_bzero(text, strlen(text));
    free(text);
}

void secret_done(Secret *s) {
    secret_wipe_free(s->text);
    s->text = NULL;
}

bool secret_from_env(const char *name, Secret *ret, Err *e) {
    const char *value = getenv(name);
    if (!value) return err_set(e, ERR_INVALID, false, "the environment variable %s is not set", name);
    *ret = secret_from(str_from(value));
    return true;
}

/* Read until size bytes, the end, or an error: -1 and errno. */
static ssize_t read_up_to(int fd, char *buf, size_t size) {
    size_t n = 0;
    while (n < size) {
        ssize_t got = read(fd, buf + n, size - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

bool secret_from_file(const char *path, Secret *ret, Err *e) {
    char buf[SECRET_MAX_BYTES + 2]; /* a byte for CR and LF each: what is longer is too long */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_set(e, ERR_IO, false, "%s: %s", path, strerror(errno));
    ssize_t got = read_up_to(fd, buf, sizeof buf);
    int failure = errno;
    (void)close(fd);
    if (got < 0) return err_set(e, ERR_IO, false, "%s: %s", path, strerror(failure));
    Str line = str_sub((Str){buf, (size_t)got}, 0, str_find((Str){buf, (size_t)got}, '\n'));
    if (line.n > 0 && line.p[line.n - 1] == '\r') line.n--;
    bool is_fit = line.n <= SECRET_MAX_BYTES && !memchr(line.p, '\0', line.n);
    if (is_fit) *ret = secret_from(line);
    explicit_bzero(buf, sizeof buf);
    if (is_fit) return true;
    return err_set(e, ERR_RANGE, false, "%s: the first line is longer than %d bytes or holds a NUL", path,
                   SECRET_MAX_BYTES);
}

enum { KEY_CTRL_C = 3, KEY_CTRL_D = 4, KEY_BACKSPACE = 8, KEY_CTRL_U = 21, KEY_DELETE = 127 };

/* One line from a terminal in raw mode. The terminal does no editing then, so the keys for it are known here.
 */
static bool read_line(int tty, char *buf, size_t size, size_t *ret_n, Err *e) {
    size_t n = 0;
    for (;;) {
        char c;
        ssize_t got = read(tty, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return err_set(e, ERR_IO, false, "the terminal was closed");
        if (c == '\n' || c == '\r') break;
        if (c == KEY_CTRL_C || (c == KEY_CTRL_D && n == 0))
            return err_set(e, ERR_CANCELLED, false, "no password was given");
        if (c == KEY_CTRL_U) {
            n = 0;
        } else if (c == KEY_BACKSPACE || c == KEY_DELETE) {
            while (n > 0 && ((unsigned char)buf[n - 1] & 0xc0) == 0x80) n--; /* a whole character of UTF-8 */
            n -= n > 0;
        } else if (n < size && c != '\0') {
            buf[n++] = c;
        } else {
            return err_set(e, ERR_RANGE, false, "a password may have %d bytes at most", SECRET_MAX_BYTES);
        }
    }
    *ret_n = n;
    return true;
}

/* Raw mode without echo, the line, the former mode. Signals that would end the process meanwhile are held
 * back: they would leave the terminal without echo. */
static bool ask(int tty, const char *prompt, Secret *ret, Err *e) {
    struct termios before, raw;
    if (tcgetattr(tty, &before) != 0) return err_set(e, ERR_IO, false, "/dev/tty: %s", strerror(errno));
    sigset_t held, former;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGHUP);
    (void)sigaddset(&held, SIGTSTP);
    (void)pthread_sigmask(SIG_BLOCK, &held, &former);
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    char buf[SECRET_MAX_BYTES];
    size_t n = 0;
    bool ok = tcsetattr(tty, TCSAFLUSH, &raw) == 0 && write(tty, prompt, strlen(prompt)) >= 0;
    if (ok) ok = read_line(tty, buf, sizeof buf, &n, e);
    else (void)err_set(e, ERR_IO, false, "/dev/tty: %s", strerror(errno));
    ssize_t written = write(tty, "\n", 1);
    (void)written;
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)pthread_sigmask(SIG_SETMASK, &former, NULL);
    if (ok) *ret = secret_from((Str){buf, n});
    explicit_bzero(buf, sizeof buf);
    return ok;
}

bool secret_prompt(const char *prompt, Secret *ret, Err *e) {
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0)
        return err_set(e, ERR_IO, false,
                       "no terminal to ask for a password on: set it in the environment or a file");
    bool ok = ask(tty, prompt, ret, e);
    (void)close(tty);
    return ok;
}
