/* The module. */
#include "binding.h"

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
    {"places", FAST(native_places), METH_FASTCALL, PyDoc_STR("Directories that are searched, for `listed`.")},
    {"listed", FAST(native_listed), METH_FASTCALL, PyDoc_STR("The files that a name stands for in directories.")},
    {"signature", native_signature, METH_O, PyDoc_STR("A path's present state, or '-'.")},
    {"linker", native_linker, METH_O, PyDoc_STR("A linker of these rules, for `walk`.")},
    {"walk", FAST(native_walk), METH_FASTCALL, PyDoc_STR("What a linker would map for files, in order.")},
    {"signatures", native_signatures, METH_O, PyDoc_STR("The present state of each path of a tuple.")},
    {"real_name", native_real_name, METH_O, PyDoc_STR("The file name at the end of a chain of symbolic links.")},
    {"fits", FAST(native_fits), METH_FASTCALL, PyDoc_STR("The soname of a file that can be loaded as it is, or None.")},
    {"check", FAST(native_check), METH_FASTCALL, PyDoc_STR("A walk, and the symbols that nothing gives.")},
    {"undefined", FAST(native_undefined), METH_FASTCALL, PyDoc_STR("The symbols that a file wants and a scope lacks.")},
    {"fill", FAST(native_fill), METH_FASTCALL, PyDoc_STR("Set attributes of a record.")},
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
