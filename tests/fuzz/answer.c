/* An answer that was kept: the input stands after the first line and a right checksum. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "file.h"

static const char MAGIC[] = "magic", ASKED[] = "asked";

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char directory[] = "/dev/shm/nativeload-fuzz-XXXXXX", path[128];
    static int fd = -1;
    struct nl_answer answer;
    char head[64];
    if (fd < 0) { /* its name goes when the process ends, as far as it can be told to */
        FUZZ_CHECK(mkdtemp(directory) != NULL);
        snprintf(path, sizeof path, "%s/%016" PRIx64, directory, nl_digest((const uint8_t *)ASKED, sizeof ASKED - 1));
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    int length = snprintf(head, sizeof head, "%s\n%016" PRIx64 "\n", MAGIC, nl_digest(bytes, size));
    FUZZ_CHECK(ftruncate(fd, length + (off_t)size) == 0);
    FUZZ_CHECK(pwrite(fd, head, (size_t)length, 0) == length && pwrite(fd, bytes, size, length) == (ssize_t)size);
    if (nl_answer_read(&answer, directory, MAGIC, ASKED)) {
        for (size_t i = 0; i < NL_GROUPS; i++) {
            const char *text = answer.groups[i].first;
            for (size_t j = 0; j < answer.groups[i].count; j++) {
                text += strlen(text) + 1;
            }
            FUZZ_CHECK(text <= answer.content + (size_t)length + size + 1);
        }
    }
    nl_answer_free(&answer);
    return 0;
}
