/* What every function takes and gives. */
#include "binding.h"

#include <errno.h>
#include <string.h>

/* Raises what a status other than NL_OK means; `path` (may be NULL) is the OSError's file name. */
PyObject *
raise_status(enum nl_status status, const struct nl_fault *fault, PyObject *path)
{
    char text[256];
    if (status == NL_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    if (status == NL_OS_ERROR) {
        errno = fault->os_errno;
        return PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
    }
    nl_status_text(status, fault, text, sizeof text);
    PyErr_SetString(PyExc_ValueError, text);
    return NULL;
}

/* Checks the number of arguments. Returns 0, or -1 with TypeError set. */
int
check_count(const char *function, Py_ssize_t given, Py_ssize_t least, Py_ssize_t most)
{
    if (given >= least && given <= most) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd positional arguments (%zd given)", function, least, most, given);
    return -1;
}

/* The file system's bytes of a str, as a new bytes object; NULL with an exception set. */
PyObject *
encode(PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "expected str, got %R", (PyObject *)Py_TYPE(text));
        return NULL;
    }
    return PyUnicode_EncodeFSDefault(text);
}

/* As encode, but a NUL is a ValueError, as it is in open(); `*c` is valid as long as the result. */
PyObject *
encode_path(PyObject *text, const char **c)
{
    PyObject *bytes = encode(text);
    if (bytes != NULL) {
        *c = PyBytes_AsString(bytes);
        if (strlen(*c) != (size_t)PyBytes_Size(bytes)) {
            PyErr_SetString(PyExc_ValueError, "embedded null byte");
            Py_CLEAR(bytes);
        }
    }
    return bytes;
}

/* A new str, None for NULL. */
PyObject *
decode(const char *text)
{
    return text == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(text);
}

/* Puts a new reference into a tuple. Returns 0, or -1 where `item` is NULL. */
int
put(PyObject *tuple, Py_ssize_t index, PyObject *item)
{
    return item == NULL ? -1 : PyTuple_SetItem(tuple, index, item);
}

/* A new pair; takes both references, and is NULL where either is. */
PyObject *
pair(PyObject *first, PyObject *second)
{
    PyObject *tuple = first != NULL && second != NULL ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return tuple;
}

const char *
kept_string(PyObject *keep, PyObject *text)
{
    const char *c = NULL;
    PyObject *bytes = encode_path(text, &c);
    int failed = bytes == NULL || PyList_Append(keep, bytes) < 0;
    Py_XDECREF(bytes);
    return failed ? NULL : c;
}

int
take_texts(PyObject *keep, PyObject *tuple, struct nl_texts *texts)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *c = kept_string(keep, PyTuple_GetItem(tuple, i));
        if (c == NULL) {
            return -1;
        }
        if (nl_texts_add(texts, c) != NL_OK) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return count < 0 ? -1 : 0;
}

PyObject *
native_fill(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (check_count("fill", count, 2, 2) < 0) {
        return NULL;
    }
    if (!PyDict_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "fields are a dict");
        return NULL;
    }
    PyObject *name, *value;
    for (Py_ssize_t at = 0; PyDict_Next(args[1], &at, &name, &value);) {
        if (PyObject_GenericSetAttr(args[0], name, value) < 0) {
            return NULL;
        }
    }
    return Py_NewRef(Py_None);
}
