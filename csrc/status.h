/* What every function of the core can answer, and the words for it. */
#ifndef NATIVELOAD_STATUS_H
#define NATIVELOAD_STATUS_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

enum nl_status {
    NL_OK,
    NL_OS_ERROR,  /* fault.os_errno says which */
    NL_NO_MEMORY,
    NL_NOT_ELF,   /* fault.what: what it is instead */
    NL_NOT_CACHE, /* fault.what: what it is instead */
    NL_TRUNCATED, /* fault.what, end included, at fault.end; the file ends at fault.size */
    NL_TRUNCATED_CACHE,
    NL_MALFORMED, /* fault.what: a whole clause */
    NL_OUTSIDE,   /* fault.what: what no loadable segment holds */
    NL_TOO_MANY,  /* more than fault.end of fault.what */
};

/* The details of the last status that was not NL_OK. `what` is always a literal. */
struct nl_fault {
    int os_errno;
    const char *what;
    uint64_t end;
    uint64_t size;
};

static inline enum nl_status
nl_fail(struct nl_fault *fault, enum nl_status status, const char *what)
{
    fault->what = what;
    return status;
}

static inline enum nl_status
nl_os_error(struct nl_fault *fault, int os_errno)
{
    fault->os_errno = os_errno;
    return NL_OS_ERROR;
}

static inline enum nl_status
nl_truncated(struct nl_fault *fault, const char *what, uint64_t end, uint64_t size)
{
    fault->what = what;
    fault->end = end;
    fault->size = size;
    return NL_TRUNCATED;
}

static inline enum nl_status
nl_too_many(struct nl_fault *fault, const char *what, uint64_t most)
{
    fault->what = what;
    fault->end = most;
    return NL_TOO_MANY;
}

/* Writes the text of a status that is about a file's content. NL_OS_ERROR and NL_NO_MEMORY have none. */
static inline void
nl_status_text(enum nl_status status, const struct nl_fault *fault, char *text, size_t room)
{
    switch (status) {
    case NL_NOT_ELF:
        snprintf(text, room, "not an ELF file: %s", fault->what);
        break;
    case NL_NOT_CACHE:
        snprintf(text, room, "not an ld.so.cache: %s", fault->what);
        break;
    case NL_TRUNCATED:
        snprintf(text, room, "truncated: %s at %" PRIu64 ", the file at %" PRIu64, fault->what, fault->end, fault->size);
        break;
    case NL_TRUNCATED_CACHE:
        snprintf(text, room, "truncated: %s at %" PRIu64 ", the cache at %" PRIu64, fault->what, fault->end, fault->size);
        break;
    case NL_MALFORMED:
        snprintf(text, room, "malformed: %s", fault->what);
        break;
    case NL_OUTSIDE:
        snprintf(text, room, "malformed: %s lies outside the loadable segments", fault->what);
        break;
    case NL_TOO_MANY:
        snprintf(text, room, "malformed: more than %" PRIu64 " %s", fault->end, fault->what);
        break;
    case NL_OK:
    case NL_OS_ERROR:
    case NL_NO_MEMORY:
        snprintf(text, room, "status %d", (int)status);
        break;
    }
}

#endif
