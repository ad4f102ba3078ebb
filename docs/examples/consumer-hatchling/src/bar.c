/* Uses libfoo, by its header and its soname. */
#include <Python.h>
#include <foo.h>

static PyObject *ask(PyObject *self, PyObject *ignored) { return PyLong_FromLong(foo()); }

static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_bar", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__bar(void) { return PyModuleDef_Init(&module); }
