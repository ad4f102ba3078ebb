/* The facts and the exports of one file. */
#include "binding.h"

#include <stdlib.h>

#include "../elf.h"
#include "../exports.h"
#include "../symbols.h"
#include "../versions.h"

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

PyObject *
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

PyObject *
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
