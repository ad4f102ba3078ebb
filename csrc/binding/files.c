/* ld.so.cache, signatures and names of files. */
#include "binding.h"

#include <stdlib.h>
#include <string.h>

#include "../file.h"
#include "../ldcache.h"

static PyObject *
hit_tuple(const struct nl_cache_hit *hit)
{
    PyObject *tuple = PyTuple_New(4);
    if (tuple != NULL
        && (put(tuple, 0, decode(hit->name)) < 0 || put(tuple, 1, decode(hit->path)) < 0
            || put(tuple, 2, PyLong_FromLong(hit->flags)) < 0 || put(tuple, 3, decode(hit->hwcaps)) < 0)) {
        Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *
hit_list(const struct nl_cache_hits *hits)
{
    PyObject *list = PyList_New((Py_ssize_t)hits->count);
    for (uint32_t i = 0; list != NULL && i < hits->count; i++) {
        PyObject *tuple = hit_tuple(&hits->items[i]);
        if (tuple == NULL || PyList_SetItem(list, (Py_ssize_t)i, tuple) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

PyObject *
native_ldcache_search(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct nl_cache_hits hits;
    struct nl_fault fault = {.os_errno = 0};
    char *cache;
    Py_ssize_t size;
    (void)module;
    if (check_count("ldcache_search", count, 3, 3) < 0 || PyBytes_AsStringAndSize(args[0], &cache, &size) < 0) {
        return NULL;
    }
    int stem = PyObject_IsTrue(args[2]);
    PyObject *name = stem < 0 ? NULL : encode(args[1]);
    if (name == NULL) {
        return NULL;
    }
    const char *wanted = PyBytes_AsString(name);
    PyObject *result = NULL;
    enum nl_status status = nl_ldcache_search((const unsigned char *)cache, (size_t)size, wanted, stem == 1, &hits, &fault);
    if (status != NL_OK) {
        raise_status(status, &fault, NULL);
    } else if (strlen(wanted) != (size_t)PyBytes_Size(name)) {
        result = PyList_New(0); /* no entry's name holds a NUL */
    } else {
        result = hit_list(&hits);
    }
    free(hits.items);
    Py_DECREF(name);
    return result;
}

PyObject *
native_digest(PyObject *module, PyObject *argument)
{
    char *bytes, text[17];
    Py_ssize_t size;
    (void)module;
    if (PyBytes_AsStringAndSize(argument, &bytes, &size) < 0) {
        return NULL;
    }
    snprintf(text, sizeof text, "%016" PRIx64, nl_digest((const unsigned char *)bytes, (size_t)size));
    return PyUnicode_FromString(text);
}

PyObject *
native_signature(PyObject *module, PyObject *argument)
{
    char text[NL_SIGNATURE] = "-";
    const char *path;
    (void)module;
    PyObject *bytes = encode_path(argument, &path);
    if (bytes != NULL) {
        Py_BEGIN_ALLOW_THREADS
        nl_signature(path, text);
        Py_END_ALLOW_THREADS
        Py_DECREF(bytes);
    } else if (PyErr_ExceptionMatches(PyExc_ValueError)) { /* no path: nothing is there */
        PyErr_Clear();
    } else {
        return NULL;
    }
    return PyUnicode_FromString(text);
}

PyObject *
native_signatures(PyObject *module, PyObject *paths)
{
    Py_ssize_t count = PyTuple_Size(paths);
    PyObject *result = count < 0 ? NULL : PyTuple_New(count);
    for (Py_ssize_t i = 0; result != NULL && i < count; i++) {
        if (put(result, i, native_signature(module, PyTuple_GetItem(paths, i))) < 0) {
            Py_CLEAR(result);
        }
    }
    return result;
}

PyObject *
native_real_name(PyObject *module, PyObject *argument)
{
    char name[NL_MOST_LINK];
    const char *path;
    (void)module;
    PyObject *bytes = encode_path(argument, &path);
    if (bytes == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    nl_real_name(path, name);
    Py_END_ALLOW_THREADS
    Py_DECREF(bytes);
    return decode(name);
}
