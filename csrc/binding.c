/* The Python face of the core: nativeload/_native.pyi is its contract. The only file with Python.h. */
#define _GNU_SOURCE
#ifndef Py_GIL_DISABLED
#define Py_LIMITED_API 0x030b0000
#endif
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "elf.h"
#include "exports.h"
#include "file.h"
#include "ldcache.h"
#include "process.h"
#include "scan.h"
#include "searchpath.h"
#include "status.h"
#include "symbols.h"
#include "symtab.h"
#include "versions.h"
#include "walk.h"

/* ---- arguments and errors ---- */

/* Raises what a status other than NL_OK means; `path` (may be NULL) is the OSError's file name. */
static PyObject *
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
static int
check_count(const char *function, Py_ssize_t given, Py_ssize_t least, Py_ssize_t most)
{
    if (given >= least && given <= most) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd positional arguments (%zd given)", function, least, most, given);
    return -1;
}

/* The file system's bytes of a str, as a new bytes object; NULL with an exception set. */
static PyObject *
encode(PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "expected str, got %R", (PyObject *)Py_TYPE(text));
        return NULL;
    }
    return PyUnicode_EncodeFSDefault(text);
}

/* As encode, but a NUL is a ValueError, as it is in open(); `*c` is valid as long as the result. */
static PyObject *
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
static PyObject *
decode(const char *text)
{
    return text == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(text);
}

/* Puts a new reference into a tuple. Returns 0, or -1 where `item` is NULL. */
static int
put(PyObject *tuple, Py_ssize_t index, PyObject *item)
{
    return item == NULL ? -1 : PyTuple_SetItem(tuple, index, item);
}

/* A new pair; takes both references, and is NULL where either is. */
static PyObject *
pair(PyObject *first, PyObject *second)
{
    PyObject *tuple = first != NULL && second != NULL ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return tuple;
}

/* ---- image ---- */

/* What `image` was asked, and what became of it, without the GIL. */
struct inspection {
    struct nl_elf elf;
    struct nl_symbols symbols;
    PyObject *names; /* a tuple of bytes */
    const char **wanted;
    size_t *lengths;
    bool *found;
    Py_ssize_t count;
};

static PyObject *
elf_string(const struct nl_elf *elf, nl_string string)
{
    return decode(string == 0 ? NULL : elf->text + string);
}

static PyObject *
elf_strings(const struct nl_elf *elf, const struct nl_list *list)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)list->count);
    for (uint32_t i = 0; tuple != NULL && i < list->count; i++) {
        if (put(tuple, (Py_ssize_t)i, elf_string(elf, list->items[i])) < 0) {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

/* ((place among needed, 1 for DT_AUXILIARY or 2 for DT_FILTER, name), …) */
static PyObject *
filters(const struct nl_elf *elf)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)elf->filters.count / 3);
    for (uint32_t i = 0; tuple != NULL && i < elf->filters.count; i += 3) {
        const uint32_t *item = elf->filters.items + i;
        PyObject *entry = PyTuple_New(3);
        if (entry == NULL || put(entry, 0, PyLong_FromUnsignedLong(item[1])) < 0
            || put(entry, 1, PyLong_FromUnsignedLong(item[0])) < 0 || put(entry, 2, elf_string(elf, item[2])) < 0) {
            Py_CLEAR(entry);
        }
        if (put(tuple, (Py_ssize_t)i / 3, entry) < 0) {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

/* ((version, weak), …) of `count` versions. */
static PyObject *
versions(const struct nl_elf *elf, const uint32_t *items, uint32_t count)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (uint32_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *weak = PyBool_FromLong((long)items[2 * i + 1]);
        if (put(tuple, (Py_ssize_t)i, pair(elf_string(elf, items[2 * i]), weak)) < 0) {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

static PyObject *
verneed(const struct nl_elf *elf)
{
    const struct nl_list *list = &elf->verneed;
    Py_ssize_t files = 0;
    for (uint32_t i = 0; i < list->count; i += 2 + 2 * list->items[i + 1]) {
        files++;
    }
    PyObject *tuple = PyTuple_New(files);
    const uint32_t *item = list->items;
    for (Py_ssize_t i = 0; tuple != NULL && i < files; i++) {
        PyObject *needed = versions(elf, item + 2, item[1]);
        if (put(tuple, i, needed == NULL ? NULL : pair(elf_string(elf, item[0]), needed)) < 0) {
            Py_CLEAR(tuple);
        }
        item += 2 + 2 * item[1];
    }
    return tuple;
}

static PyObject *
build_id(const struct nl_elf *elf)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * NL_MOST_BUILD_ID];
    for (uint32_t i = 0; i < elf->build_id_size; i++) {
        hex[2 * i] = digits[elf->build_id[i] >> 4];
        hex[2 * i + 1] = digits[elf->build_id[i] & 15];
    }
    return elf->build_id_size == 0 ? Py_NewRef(Py_None)
                                   : PyUnicode_FromStringAndSize(hex, 2 * (Py_ssize_t)elf->build_id_size);
}

static PyObject *
booleans(const bool *items, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        if (put(tuple, i, PyBool_FromLong(items[i])) < 0) {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

static PyObject *
signature(const struct nl_signature *s)
{
    return Py_BuildValue("KKKLL", (unsigned long long)s->dev, (unsigned long long)s->ino, (unsigned long long)s->size,
                         (long long)s->mtime_ns, (long long)s->ctime_ns);
}

/* The tuple that the contract describes. */
static PyObject *
facts(const struct inspection *work)
{
    const struct nl_elf *elf = &work->elf;
    PyObject *tuple = PyTuple_New(19);
    if (tuple == NULL) {
        return NULL;
    }
    if (put(tuple, 0, PyLong_FromLong(elf->wide ? 64 : 32)) < 0
        || put(tuple, 1, PyUnicode_FromString(elf->big ? "big" : "little")) < 0
        || put(tuple, 2, PyLong_FromLong(elf->machine)) < 0
        || put(tuple, 3, PyLong_FromUnsignedLong(elf->flags)) < 0
        || put(tuple, 4, PyLong_FromLong(elf->type)) < 0
        || put(tuple, 5, PyLong_FromLong(elf->osabi)) < 0
        || put(tuple, 6, elf_string(elf, elf->interp)) < 0
        || put(tuple, 7, elf_string(elf, elf->soname)) < 0
        || put(tuple, 8, elf_strings(elf, &elf->needed)) < 0
        || put(tuple, 9, filters(elf)) < 0
        || put(tuple, 10, elf_string(elf, elf->rpath)) < 0
        || put(tuple, 11, elf_string(elf, elf->runpath)) < 0
        || put(tuple, 12, PyLong_FromUnsignedLongLong(elf->dynamic[NL_FLAGS_1])) < 0
        || put(tuple, 13, verneed(elf)) < 0
        || put(tuple, 14, elf_strings(elf, &elf->verdef)) < 0
        || put(tuple, 15, PyLong_FromUnsignedLong(elf->isa_needed)) < 0
        || put(tuple, 16, build_id(elf)) < 0
        || put(tuple, 17, booleans(work->found, work->count)) < 0
        || put(tuple, 18, signature(&elf->file.signature)) < 0) {
        Py_CLEAR(tuple);
    }
    return tuple;
}

/* Encodes the tuple of symbol names into `work`. Returns 0, or -1 with an exception set. */
static int
take_names(struct inspection *work, PyObject *names)
{
    if (!PyTuple_Check(names)) {
        PyErr_Format(PyExc_TypeError, "symbols must be a tuple of str, not %R", (PyObject *)Py_TYPE(names));
        return -1;
    }
    work->count = PyTuple_Size(names);
    work->names = PyTuple_New(work->count);
    if (work->names == NULL || work->count == 0) {
        return work->names == NULL ? -1 : 0;
    }
    work->wanted = PyMem_Calloc((size_t)work->count, sizeof *work->wanted);
    work->lengths = PyMem_Calloc((size_t)work->count, sizeof *work->lengths);
    work->found = PyMem_Calloc((size_t)work->count, sizeof *work->found);
    if (work->wanted == NULL || work->lengths == NULL || work->found == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < work->count; i++) {
        PyObject *bytes = encode(PyTuple_GetItem(names, i));
        if (put(work->names, i, bytes) < 0) {
            return -1;
        }
        work->wanted[i] = PyBytes_AsString(bytes);
        work->lengths[i] = (size_t)PyBytes_Size(bytes);
    }
    return 0;
}

/* Reads the file. Runs without the GIL. */
static enum nl_status
inspect(struct inspection *work, const char *path)
{
    enum nl_status status = nl_elf_open(&work->elf, path);
    if (status == NL_OK) {
        status = nl_versions_read(&work->elf);
    }
    if (status == NL_OK && work->count > 0) {
        status = nl_symbols_open(&work->elf, &work->symbols);
    }
    for (Py_ssize_t i = 0; status == NL_OK && i < work->count; i++) {
        status = nl_symbols_find(&work->elf, &work->symbols, work->wanted[i], work->lengths[i], &work->found[i]);
    }
    return status;
}

static PyObject *
native_image(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct inspection work;
    const char *path;
    PyObject *result = NULL;
    enum nl_status status;
    (void)module;
    work.names = NULL;
    work.wanted = NULL;
    work.lengths = NULL;
    work.found = NULL;
    work.count = 0;
    if (check_count("image", count, 1, 2) < 0) {
        return NULL;
    }
    PyObject *bytes = encode_path(args[0], &path);
    if (bytes == NULL || (count > 1 && take_names(&work, args[1]) < 0)) {
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    status = inspect(&work, path);
    nl_file_close(&work.elf.file);
    Py_END_ALLOW_THREADS
    result = status == NL_OK ? facts(&work) : raise_status(status, &work.elf.file.fault, args[0]);
    nl_elf_close(&work.elf);
done:
    PyMem_Free(work.wanted);
    PyMem_Free(work.lengths);
    PyMem_Free(work.found);
    Py_XDECREF(work.names);
    Py_XDECREF(bytes);
    return result;
}

/* ---- exports ---- */

static PyObject *
export_list(const struct nl_exports *exports)
{
    PyObject *list = PyList_New((Py_ssize_t)exports->count);
    for (size_t i = 0; list != NULL && i < exports->count; i++) {
        PyObject *name = decode(exports->names[i]);
        if (name == NULL || PyList_SetItem(list, (Py_ssize_t)i, name) < 0) {
            Py_CLEAR(list);
        }
    }
    /* by bytes they are sorted already; by characters they are not where one could not be decoded */
    if (list != NULL && PyList_Sort(list) < 0) {
        Py_CLEAR(list);
    }
    return list;
}

static PyObject *
native_exports(PyObject *module, PyObject *argument)
{
    struct nl_elf elf;
    struct nl_symbols symbols;
    struct nl_exports exports = {.count = 0};
    const char *path;
    PyObject *result = NULL;
    enum nl_status status;
    (void)module;
    PyObject *bytes = encode_path(argument, &path);
    if (bytes == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = nl_elf_open(&elf, path);
    if (status == NL_OK) {
        status = nl_symbols_open(&elf, &symbols);
    }
    if (status == NL_OK) {
        status = nl_exports_read(&elf, &symbols, &exports);
    }
    Py_END_ALLOW_THREADS
    result = status == NL_OK ? export_list(&exports) : raise_status(status, &elf.file.fault, argument);
    nl_exports_free(&exports);
    nl_elf_close(&elf);
    Py_DECREF(bytes);
    return result;
}

/* ---- ld.so.cache ---- */

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

static PyObject *
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

static PyObject *
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

static PyObject *
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

static PyObject *
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

static PyObject *
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

/* ---- process: the GIL is released wherever the linker's lock is taken, because a constructor that waits for the
 * GIL may run under it ---- */

/* What the module keeps, in each interpreter: the link map as it was when it had this version. */
struct state {
    PyObject *linkmap;
    uint64_t version;
};

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

static PyObject *
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

static int
state_clear(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    Py_CLEAR(state->linkmap);
    return 0;
}

static void
state_free(void *module)
{
    state_clear(module);
}

static PyObject *
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

static PyObject *
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

static PyObject *
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

static PyObject *
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

static PyObject *
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

static PyObject *
native_libc(PyObject *module, PyObject *unused)
{
    const char *version, *name = nl_libc(&version);
    (void)module;
    (void)unused;
    return Py_BuildValue("ss", name, version);
}

static PyObject *
native_isa_level(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLong(nl_isa_level());
}

/* ---- linkers ---- */

#define LINKER "nativeload._native.linker"

/* A linker: its rules, what it has read, and the strings that the rules point into. */
struct linker {
    struct nl_rules rules;
    struct nl_images images;
    PyObject *strings;
    PyThread_type_lock lock;
};

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
        close(linker->images.root);
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

/* A C string that lives as long as the linker; NULL with an exception set. */
static const char *
kept_string(struct linker *linker, PyObject *text)
{
    const char *c = NULL;
    PyObject *bytes = encode_path(text, &c);
    int failed = bytes == NULL || PyList_Append(linker->strings, bytes) < 0;
    Py_XDECREF(bytes);
    return failed ? NULL : c;
}

/* Returns 0, or -1 with an exception set. */
static int
take_texts(struct linker *linker, PyObject *tuple, struct nl_texts *texts)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *c = kept_string(linker, PyTuple_GetItem(tuple, i));
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

/* Reads the rules' fields. Returns 0, or -1 with an exception set. */
static int
take_rules(struct linker *linker, PyObject *tuple)
{
    struct nl_rules *rules = &linker->rules;
    PyObject *path, *defaults, *subdirectories, *hwcaps, *program, *lib, *platform, *self, *cache, *root;
    int musl, wide, big, secure, machine;
    char *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(tuple, "pppipO!O!O!O!O!UUUSiU", &musl, &wide, &big, &machine, &secure, &PyTuple_Type, &path,
                          &PyTuple_Type, &defaults, &PyTuple_Type, &subdirectories, &PyTuple_Type, &hwcaps,
                          &PyTuple_Type, &program, &lib, &platform, &self, &cache, &rules->cache_flags, &root)) {
        return -1;
    }
    rules->musl = musl;
    rules->wide = wide;
    rules->big = big;
    rules->secure = secure;
    rules->machine = (uint16_t)machine;
    if (take_texts(linker, path, &rules->library_path) < 0 || take_texts(linker, defaults, &rules->defaults) < 0
        || take_texts(linker, subdirectories, &rules->subdirectories) < 0
        || take_texts(linker, hwcaps, &rules->hwcaps) < 0 || take_texts(linker, program, &rules->program_rpath) < 0
        || (rules->lib = kept_string(linker, lib)) == NULL || (rules->platform = kept_string(linker, platform)) == NULL
        || (rules->self = kept_string(linker, self)) == NULL || PyList_Append(linker->strings, cache) < 0
        || PyBytes_AsStringAndSize(cache, &bytes, &size) < 0) {
        return -1;
    }
    rules->cache = (const unsigned char *)bytes;
    rules->cache_size = (size_t)size;
    const char *directory = kept_string(linker, root);
    if (directory == NULL || *directory == '\0') {
        return directory == NULL ? -1 : 0;
    }
    linker->images.root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (linker->images.root < 0) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, root);
        return -1;
    }
    return 0;
}

static PyObject *
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

/* ---- walks ---- */

enum { WALK_PROCESS = 1, WALK_RECORD = 2, WALK_AGAIN = 4, WALK_TERSE = 8 };

/* Each node's place in the order. NULL without memory. */
static Py_ssize_t *
places_of(const struct nl_walk *walk, Py_ssize_t *count)
{
    Py_ssize_t *places = PyMem_Calloc(walk->node_count + 1, sizeof *places);
    *count = 0;
    for (int32_t at = walk->first; places != NULL && at >= 0; at = walk->nodes[at].next) {
        places[at] = (*count)++;
    }
    return places;
}

static PyObject *
edge_tries(const struct nl_walk *walk, const struct nl_edge *edge)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)edge->try_count);
    for (uint32_t i = 0; tuple != NULL && i < edge->try_count; i++) {
        const struct nl_try *one = &walk->tries[edge->tries + i];
        PyObject *entry = PyTuple_New(3);
        if (entry == NULL || put(entry, 0, decode(one->path)) < 0 || put(entry, 1, PyLong_FromLong(one->how)) < 0
            || put(entry, 2, decode(one->why)) < 0) {
            Py_CLEAR(entry);
        }
        if (put(tuple, (Py_ssize_t)i, entry) < 0) {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

/* (name, path, how, owner, fatal, kind, tries) */
static PyObject *
edge_tuple(const struct nl_walk *walk, const struct nl_edge *edge, const Py_ssize_t *places, PyObject *paths)
{
    PyObject *tuple = PyTuple_New(7);
    PyObject *path = edge->node >= 0 ? Py_NewRef(PyTuple_GetItem(paths, places[edge->node])) : decode(edge->path);
    if (tuple == NULL || put(tuple, 1, path) < 0 || put(tuple, 0, decode(edge->name)) < 0
        || put(tuple, 2, PyLong_FromLong(edge->how)) < 0
        || put(tuple, 3, PyLong_FromSsize_t(edge->owner < 0 ? -1 : places[edge->owner])) < 0
        || put(tuple, 4, decode(edge->fatal)) < 0 || put(tuple, 5, PyLong_FromLong(edge->kind)) < 0
        || put(tuple, 6, edge_tries(walk, edge)) < 0) {
        Py_CLEAR(tuple);
    }
    return tuple;
}

/* (path, soname, the ISA level it needs, its edges) */
static PyObject *
node_tuple(const struct nl_walk *walk, const struct nl_node *node, const Py_ssize_t *places, PyObject *paths, PyObject *path)
{
    PyObject *tuple = PyTuple_New(4), *edges = PyTuple_New((Py_ssize_t)node->edge_count);
    for (uint32_t i = 0; edges != NULL && i < node->edge_count; i++) {
        if (put(edges, (Py_ssize_t)i, edge_tuple(walk, &walk->edges[node->edges + i], places, paths)) < 0) {
            Py_CLEAR(edges);
        }
    }
    if (tuple == NULL) {
        Py_XDECREF(edges);
    } else if (put(tuple, 3, edges) < 0 || put(tuple, 0, Py_NewRef(path)) < 0
               || put(tuple, 1, decode(nl_text(node->facts, node->facts->soname))) < 0
               || put(tuple, 2, PyLong_FromUnsignedLong(node->facts->isa_needed)) < 0) {
        Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *
lack_tuples(const struct nl_walk *walk, const Py_ssize_t *places)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)walk->lack_count);
    for (uint32_t i = 0; tuple != NULL && i < walk->lack_count; i++) {
        const struct nl_lack *lack = &walk->lacks[i];
        PyObject *entry = PyTuple_New(4);
        if (entry == NULL || put(entry, 0, PyLong_FromSsize_t(places[lack->node])) < 0
            || put(entry, 1, decode(lack->file)) < 0 || put(entry, 2, decode(lack->version)) < 0
            || put(entry, 3, decode(lack->giver)) < 0) {
            Py_CLEAR(entry);
        }
        if (put(tuple, (Py_ssize_t)i, entry) < 0) {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

static PyObject *
walk_tuple(const struct nl_walk *walk)
{
    Py_ssize_t count, at = 0;
    Py_ssize_t *places = places_of(walk, &count);
    PyObject *paths = places == NULL ? PyErr_NoMemory() : PyTuple_New(count);
    PyObject *images = paths == NULL ? NULL : PyTuple_New(count);
    for (int32_t i = walk->first; images != NULL && i >= 0; i = walk->nodes[i].next) {
        if (put(paths, at++, decode(walk->nodes[i].path)) < 0) {
            Py_CLEAR(images);
        }
    }
    at = 0;
    for (int32_t i = walk->first; images != NULL && i >= 0; i = walk->nodes[i].next, at++) {
        if (put(images, at, node_tuple(walk, &walk->nodes[i], places, paths, PyTuple_GetItem(paths, at))) < 0) {
            Py_CLEAR(images);
        }
    }
    Py_XDECREF(paths);
    PyObject *result = images == NULL ? NULL : pair(images, lack_tuples(walk, places));
    PyMem_Free(places);
    return result;
}

/* Whether everything was found and every version is given: then a terse answer is None. */
static bool
walk_is_complete(const struct nl_walk *walk, int isa_level)
{
    bool complete = !walk->fatal && walk->lack_count == 0;
    for (uint32_t i = 0; complete && i < walk->edge_count; i++) {
        const struct nl_edge *edge = &walk->edges[i];
        complete = edge->kind == NL_AUXILIARY || (edge->path != NULL && *edge->path == '/');
    }
    for (uint32_t i = 0; complete && i < walk->node_count; i++) {
        complete = isa_level == 0 || walk->nodes[i].facts->isa_needed <= (uint32_t)isa_level;
    }
    return complete;
}

/* Takes (name, path) pairs as images that are there. */
static int
take_known(struct nl_walk *walk, PyObject *known)
{
    Py_ssize_t count = PyTuple_Size(known);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name, *path, *name_bytes = NULL, *path_bytes = NULL;
        const char *c_name, *c_path;
        enum nl_status status = NL_OS_ERROR;
        if (PyArg_ParseTuple(PyTuple_GetItem(known, i), "UU", &name, &path)
            && (name_bytes = encode_path(name, &c_name)) != NULL && (path_bytes = encode_path(path, &c_path)) != NULL) {
            status = nl_walk_known(walk, c_name, c_path);
        }
        Py_XDECREF(name_bytes);
        Py_XDECREF(path_bytes);
        if (status != NL_OK) {
            if (status == NL_NO_MEMORY) {
                PyErr_NoMemory();
            }
            return -1;
        }
    }
    return count < 0 ? -1 : 0;
}

/* Opens one group of paths after the other. */
static enum nl_status
open_groups(struct nl_walk *walk, const struct nl_texts *groups, Py_ssize_t count)
{
    enum nl_status status = walk->process ? nl_walk_process(walk) : NL_OK;
    walk->first = walk->last = -1;
    for (Py_ssize_t i = 0; status == NL_OK && i < count && !walk->fatal; i++) {
        status = nl_walk_open(walk, groups[i].items, groups[i].count);
    }
    return status == NL_OK ? nl_walk_versions(walk) : status;
}

/* What a walk is given, and what is found out without the GIL. */
struct journey {
    struct linker *linker;
    struct nl_walk walk;
    struct nl_texts *groups;
    Py_ssize_t count;
    struct linker paths; /* of the groups and the scope: only `strings` is used */
    long options;
    bool symbols;         /* look for undefined symbols too */
    struct nl_texts scope;
    struct nl_wants wants;
};

/* The symbols that the last group's file wants, and that neither the scope nor what would be mapped gives. */
static enum nl_status
look_for_symbols(struct journey *journey)
{
    const struct nl_walk *walk = &journey->walk;
    struct nl_texts scope = {.count = 0};
    enum nl_status status = NL_OK;
    for (uint32_t i = 0; status == NL_OK && i < journey->scope.count; i++) {
        status = nl_texts_add(&scope, journey->scope.items[i]);
    }
    for (int32_t at = walk->first; status == NL_OK && at >= 0; at = walk->nodes[at].next) {
        status = nl_texts_add(&scope, walk->nodes[at].path);
    }
    if (status == NL_OK) {
        const char *path = journey->groups[journey->count - 1].items[0];
        status = nl_undefined(walk->images, path, scope.items, scope.count, &journey->wants);
    }
    free(scope.items);
    return status;
}

/* Walks, without the GIL and under the linker's lock. Returns 0, or -1 with an exception set. What was read stays
 * until journey_end, so that Python's objects are made without the lock. */
static int
journey_go(struct journey *journey)
{
    struct linker *linker = journey->linker;
    struct nl_fault fault;
    enum nl_status status;
    Py_BEGIN_ALLOW_THREADS
    PyThread_acquire_lock(linker->lock, WAIT_LOCK);
    linker->images.users++;
    if (!(journey->options & WALK_AGAIN)) {
        nl_images_next_round(&linker->images);
    }
    linker->images.symbols = linker->images.symbols || journey->symbols;
    status = open_groups(&journey->walk, journey->groups, journey->count);
    if (status == NL_OK && journey->symbols) {
        status = look_for_symbols(journey);
    }
    fault = linker->images.fault;
    PyThread_release_lock(linker->lock);
    Py_END_ALLOW_THREADS
    if (status != NL_OK) {
        raise_status(status, &fault, NULL);
        return -1;
    }
    return 0;
}

/* Reads the arguments (linker, groups, known or scope, options). Returns 0, or -1 with an exception set; call
 * journey_end in any case. */
static int
journey_start(struct journey *journey, PyObject *const *args)
{
    journey->linker = PyCapsule_GetPointer(args[0], LINKER);
    journey->options = PyLong_AsLong(args[3]);
    if (journey->linker == NULL || (journey->options == -1 && PyErr_Occurred())) {
        return -1;
    }
    if (!PyTuple_Check(args[1]) || !PyTuple_Check(args[2])) {
        PyErr_SetString(PyExc_TypeError, "groups and what follows must be tuples");
        return -1;
    }
    journey->walk = (struct nl_walk){
        .rules = &journey->linker->rules,
        .images = &journey->linker->images,
        .process = journey->options & WALK_PROCESS,
        .record = journey->options & WALK_RECORD,
        .first = -1,
        .last = -1,
    };
    journey->count = PyTuple_Size(args[1]);
    journey->groups = PyMem_Calloc((size_t)journey->count + 1, sizeof *journey->groups);
    journey->paths.strings = PyList_New(0);
    if (journey->groups == NULL || journey->paths.strings == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < journey->count; i++) {
        PyObject *group = PyTuple_GetItem(args[1], i);
        if (!PyTuple_Check(group) || PyTuple_Size(group) == 0) {
            PyErr_SetString(PyExc_TypeError, "groups is a tuple of tuples of str");
            return -1;
        }
        if (take_texts(&journey->paths, group, &journey->groups[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static void
journey_end(struct journey *journey, bool gone)
{
    for (Py_ssize_t i = 0; journey->groups != NULL && i < journey->count; i++) {
        free(journey->groups[i].items);
    }
    PyMem_Free(journey->groups);
    free(journey->scope.items);
    free(journey->wants.items);
    nl_walk_free(&journey->walk);
    if (gone) { /* nobody who has the lock waits for the GIL */
        PyThread_acquire_lock(journey->linker->lock, WAIT_LOCK);
        journey->linker->images.users--;
        PyThread_release_lock(journey->linker->lock);
    }
    Py_XDECREF(journey->paths.strings);
}

static PyObject *
terse_walk(const struct journey *journey)
{
    if (journey->options & WALK_TERSE && walk_is_complete(&journey->walk, nl_isa_level())) {
        return Py_NewRef(Py_None);
    }
    return walk_tuple(&journey->walk);
}

static PyObject *
native_walk(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct journey journey = {.count = 0};
    PyObject *result = NULL;
    bool gone = false;
    (void)module;
    if (check_count("walk", count, 4, 4) < 0) {
        return NULL;
    }
    if (journey_start(&journey, args) == 0 && take_known(&journey.walk, args[2]) == 0) {
        gone = true;
        result = journey_go(&journey) == 0 ? terse_walk(&journey) : NULL;
    }
    journey_end(&journey, gone);
    return result;
}

/* ---- undefined symbols ---- */

static PyObject *
want_tuples(const struct nl_wants *wants)
{
    PyObject *result = PyTuple_New((Py_ssize_t)wants->count);
    for (uint32_t i = 0; result != NULL && i < wants->count; i++) {
        PyObject *weak = PyBool_FromLong(wants->items[i].weak);
        if (put(result, (Py_ssize_t)i, pair(decode(wants->items[i].name), weak)) < 0) {
            Py_CLEAR(result);
        }
    }
    return result;
}

/* The path of each node, in load order. */
static PyObject *
node_paths(const struct nl_walk *walk)
{
    PyObject *paths = PyTuple_New((Py_ssize_t)walk->node_count);
    Py_ssize_t at = 0;
    for (int32_t i = walk->first; paths != NULL && i >= 0; i = walk->nodes[i].next) {
        if (put(paths, at++, decode(walk->nodes[i].path)) < 0) {
            Py_CLEAR(paths);
        }
    }
    return paths;
}

static PyObject *
native_check(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct journey journey = {.symbols = true};
    PyObject *result = NULL;
    bool gone = false;
    (void)module;
    if (check_count("check", count, 4, 4) < 0) {
        return NULL;
    }
    if (journey_start(&journey, args) == 0 && take_texts(&journey.paths, args[2], &journey.scope) == 0) {
        gone = true;
        if (journey_go(&journey) == 0 && (result = PyTuple_New(3)) != NULL
            && (put(result, 0, node_paths(&journey.walk)) < 0 || put(result, 1, terse_walk(&journey)) < 0
                || put(result, 2, want_tuples(&journey.wants)) < 0)) {
            Py_CLEAR(result);
        }
    }
    journey_end(&journey, gone);
    return result;
}

static PyObject *
native_undefined(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct journey journey = {.count = 0};
    struct nl_fault fault;
    enum nl_status status;
    const char *path;
    (void)module;
    if (check_count("undefined", count, 3, 3) < 0) {
        return NULL;
    }
    struct linker *linker = journey.linker = PyCapsule_GetPointer(args[0], LINKER);
    PyObject *bytes = linker == NULL ? NULL : encode_path(args[1], &path);
    journey.paths.strings = bytes == NULL ? NULL : PyList_New(0);
    PyObject *result = NULL;
    bool gone = journey.paths.strings != NULL && take_texts(&journey.paths, args[2], &journey.scope) == 0;
    if (gone) {
        Py_BEGIN_ALLOW_THREADS
        PyThread_acquire_lock(linker->lock, WAIT_LOCK);
        linker->images.users++;
        status = nl_undefined(&linker->images, path, journey.scope.items, journey.scope.count, &journey.wants);
        fault = linker->images.fault;
        PyThread_release_lock(linker->lock);
        Py_END_ALLOW_THREADS
        result = status == NL_OK ? want_tuples(&journey.wants) : raise_status(status, &fault, args[1]);
    }
    journey_end(&journey, gone);
    Py_XDECREF(bytes);
    return result;
}

/* ---- kept answers ---- */

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

static PyObject *
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

/* ---- scan ---- */

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

static PyObject *
native_scan(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct nl_scan scan;
    struct nl_fault fault = {.os_errno = 0};
    const char *directory;
    PyObject *bytes = NULL, *group = NULL, *section = NULL, *result = NULL;
    enum nl_status status;
    (void)module;
    if (check_count("scan", count, 2, 2) < 0) {
        return NULL;
    }
    bytes = encode_path(args[0], &directory);
    group = bytes == NULL ? NULL : encode(args[1]);
    section = group == NULL ? NULL : PyBytes_FromStringAndSize(NULL, PyBytes_Size(group) + 2);
    if (section == NULL) {
        goto done;
    }
    char *wanted = PyBytes_AsString(section);
    size_t length = (size_t)PyBytes_Size(section);
    memcpy(wanted + 1, PyBytes_AsString(group), length - 2);
    wanted[0] = '[';
    wanted[length - 1] = ']';
    Py_BEGIN_ALLOW_THREADS
    status = nl_scan_read(&scan, directory, wanted, length, &fault);
    Py_END_ALLOW_THREADS
    result = status == NL_OK ? scan_list(&scan) : raise_status(status, &fault, args[0]);
    nl_scan_free(&scan);
done:
    Py_XDECREF(bytes);
    Py_XDECREF(group);
    Py_XDECREF(section);
    return result;
}

/* ---- module ---- */

#define FAST(function) ((PyCFunction)(void (*)(void))function)

static PyMethodDef methods[] = {
    {"image", FAST(native_image), METH_FASTCALL, PyDoc_STR("The facts of one ELF file's headers.")},
    {"exports", native_exports, METH_O, PyDoc_STR("The names of every exported dynamic symbol, sorted.")},
    {"ldcache_search", FAST(native_ldcache_search), METH_FASTCALL, PyDoc_STR("Entries of an ld.so.cache by name.")},
    {"recall", FAST(native_recall), METH_FASTCALL, PyDoc_STR("An answer kept on disk that still holds, or None.")},
    {"linkmap", native_linkmap, METH_NOARGS, PyDoc_STR("(path, soname) of every image in this process.")},
    {"searched", native_searched, METH_NOARGS, PyDoc_STR("The directories that a dlopen searches.")},
    {"search_path", native_search_path, METH_NOARGS, PyDoc_STR("(directory, kind) that a dlopen searches.")},
    {"dlopen", FAST(native_dlopen), METH_FASTCALL, PyDoc_STR("A handle. Raises OSError with dlerror's text.")},
    {"loaded_handle", native_loaded_handle, METH_O, PyDoc_STR("The handle of a mapped image, or None.")},
    {"dlsym", FAST(native_dlsym), METH_FASTCALL, PyDoc_STR("The address of a symbol, or None.")},
    {"libc", native_libc, METH_NOARGS, PyDoc_STR("The name and version of this process's C library.")},
    {"isa_level", native_isa_level, METH_NOARGS, PyDoc_STR("The x86-64 psABI level of this machine, or 0.")},
    {"scan", FAST(native_scan), METH_FASTCALL, PyDoc_STR("Metadata directories and their entry points.")},
    {"signature", native_signature, METH_O, PyDoc_STR("A path's present state, or '-'.")},
    {"linker", native_linker, METH_O, PyDoc_STR("A linker of these rules, for `walk`.")},
    {"walk", FAST(native_walk), METH_FASTCALL, PyDoc_STR("What a linker would map for files, in order.")},
    {"signatures", native_signatures, METH_O, PyDoc_STR("The present state of each path of a tuple.")},
    {"real_name", native_real_name, METH_O, PyDoc_STR("The file name at the end of a chain of symbolic links.")},
    {"check", FAST(native_check), METH_FASTCALL, PyDoc_STR("A walk, and the symbols that nothing gives.")},
    {"undefined", FAST(native_undefined), METH_FASTCALL, PyDoc_STR("The symbols that a file wants and a scope lacks.")},
    {"digest", native_digest, METH_O, PyDoc_STR("FNV-1a, 64 bits, as 16 hex digits.")},
    {NULL, NULL, 0, NULL},
};

/* Python 3.11 refuses a slot it does not know, and headers of 3.11 do not name what 3.12 offers. */
#ifndef Py_mod_multiple_interpreters
#define Py_mod_multiple_interpreters 3
#endif
#define PER_INTERPRETER_GIL ((void *)2)

static PyModuleDef_Slot slots_3_11[] = {
    {0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_multiple_interpreters, PER_INTERPRETER_GIL},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_3_11 = {
    PyModuleDef_HEAD_INIT,
    .m_name = "nativeload._native",
    .m_size = sizeof(struct state),
    .m_methods = methods,
    .m_clear = state_clear,
    .m_free = state_free,
    .m_slots = slots_3_11,
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "nativeload._native",
    .m_size = sizeof(struct state),
    .m_methods = methods,
    .m_clear = state_clear,
    .m_free = state_free,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(Py_Version >= 0x030c0000 ? &module_def : &module_3_11);
}
