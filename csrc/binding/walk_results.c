/* What a walk found, as Python's objects. */
#include "binding.h"

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
        if (entry == NULL || put(entry, 0, decode(one->path)) < 0 || put(entry, 1, PyLong_FromLong((long)one->how)) < 0
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
        || put(tuple, 2, PyLong_FromLong((long)edge->how)) < 0
        || put(tuple, 3, PyLong_FromSsize_t(edge->owner < 0 ? -1 : places[edge->owner])) < 0
        || put(tuple, 4, decode(edge->fatal)) < 0 || put(tuple, 5, PyLong_FromLong((long)edge->kind)) < 0
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

PyObject *
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
