/* What this process has mapped. The GIL is released wherever the linker's lock is taken, because a constructor that
 * waits for the GIL may run under it. */
#include "binding.h"

#include "../process.h"
#include "../searchpath.h"

static PyObject *
linkmap_tuple(void)
{
    struct nl_linkmap map;
    enum nl_status status;
    Py_BEGIN_ALLOW_THREADS
    status = nl_linkmap_read(&map);
    Py_END_ALLOW_THREADS
    PyObject *result = status == NL_OK ? PyTuple_New((Py_ssize_t)map.count) : raise_status(status, NULL, NULL);
    for (size_t i = 0; result != NULL && i < map.count; i++) {
        PyObject *path = decode(map.items[i].path);
        if (put(result, (Py_ssize_t)i, path == NULL ? NULL : pair(path, decode(map.items[i].soname))) < 0) {
            Py_CLEAR(result);
        }
    }
    nl_linkmap_free(&map);
    return result;
}

PyObject *
native_linkmap(PyObject *module, PyObject *unused)
{
    (void)unused;
#ifdef Py_GIL_DISABLED
    (void)module;
    return linkmap_tuple();
#else
    struct state *state = PyModule_GetState(module);
    uint64_t version;
    Py_BEGIN_ALLOW_THREADS
    version = nl_linkmap_version(); /* before the map is read: one that changes meanwhile is read again */
    Py_END_ALLOW_THREADS
    if (state->linkmap == NULL || version == 0 || version != state->version) {
        PyObject *fresh = linkmap_tuple(), *old = state->linkmap;
        if (fresh == NULL) {
            return NULL;
        }
        state->linkmap = fresh;
        state->version = version;
        Py_XDECREF(old);
        return Py_NewRef(fresh);
    }
    return Py_NewRef(state->linkmap);
#endif
}

int
state_clear(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    Py_CLEAR(state->linkmap);
    return 0;
}

void
state_free(void *module)
{
    state_clear(module);
}

PyObject *
native_search_path(PyObject *module, PyObject *unused)
{
    struct nl_search_path search;
    struct nl_fault fault = {.os_errno = 0};
    enum nl_status status;
    (void)module;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS
    status = nl_search_path_read(&search, &fault);
    Py_END_ALLOW_THREADS
    PyObject *list = status == NL_OK ? PyList_New((Py_ssize_t)search.count) : raise_status(status, &fault, NULL);
    for (size_t i = 0; list != NULL && i < search.count; i++) {
        PyObject *path = decode(search.items[i].path);
        PyObject *tuple = path == NULL ? NULL : pair(path, decode(search.items[i].kind));
        if (tuple == NULL || PyList_SetItem(list, (Py_ssize_t)i, tuple) < 0) {
            Py_CLEAR(list);
        }
    }
    nl_search_path_free(&search);
    return list;
}

PyObject *
native_searched(PyObject *module, PyObject *unused)
{
    struct nl_search_path search;
    struct nl_fault fault = {.os_errno = 0};
    (void)module;
    (void)unused;
    enum nl_status status = nl_searched_read(&search, &fault);
    PyObject *list = status == NL_OK ? PyList_New((Py_ssize_t)search.count) : raise_status(status, &fault, NULL);
    for (size_t i = 0; list != NULL && i < search.count; i++) {
        PyObject *path = decode(search.items[i].path);
        if (path == NULL || PyList_SetItem(list, (Py_ssize_t)i, path) < 0) {
            Py_CLEAR(list);
        }
    }
    nl_search_path_free(&search);
    return list;
}

PyObject *
native_dlopen(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    const char *path, *error;
    void *handle;
    (void)module;
    if (check_count("dlopen", count, 2, 2) < 0) {
        return NULL;
    }
    long flags = PyLong_AsLong(args[1]);
    if (flags == -1 && PyErr_Occurred()) {
        return NULL;
    }
    PyObject *bytes = encode_path(args[0], &path);
    if (bytes == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    handle = nl_dlopen(path, (int)flags, &error);
    Py_END_ALLOW_THREADS
    Py_DECREF(bytes);
    if (handle != NULL) {
        return PyLong_FromVoidPtr(handle);
    }
    PyObject *text = decode(error != NULL ? error : "dlopen failed and did not say why");
    if (text != NULL) {
        PyErr_SetObject(PyExc_OSError, text);
        Py_DECREF(text);
    }
    return NULL;
}

PyObject *
native_loaded_handle(PyObject *module, PyObject *argument)
{
    const char *path;
    void *handle;
    (void)module;
    PyObject *bytes = encode_path(argument, &path);
    if (bytes == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    handle = nl_dlopen_loaded(path);
    Py_END_ALLOW_THREADS
    Py_DECREF(bytes);
    return handle == NULL ? Py_NewRef(Py_None) : PyLong_FromVoidPtr(handle);
}

PyObject *
native_dlsym(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    const char *name;
    void *address;
    (void)module;
    if (check_count("dlsym", count, 2, 2) < 0) {
        return NULL;
    }
    void *handle = PyLong_AsVoidPtr(args[0]);
    if (handle == NULL && PyErr_Occurred()) {
        return NULL;
    }
    PyObject *bytes = encode_path(args[1], &name);
    if (bytes == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    address = nl_dlsym(handle, name);
    Py_END_ALLOW_THREADS
    Py_DECREF(bytes);
    return address == NULL ? Py_NewRef(Py_None) : PyLong_FromVoidPtr(address);
}

PyObject *
native_libc(PyObject *module, PyObject *unused)
{
    const char *version, *name = nl_libc(&version);
    (void)module;
    (void)unused;
    return Py_BuildValue("ss", name, version);
}

PyObject *
native_isa_level(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLong(nl_isa_level());
}
