/* The Python face of the core, in several files: nativeload/_native.pyi is its contract. Only here is Python.h. */
#ifndef NATIVELOAD_BINDING_H
#define NATIVELOAD_BINDING_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <Python.h>

#include <stdbool.h>

#include "../images.h"
#include "../status.h"
#include "../walk.h"

/* ---- arguments.c ---- */

/* Raises what a status other than NL_OK means; `path` (may be NULL) is the OSError's file name. */
PyObject *raise_status(enum nl_status status, const struct nl_fault *fault, PyObject *path);

/* Checks the number of arguments. Returns 0, or -1 with TypeError set. */
int check_count(const char *function, Py_ssize_t given, Py_ssize_t least, Py_ssize_t most);

/* The file system's bytes of a str, as a new bytes object; NULL with an exception set. */
PyObject *encode(PyObject *text);

/* As encode, but a NUL is a ValueError, as it is in open(); `*c` is valid as long as the result. */
PyObject *encode_path(PyObject *text, const char **c);

/* A new str, None for NULL. */
PyObject *decode(const char *text);

/* Puts a new reference into a tuple. Returns 0, or -1 where `item` is NULL. */
int put(PyObject *tuple, Py_ssize_t index, PyObject *item);

/* A new pair; takes both references, and is NULL where either is. */
PyObject *pair(PyObject *first, PyObject *second);

/* Appends the C strings of a tuple of str to `texts`; `keep`, a list, keeps them alive. Returns 0, or -1 with an
 * exception set. */
int take_texts(PyObject *keep, PyObject *tuple, struct nl_texts *texts);

/* A C string that lives as long as `keep`, a list; NULL with an exception set. */
const char *kept_string(PyObject *keep, PyObject *text);

/* ---- linkers.c ---- */

#define LINKER "nativeload._native.linker"

/* A linker: its rules, what it has read, and the strings that the rules point into. */
struct linker {
    struct nl_rules rules;
    struct nl_images images;
    PyObject *strings;
    PyThread_type_lock lock;
};

/* ---- walk_results.c ---- */

/* (images, lacks), as _native.pyi has them. */
PyObject *walk_tuple(const struct nl_walk *walk);

/* ---- process.c ---- */

/* What the module keeps, in each interpreter: the link map as it was when it had this version. */
struct state {
    PyObject *linkmap;
    uint64_t version;
};

int state_clear(PyObject *module);
void state_free(void *module);

/* ---- the module's functions, as _native.pyi has them ---- */

PyObject *native_image(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_exports(PyObject *module, PyObject *argument);
PyObject *native_linkmap(PyObject *module, PyObject *unused);
PyObject *native_search_path(PyObject *module, PyObject *unused);
PyObject *native_searched(PyObject *module, PyObject *unused);
PyObject *native_dlopen(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_loaded_handle(PyObject *module, PyObject *argument);
PyObject *native_dlsym(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_libc(PyObject *module, PyObject *unused);
PyObject *native_isa_level(PyObject *module, PyObject *unused);
PyObject *native_linker(PyObject *module, PyObject *rules);
PyObject *native_scan(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_ldcache_search(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_digest(PyObject *module, PyObject *argument);
PyObject *native_signature(PyObject *module, PyObject *argument);
PyObject *native_signatures(PyObject *module, PyObject *paths);
PyObject *native_real_name(PyObject *module, PyObject *argument);
PyObject *native_walk(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_fits(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_check(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_undefined(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_places(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_listed(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_fill(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *native_recall(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
