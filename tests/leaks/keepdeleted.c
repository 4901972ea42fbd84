/* Preloaded into a command under test: what it deletes stays, and no file without a name is made.
 *
 * Temporary files are often unlinked as soon as they are open (SQLite does), or never had a name (O_TMPFILE), so what
 * was written to them could not be searched afterwards. Every deleted file keeps a second name in $KEEP_DELETED.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int count;

static void keep(int folder, const char *path)
{
    const char *to = getenv("KEEP_DELETED");
    char name[4096];
    int before = errno;
    if (to == NULL)
        return;
    snprintf(name, sizeof name, "%s/%d-%d", to, (int)getpid(), __sync_add_and_fetch(&count, 1));
    if (linkat(folder, path, AT_FDCWD, name, 0) != 0)
        errno = before;
}

int unlink(const char *path)
{
    int (*next)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    keep(AT_FDCWD, path);
    return next(path);
}

int unlinkat(int folder, const char *path, int flags)
{
    int (*next)(int, const char *, int) = (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
    if (!(flags & AT_REMOVEDIR))
        keep(folder, path);
    return next(folder, path, flags);
}

#define NAMELESS(flags) (((flags) & O_TMPFILE) == O_TMPFILE)
#define MODE(flags, mode) \
    if ((flags) & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

#define OPEN(symbol) \
    int symbol(const char *path, int flags, ...) \
    { \
        int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #symbol); \
        mode_t mode = 0; \
        if (NAMELESS(flags)) { errno = EOPNOTSUPP; return -1; } \
        MODE(flags, mode) \
        return next(path, flags, mode); \
    }

#define OPENAT(symbol) \
    int symbol(int folder, const char *path, int flags, ...) \
    { \
        int (*next)(int, const char *, int, ...) = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #symbol); \
        mode_t mode = 0; \
        if (NAMELESS(flags)) { errno = EOPNOTSUPP; return -1; } \
        MODE(flags, mode) \
        return next(folder, path, flags, mode); \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
