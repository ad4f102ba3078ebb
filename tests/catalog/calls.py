"""Functions of libraries that tell no version, by their C declarations: whether what was loaded can be called."""

from __future__ import annotations

# {library: a declaration, whose arguments are made up as for a version: 0, room for what is filled}
CALLS = {
    "ssl": "const void *TLS_method(void);",
    "ffi": "void *ffi_closure_alloc(size_t, void *);",
    "gomp": "int omp_get_max_threads(void);",
    "iomp5": "int omp_get_max_threads(void);",
    "omp": "int omp_get_max_threads(void);",
    "tbbmalloc": "void *scalable_malloc(size_t);",
    "netlib_blas": "double ddot_(int *, double *, int *, double *, int *);",
    "f77blas": "double ddot_(int *, double *, int *, double *, int *);",
    "cblas": "double cblas_ddot(int, double *, int, double *, int);",
    "atlas": "double ATL_ddot(int, double *, int, double *, int);",
    "lapack_atlas": "int ilaenv_(int *, char *, char *, int *, int *, int *, int *, long, long);",
    "lapacke": "int LAPACKE_get_nancheck(void);",
    "freetype": "int FT_Init_FreeType(void *);",
    "jpeg": "void *jpeg_std_error(void *);",
    "turbojpeg": "void *tjInitDecompress(void);",
    "pangocairo": "size_t pango_cairo_font_map_get_type(void);",
    "pangoft2": "size_t pango_ft2_font_map_get_type(void);",
    "hwloc": "unsigned hwloc_get_api_version(void);",
    "stdcxx": "void *__cxa_get_globals(void);",
    "gcc_s": "int __popcountdi2(long);",
    "gfortran": "void _gfortran_set_args(int, void *);",
    "quadmath": "int quadmath_snprintf(char *, size_t, char *);",
    "clang": "void *clang_createIndex(int, int);",
    "llvm": "void *LLVMGetGlobalContext(void);",
    "llvmlite": "unsigned LLVMPY_GetVersionInfo(void);",
    "onnxruntime": "void *OrtGetApiBase(void);",
    "openvino_c": "int ov_get_openvino_version(void *);",
    "proj": "const char *proj_errno_string(int);",
    "brotlicommon": "const void *BrotliGetTransforms(void);",
    "ucs": "const char *ucs_status_string(int);",
    "icuuc": "const char *u_errorName_{major}(int);",
    "icui18n": "int ucal_countAvailable_{major}(void);",
    "snappy": "size_t _ZN6snappy19MaxCompressedLengthEm(size_t);",
    "cupti": "int cuptiGetVersion(unsigned *);",
    "nvvm": "int nvvmVersion(int *, int *);",
    "custabilizer": "int custabilizerGetVersion(void);",
    "cupauliprop": "size_t cupaulipropGetVersion(void);",
    "cublasmp": "int cublasMpGetVersion(int *);",
    "cufftmp": "int cufftGetVersion(int *);",
    "mathdx": "int mathdxGetVersion(int *);",
    "fftw3_threads": "int fftw_init_threads(void);",
    "fftw3_omp": "int fftw_init_threads(void);",
    "fftw3f_threads": "int fftwf_init_threads(void);",
    "fftw3f_omp": "int fftwf_init_threads(void);",
    "fftw3l_threads": "int fftwl_init_threads(void);",
    "fftw3l_omp": "int fftwl_init_threads(void);",
    "fftw3q_threads": "int fftwq_init_threads(void);",
    "fftw3q_omp": "int fftwq_init_threads(void);",
    "hdf5_hl": "int H5LTfind_dataset(long, const char *);",
    "arrow_compute": "const char *utf8proc_version(void);",
    "glib": "unsigned g_get_num_processors(void);",
    "gobject": "unsigned g_type_get_type_registration_serial(void);",
    "gio": "size_t g_cancellable_get_type(void);",
    "x11": "int XInitThreads(void);",
    "xcb": "int xcb_popcount(uint32_t);",
    "xkbcommon": "uint32_t xkb_keysym_to_utf32(uint32_t);",
    "egl": "int eglGetError(void);",
    "gl": "void *glXGetCurrentContext(void);",
    "drm": "int drmAvailable(void);",
    "udev": "void *udev_new(void);",
    "cups": "const char *cupsUser(void);",
    "opencl": "int clGetPlatformIDs(unsigned, void *, unsigned *);",
    "vulkan": "int vkEnumerateInstanceVersion(uint32_t *);",
    "odbc": "int SQLFreeHandle(int, void *);",
    "odbcinst": "int SQLGetConfigMode(uint16_t *);",
    "mariadb": "unsigned mysql_thread_safe(void);",
    "gssapi_krb5": "unsigned gss_release_buffer(unsigned *, void *);",
    "qt6network": "size_t _ZN10QSslSocket23sslLibraryVersionNumberEv(void);",
}

# Runs in the environment of the library: loads it, calls what tells its version, prints what came of it as JSON.
PROBE = r"""
import ctypes, json, re, sys

import nativeload

name, requirement, decl, scale, fallback, kind = json.loads(sys.argv[1])
if kind == "wheel":  # not what the machine has, where the wheel's is refused
    nativeload.finders[:] = [finder for finder in nativeload.finders if finder.name != "system"]
library = nativeload.load(requirement)
features = dict(one.partition("=")[::2] for one in library.abi)
soname_numbers = re.findall(r"\d+", (library.soname or "").partition(".so")[2])


def made(kind):
    kind = kind.replace("const", "").strip()
    sizes = {"int": ctypes.c_int, "unsigned": ctypes.c_uint, "unsigned int": ctypes.c_uint, "size_t": ctypes.c_size_t,
             "long": ctypes.c_long, "uint32_t": ctypes.c_uint32, "uint16_t": ctypes.c_uint16, "uint8_t": ctypes.c_uint8,
             "double": ctypes.c_double}
    return sizes.get(kind)


def called(decl):
    decl = decl.format(prefix=features.get("prefix", ""), suffix=features.get("suffix", ""),
                       major=(soname_numbers or [""])[0]).rstrip(";")
    head, paren, inside = decl.partition("(")
    kind, _, symbol = head.rpartition("*") if "*" in head else head.rpartition(" ")
    pointer, symbol = "*" in head, symbol.strip()
    if not paren:
        if symbol.endswith("[]"):
            return ctypes.string_at(library.symbol(symbol[:-2])).decode()
        return ctypes.c_char_p.in_dll(library.ctypes, symbol).value.decode()
    function = getattr(library.ctypes, symbol)
    is_text = pointer and kind.split()[-1] == "char"
    function.restype = ctypes.c_char_p if is_text else ctypes.c_void_p if pointer else made(kind)
    arguments, numbers, text = [], [], None
    for argument in inside.rstrip(")").split(","):
        one = argument.strip()
        if one in ("", "void"):
            continue
        if "*" not in one:
            # What follows room for a text is its length.
            arguments.append(made(one)(4096 if text is not None and "char" in inside.split(",")[len(arguments) - 1] else 0))
        elif one.startswith("char"):
            text = ctypes.create_string_buffer(8192)
            arguments.append(text)
        elif one.startswith("const char"):
            arguments.append(None)
        elif made(one.partition("*")[0]):
            room = (made(one.partition("*")[0]) * 64)()
            numbers.append(room)
            arguments.append(room)
        else:
            arguments.append(ctypes.create_string_buffer(8192))
    result = function(*arguments)
    if is_text:
        return result.decode(errors="replace") if result is not None else ""
    if text is not None and text.value:
        return text.value.decode(errors="replace")
    if pointer and made(kind):
        given = ctypes.cast(result, ctypes.POINTER(made(kind)))
        return ".".join(str(given[i]) for i in range(1 if scale else 3))
    if numbers:
        first = numbers[0]
        if len(numbers) == 1 and "uint8_t" in inside:
            return ".".join(map(str, first[:3]))
        return ".".join(str(one[0]) for one in numbers)
    return str(result)


def scaled(said):
    if scale and said.isdigit():
        number, parts = int(said), []
        for divisor in map(int, scale):
            parts.append(str(number // divisor))
            number %= divisor
        return ".".join(parts)
    return said


told = how = said = ""
if decl:
    try:
        said = called(decl)
        found = re.search(r"\d+(\.\d+)*", scaled(said))
        told, how = found[0] if found else "", "version"
    except AttributeError:
        pass  # an older or a newer one has no such function
if not how and fallback:
    said, how = called(fallback), "call"
if not how:
    # No function that can be called without a device, another process or C++: one of its symbols is read.
    there = (one for one in sorted(nativeload.core.exports(library.path)) if nativeload.core.dlsym(library.handle, one))
    said = next(there, "")
    how = "symbol" if said else "loaded"
provider = library.provider
print(json.dumps({"path": library.path, "soname": library.soname, "version": library.version, "abi": library.abi,
                  "origin": library.origin, "provider": provider and str(provider), "told": told, "how": how,
                  "said": said[:80]}))
"""
