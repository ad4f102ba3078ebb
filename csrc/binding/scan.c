/* The distributions in a directory. */
#include "binding.h"

#include <stdlib.h>

#include "../scan.h"

static PyObject *
scan_list(const struct nl_scan *scan)
{
    PyObject *list = PyList_New((Py_ssize_t)scan->count);
    for (size_t i = 0; list != NULL && i < scan->count; i++) {
        const struct nl_distribution *item = &scan->items[i];
        PyObject *name = decode(item->name);
        PyObject *text = item->text == NULL
                             ? Py_NewRef(Py_None)
                             : PyUnicode_DecodeFSDefaultAndSize(item->text, (Py_ssize_t)item->length);
        PyObject *tuple = pair(name, text);
        if (tuple == NULL || PyList_SetItem(list, (Py_ssize_t)i, tuple) < 0) {
            Py_CLEAR(list);
        }
    }
    if (list != NULL && PyList_Sort(list) < 0) { /* as in export_list */
        Py_CLEAR(list);
    }
    return list;
}

PyObject *
native_scan(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct nl_scan scan;
    struct nl_fault fault = {.os_errno = 0};
    const char *directory;
    struct nl_texts groups = {.count = 0};
    PyObject *keep = NULL, *bytes = NULL, *result = NULL;
    (void)module;
    if (check_count("scan", count, 2, 2) < 0) {
        return NULL;
    }
    bytes = encode_path(args[0], &directory);
    keep = bytes == NULL ? NULL : PyList_New(0);
    if (keep != NULL && take_texts(keep, args[1], &groups) == 0) {
        enum nl_status status;
        Py_BEGIN_ALLOW_THREADS
        status = nl_scan_read(&scan, directory, &groups, &fault);
        Py_END_ALLOW_THREADS
        result = status == NL_OK ? scan_list(&scan) : raise_status(status, &fault, args[0]);
        nl_scan_free(&scan);
    }
    free(groups.items);
    Py_XDECREF(keep);
    Py_XDECREF(bytes);
    return result;
}
