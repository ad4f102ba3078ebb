/* The distributions in a directory. */
#include "binding.h"

#include <string.h>

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
    PyObject *bytes = NULL, *groups = NULL, *section = NULL, *result = NULL;
    enum nl_status status;
    (void)module;
    if (check_count("scan", count, 2, 2) < 0) {
        return NULL;
    }
    bytes = encode_path(args[0], &directory);
    groups = bytes == NULL ? NULL : encode(args[1]);
    section = groups == NULL ? NULL : PyBytes_FromStringAndSize(NULL, PyBytes_Size(groups) + 1);
    if (section == NULL) {
        goto done;
    }
    char *wanted = PyBytes_AsString(section);
    size_t length = (size_t)PyBytes_Size(section);
    memcpy(wanted + 1, PyBytes_AsString(groups), length - 1);
    wanted[0] = '[';
    Py_BEGIN_ALLOW_THREADS
    status = nl_scan_read(&scan, directory, wanted, length, &fault);
    Py_END_ALLOW_THREADS
    result = status == NL_OK ? scan_list(&scan) : raise_status(status, &fault, args[0]);
    nl_scan_free(&scan);
done:
    Py_XDECREF(bytes);
    Py_XDECREF(groups);
    Py_XDECREF(section);
    return result;
}
