/* Answers kept on disk. */
#include "binding.h"

#include <string.h>

#include "../answer.h"

/* A new tuple of a group's texts. */
static PyObject *
texts(const struct nl_group *group)
{
    const char *text = group->first;
    PyObject *tuple = PyTuple_New((Py_ssize_t)group->count);
    for (size_t i = 0; tuple != NULL && i < group->count; i++) {
        if (put(tuple, (Py_ssize_t)i, decode(text)) < 0) {
            Py_CLEAR(tuple);
        }
        text += strlen(text) + 1;
    }
    return tuple;
}

PyObject *
native_recall(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct nl_answer answer;
    const char *directory, *asked, *magic;
    PyObject *result = NULL;
    bool held;
    (void)module;
    if (check_count("recall", count, 3, 3) < 0 || (magic = PyBytes_AsString(args[1])) == NULL) {
        return NULL;
    }
    PyObject *place = encode_path(args[0], &directory);
    PyObject *key = place == NULL ? NULL : encode_path(args[2], &asked);
    if (key == NULL) {
        if (place != NULL && PyErr_ExceptionMatches(PyExc_ValueError)) { /* nothing is kept under what has no bytes */
            PyErr_Clear();
            result = Py_NewRef(Py_None);
        }
        Py_XDECREF(place);
        return result;
    }
    Py_BEGIN_ALLOW_THREADS
    held = nl_answer_read(&answer, directory, magic, asked);
    Py_END_ALLOW_THREADS
    result = held ? PyTuple_New(NL_GROUPS - NL_ANSWER) : Py_NewRef(Py_None);
    for (unsigned i = NL_ANSWER; held && result != NULL && i < NL_GROUPS; i++) {
        if (put(result, (Py_ssize_t)(i - NL_ANSWER), texts(&answer.groups[i])) < 0) {
            Py_CLEAR(result);
        }
    }
    nl_answer_free(&answer);
    Py_DECREF(place);
    Py_DECREF(key);
    return result;
}
