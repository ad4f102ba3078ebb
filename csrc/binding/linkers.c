/* Linkers, by their rules. */
#include "binding.h"

#include <stdlib.h>

#include "../os.h"

static void
linker_free(struct linker *linker)
{
    struct nl_rules *rules = &linker->rules;
    struct nl_texts *lists[] = {&rules->library_path, &rules->defaults, &rules->subdirectories, &rules->hwcaps,
                                &rules->program_rpath};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        free(lists[i]->items);
    }
    nl_images_clear(&linker->images);
    if (linker->images.root >= 0) {
        nl_os_close(linker->images.root);
    }
    if (linker->lock != NULL) {
        PyThread_free_lock(linker->lock);
    }
    Py_XDECREF(linker->strings);
    PyMem_Free(linker);
}

static void
linker_destroy(PyObject *capsule)
{
    linker_free(PyCapsule_GetPointer(capsule, LINKER));
}

/* Reads the rules' fields. Returns 0, or -1 with an exception set. */
static int
take_rules(struct linker *linker, PyObject *tuple)
{
    struct nl_rules *rules = &linker->rules;
    PyObject *path, *defaults, *subdirectories, *hwcaps, *program, *lib, *platform, *self, *cache, *root;
    int musl, wide, big, secure, machine;
    char *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(tuple, "pppipiO!O!O!O!O!UUUSiU", &musl, &wide, &big, &machine, &secure, &rules->release,
                          &PyTuple_Type, &path, &PyTuple_Type, &defaults, &PyTuple_Type, &subdirectories, &PyTuple_Type, &hwcaps,
                          &PyTuple_Type, &program, &lib, &platform, &self, &cache, &rules->cache_flags, &root)) {
        return -1;
    }
    rules->musl = musl;
    rules->wide = wide;
    rules->big = big;
    rules->secure = secure;
    rules->machine = (uint16_t)machine;
    if (take_texts(linker->strings, path, &rules->library_path) < 0 || take_texts(linker->strings, defaults, &rules->defaults) < 0
        || take_texts(linker->strings, subdirectories, &rules->subdirectories) < 0
        || take_texts(linker->strings, hwcaps, &rules->hwcaps) < 0 || take_texts(linker->strings, program, &rules->program_rpath) < 0
        || (rules->lib = kept_string(linker->strings, lib)) == NULL || (rules->platform = kept_string(linker->strings, platform)) == NULL
        || (rules->self = kept_string(linker->strings, self)) == NULL || PyList_Append(linker->strings, cache) < 0
        || PyBytes_AsStringAndSize(cache, &bytes, &size) < 0) {
        return -1;
    }
    rules->cache = (const unsigned char *)bytes;
    rules->cache_size = (size_t)size;
    const char *directory = kept_string(linker->strings, root);
    if (directory == NULL || *directory == '\0') {
        return directory == NULL ? -1 : 0;
    }
    linker->images.root = nl_os_open_root(directory);
    if (linker->images.root < 0) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, root);
        return -1;
    }
    return 0;
}

PyObject *
native_linker(PyObject *module, PyObject *rules)
{
    (void)module;
    if (!PyTuple_Check(rules)) {
        PyErr_SetString(PyExc_TypeError, "the rules must be a tuple");
        return NULL;
    }
    struct linker *linker = PyMem_Calloc(1, sizeof *linker);
    if (linker == NULL) {
        return PyErr_NoMemory();
    }
    linker->images.root = -1;
    linker->strings = PyList_New(0);
    linker->lock = PyThread_allocate_lock();
    PyObject *capsule = NULL;
    if (linker->lock == NULL) {
        PyErr_NoMemory();
    } else if (linker->strings != NULL && take_rules(linker, rules) == 0) {
        capsule = PyCapsule_New(linker, LINKER, linker_destroy);
    }
    if (capsule == NULL) {
        linker_free(linker);
    }
    return capsule;
}
