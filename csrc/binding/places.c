/* Directories that are searched. */
#include "binding.h"

#include <stdlib.h>
#include <string.h>

#include "../places.h"

#define PLACES "nativeload._native.places"

struct searched {
    struct nl_places places;
    struct nl_texts directories;
    struct nl_texts subdirectories;
    PyObject *strings; /* that these point into */
    PyObject *watched; /* (path, state, path, state …) as they were at a version of the places; NULL before the first */
    uint64_t version;
    PyThread_type_lock lock;
};

/* What one look gives, copied while nobody else looks. */
struct look {
    struct nl_texts first;
    struct nl_finds finds;
    char **paths; /* of the finds */
    uint32_t *directories;
    char **watched; /* path, state, path, state …; NULL where they are those of `version` */
    uint32_t watched_count;
    uint64_t version;
    PyObject *strings;
};

static void
searched_free(struct searched *searched)
{
    nl_places_free(&searched->places);
    free(searched->directories.items);
    free(searched->subdirectories.items);
    if (searched->lock != NULL) {
        PyThread_free_lock(searched->lock);
    }
    Py_XDECREF(searched->strings);
    Py_XDECREF(searched->watched);
    PyMem_Free(searched);
}

static void
searched_destroy(PyObject *capsule)
{
    searched_free(PyCapsule_GetPointer(capsule, PLACES));
}

PyObject *
native_places(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    PyObject *capsule = NULL;
    (void)module;
    if (check_count("places", count, 2, 2) < 0) {
        return NULL;
    }
    struct searched *searched = PyMem_Calloc(1, sizeof *searched);
    if (searched == NULL) {
        return PyErr_NoMemory();
    }
    searched->strings = PyList_New(0);
    searched->lock = PyThread_allocate_lock();
    if (searched->lock == NULL) {
        PyErr_NoMemory();
    } else if (searched->strings != NULL && take_texts(searched->strings, args[0], &searched->directories) == 0
               && take_texts(searched->strings, args[1], &searched->subdirectories) == 0) {
        capsule = PyCapsule_New(searched, PLACES, searched_destroy);
    }
    if (capsule == NULL) {
        searched_free(searched);
    }
    return capsule;
}

static enum nl_status
copy_finds(struct look *look)
{
    look->paths = calloc(look->finds.count + 1u, sizeof *look->paths);
    look->directories = calloc(look->finds.count + 1u, sizeof *look->directories);
    if (look->paths == NULL || look->directories == NULL) {
        return NL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < look->finds.count; i++) {
        const struct nl_found *found = &look->finds.items[i];
        size_t first = strlen(found->place->path), second = strlen(found->name);
        char *path = look->paths[i] = malloc(first + 1 + second + 1);
        if (path == NULL) {
            return NL_NO_MEMORY;
        }
        memcpy(path, found->place->path, first);
        path[first] = '/';
        memcpy(path + first + 1, found->name, second + 1);
        look->directories[i] = found->place->directory;
    }
    return NL_OK;
}

static enum nl_status
copy_watched(struct look *look, const struct nl_places *places)
{
    look->watched = calloc(2u * places->count + 1u, sizeof *look->watched);
    if (look->watched == NULL) {
        return NL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < places->count; i++) {
        look->watched[2 * i] = strdup(places->items[i].path);
        look->watched[2 * i + 1] = malloc(NL_SIGNATURE);
        look->watched_count += 2;
        if (look->watched[2 * i] == NULL || look->watched[2 * i + 1] == NULL) {
            return NL_NO_MEMORY;
        }
        nl_signature_text(&places->items[i].state, look->watched[2 * i + 1]);
    }
    look->version = places->version;
    return NL_OK;
}

/* Looks, without the GIL. */
static enum nl_status
go(struct searched *searched, struct look *look, const char *name)
{
    struct nl_places *places = &searched->places;
    PyThread_acquire_lock(searched->lock, WAIT_LOCK);
    enum nl_status status = nl_places_look(places, searched->directories.items, searched->directories.count,
                                           searched->subdirectories.items, searched->subdirectories.count);
    if (status == NL_OK) {
        status = nl_places_find(places, name, look->first.items, look->first.count, &look->finds);
    }
    if (status == NL_OK) {
        status = copy_finds(look);
    }
    if (status == NL_OK && places->version != look->version) {
        status = copy_watched(look, places);
    }
    PyThread_release_lock(searched->lock);
    return status;
}

/* What is watched, as a new reference; whoever holds the lock never waits for the GIL. */
static PyObject *
watched_before(struct searched *searched, uint64_t *version)
{
    PyThread_acquire_lock(searched->lock, WAIT_LOCK);
    PyObject *watched = Py_XNewRef(searched->watched);
    *version = searched->version;
    PyThread_release_lock(searched->lock);
    return watched;
}

/* The same as this look has seen it. */
static PyObject *
watched_now(struct searched *searched, const struct look *look)
{
    PyObject *watched = PyTuple_New((Py_ssize_t)look->watched_count);
    for (uint32_t i = 0; watched != NULL && i < look->watched_count; i++) {
        if (put(watched, (Py_ssize_t)i, decode(look->watched[i])) < 0) {
            Py_CLEAR(watched);
        }
    }
    if (watched != NULL) {
        PyThread_acquire_lock(searched->lock, WAIT_LOCK);
        PyObject *old = searched->watched;
        searched->watched = Py_NewRef(watched);
        searched->version = look->version;
        PyThread_release_lock(searched->lock);
        Py_XDECREF(old);
    }
    return watched;
}

/* Adds the state of each path to the dict, unless it has one. Returns 0, or -1 with an exception set. */
static int
consult(PyObject *watched, PyObject *consulted)
{
    Py_ssize_t count = PyTuple_Size(watched);
    for (Py_ssize_t i = 0; i < count; i += 2) {
        PyObject *path = PyTuple_GetItem(watched, i);
        int known = PyDict_Contains(consulted, path);
        if (known < 0 || (known == 0 && PyDict_SetItem(consulted, path, PyTuple_GetItem(watched, i + 1)) < 0)) {
            return -1;
        }
    }
    return count < 0 ? -1 : 0;
}

static PyObject *
find_list(const struct look *look)
{
    PyObject *list = PyList_New((Py_ssize_t)look->finds.count);
    for (uint32_t i = 0; list != NULL && i < look->finds.count; i++) {
        PyObject *tuple = pair(PyLong_FromUnsignedLong(look->directories[i]), decode(look->paths[i]));
        if (tuple == NULL || PyList_SetItem(list, (Py_ssize_t)i, tuple) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static void
look_free(struct look *look)
{
    for (uint32_t i = 0; look->paths != NULL && i < look->finds.count; i++) {
        free(look->paths[i]);
    }
    for (uint32_t i = 0; i < look->watched_count; i++) {
        free(look->watched[i]);
    }
    free(look->paths);
    free(look->directories);
    free(look->watched);
    free(look->finds.items);
    free(look->first.items);
    Py_XDECREF(look->strings);
}

PyObject *
native_listed(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct look look = {.watched_count = 0};
    const char *name;
    PyObject *result = NULL;
    (void)module;
    if (check_count("listed", count, 4, 4) < 0) {
        return NULL;
    }
    struct searched *searched = PyCapsule_GetPointer(args[0], PLACES);
    if (searched == NULL || (look.strings = PyList_New(0)) == NULL) {
        return NULL;
    }
    if ((name = kept_string(look.strings, args[1])) == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear(); /* no file has a name that cannot be encoded */
        name = "";
    }
    if (name != NULL && take_texts(look.strings, args[2], &look.first) == 0) {
        enum nl_status status;
        PyObject *watched = watched_before(searched, &look.version);
        Py_BEGIN_ALLOW_THREADS
        status = go(searched, &look, name);
        Py_END_ALLOW_THREADS
        if (status == NL_OK && look.watched != NULL) {
            Py_XDECREF(watched);
            watched = watched_now(searched, &look);
        }
        if (status != NL_OK) {
            raise_status(status, NULL, NULL);
        } else if (watched != NULL && consult(watched, args[3]) == 0) {
            result = find_list(&look);
        }
        Py_XDECREF(watched);
    }
    look_free(&look);
    return result;
}
