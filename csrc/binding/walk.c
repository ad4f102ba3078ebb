/* Walks, and the symbols that nothing gives. */
#include "binding.h"

#include <stdlib.h>
#include <string.h>

#include "../process.h"
#include "../undefined.h"

enum { WALK_PROCESS = 1, WALK_RECORD = 2, WALK_AGAIN = 4, WALK_TERSE = 8, WALK_OWN = 16 };

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
    PyObject *strings; /* keeps the paths of the groups and the scope */
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
        status = nl_undefined(walk->images, path, scope.items, scope.count, walk->rules->musl,
                              &journey->wants);
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
        .own = journey->options & WALK_OWN,
        .first = -1,
        .last = -1,
    };
    journey->count = PyTuple_Size(args[1]);
    journey->groups = PyMem_Calloc((size_t)journey->count + 1, sizeof *journey->groups);
    journey->strings = PyList_New(0);
    if (journey->groups == NULL || journey->strings == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < journey->count; i++) {
        PyObject *group = PyTuple_GetItem(args[1], i);
        if (!PyTuple_Check(group) || PyTuple_Size(group) == 0) {
            PyErr_SetString(PyExc_TypeError, "groups is a tuple of tuples of str");
            return -1;
        }
        if (take_texts(journey->strings, group, &journey->groups[i]) < 0) {
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
    Py_XDECREF(journey->strings);
}

static PyObject *
terse_walk(const struct journey *journey)
{
    if (journey->options & WALK_TERSE && walk_is_complete(&journey->walk, nl_isa_level())) {
        return Py_NewRef(Py_None);
    }
    return walk_tuple(&journey->walk);
}

PyObject *
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

/* The soname of the file that was walked, where this process's linker maps it and all is well; else None. */
static PyObject *
soname_if_well(const struct journey *journey)
{
    const struct nl_walk *walk = &journey->walk;
    const struct nl_facts *facts = walk->node_count > 0 ? walk->nodes[0].facts : NULL;
    bool next;
    if (facts == NULL || nl_refusal(walk->rules, facts, false, &next) != NULL || next
        || !walk_is_complete(walk, nl_isa_level())) {
        return Py_NewRef(Py_None);
    }
    return facts->soname == 0 ? PyUnicode_FromString("") : decode(nl_text(facts, facts->soname));
}

PyObject *
native_fits(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct journey journey = {.count = 0};
    (void)module;
    if (check_count("fits", count, 2, 2) < 0) {
        return NULL;
    }
    PyObject *group = PyTuple_Pack(1, args[1]), *groups = group == NULL ? NULL : PyTuple_Pack(1, group);
    PyObject *options = PyLong_FromLong(WALK_PROCESS | WALK_OWN), *result = NULL;
    PyObject *const given[] = {args[0], groups, group, options};
    bool gone = groups != NULL && options != NULL && journey_start(&journey, given) == 0;
    if (gone && journey_go(&journey) == 0) {
        result = soname_if_well(&journey);
    } else if (PyErr_ExceptionMatches(PyExc_OSError) || PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    if (journey.linker != NULL) {
        journey_end(&journey, gone);
    }
    Py_XDECREF(options);
    Py_XDECREF(groups);
    Py_XDECREF(group);
    return result;
}

/* A symbol's name, as readelf has it where a version is wanted: "name@version". */
static PyObject *
want_name(const struct nl_want *want)
{
    if (want->version == NULL) {
        return decode(want->name);
    }
    size_t size = strlen(want->name) + strlen(want->version) + 2;
    char *text = PyMem_Malloc(size);
    if (text == NULL) {
        return PyErr_NoMemory();
    }
    snprintf(text, size, "%s@%s", want->name, want->version);
    PyObject *name = decode(text);
    PyMem_Free(text);
    return name;
}

static PyObject *
want_tuples(const struct nl_wants *wants)
{
    PyObject *result = PyTuple_New((Py_ssize_t)wants->count);
    for (uint32_t i = 0; result != NULL && i < wants->count; i++) {
        PyObject *weak = PyBool_FromLong(wants->items[i].weak);
        if (put(result, (Py_ssize_t)i, pair(want_name(&wants->items[i]), weak)) < 0) {
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

PyObject *
native_check(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct journey journey = {.symbols = true};
    PyObject *result = NULL;
    bool gone = false;
    (void)module;
    if (check_count("check", count, 4, 4) < 0) {
        return NULL;
    }
    if (journey_start(&journey, args) == 0 && take_texts(journey.strings, args[2], &journey.scope) == 0) {
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

PyObject *
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
    journey.strings = bytes == NULL ? NULL : PyList_New(0);
    PyObject *result = NULL;
    bool gone = journey.strings != NULL && take_texts(journey.strings, args[2], &journey.scope) == 0;
    if (gone) {
        Py_BEGIN_ALLOW_THREADS
        PyThread_acquire_lock(linker->lock, WAIT_LOCK);
        linker->images.users++;
        status = nl_undefined(&linker->images, path, journey.scope.items, journey.scope.count,
                              linker->rules.musl, &journey.wants);
        fault = linker->images.fault;
        PyThread_release_lock(linker->lock);
        Py_END_ALLOW_THREADS
        result = status == NL_OK ? want_tuples(&journey.wants) : raise_status(status, &fault, args[1]);
    }
    journey_end(&journey, gone);
    Py_XDECREF(bytes);
    return result;
}
