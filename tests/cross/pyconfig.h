/* What Python.h has to know of a target that no Python is installed for: as little as the stable ABI needs. */
#ifdef _WIN32
#define MS_WIN32
#define MS_WIN64
#define MS_WINDOWS
#define NT_THREADS
#define HAVE_DYNAMIC_LOADING
#define Py_ENABLE_SHARED 1
#define HAVE_DECLSPEC_DLL 1
#define Py_NO_LINK_LIB 1
#define SIZEOF_LONG 4
#define SIZEOF_WCHAR_T 2
typedef long long Py_ssize_t;
#define HAVE_PY_SSIZE_T 1
#else
#define SIZEOF_LONG 8
#define SIZEOF_WCHAR_T 4
#define HAVE_UNISTD_H 1
#define HAVE_SSIZE_T 1
#define HAVE_PTHREAD_H 1
#endif
#define WITH_THREAD 1
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_FPOS_T 8
#define SIZEOF_TIME_T 8
#define HAVE_INTTYPES_H 1
#define HAVE_STDINT_H 1
#define HAVE_STDDEF_H 1
#define HAVE_WCHAR_H 1
#define HAVE_ERRNO_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H 1
