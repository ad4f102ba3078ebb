/* What the CPU of this process has. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>

#include "process.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#ifdef __GLIBC__
#include <dlfcn.h>
#endif

#ifdef __x86_64__

static bool
all(uint32_t value, uint32_t bits)
{
    return (value & bits) == bits;
}

/* What the levels are told from: ECX of CPUID leaf 1, EBX of leaf 7, ECX of leaf 0x80000001. */
struct features {
    uint32_t leaf_1_ecx;
    uint32_t leaf_7_ebx;
    uint32_t leaf_80000001_ecx;
};

/* glibc's record of the features this CPU has and this kernel saves the registers of (2.33 and later;
 * sysdeps/x86/bits/platform/x86.h). CPUID itself traps under a hypervisor and takes tens of microseconds. */
#ifdef __GLIBC__

static bool
features_of_libc(struct features *features)
{
    struct leaf {
        uint32_t present[4]; /* EAX, EBX, ECX, EDX */
        uint32_t active[4];
    };
    const struct leaf *(*get_leaf)(unsigned) = NULL;
    *(void **)&get_leaf = dlsym(RTLD_DEFAULT, "__x86_get_cpuid_feature_leaf");
    if (get_leaf == NULL) {
        return false;
    }
    *features = (struct features){
        .leaf_1_ecx = get_leaf(0)->active[2],
        .leaf_7_ebx = get_leaf(1)->active[1],
        .leaf_80000001_ecx = get_leaf(2)->active[2],
    };
    return true;
}

#else

static bool
features_of_libc(struct features *features)
{
    (void)features;
    return false;
}

#endif

/* The register sets that the kernel saves: XCR0. */
static uint32_t
saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static void
features_of_cpu(struct features *features)
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    *features = (struct features){.leaf_1_ecx = 0};
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        features->leaf_1_ecx = c;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        features->leaf_7_ebx = b;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        features->leaf_80000001_ecx = c;
    }
    uint32_t saved = features->leaf_1_ecx & bit_OSXSAVE ? saved_state() : 0;
    if (!all(saved, 0x06)) { /* XMM, YMM */
        features->leaf_1_ecx &= ~(uint32_t)bit_AVX;
    }
    if (!all(saved, 0xe6)) { /* and opmask, ZMM */
        features->leaf_7_ebx &= ~(uint32_t)bit_AVX512F;
    }
}

int
nl_isa_level(void)
{
    struct features has;
    if (!features_of_libc(&has)) {
        features_of_cpu(&has);
    }
    /* the x86-64 psABI, "micro-architecture levels" */
    bool v2 = all(has.leaf_1_ecx, bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT)
              && all(has.leaf_80000001_ecx, bit_LAHF_LM);
    bool v3 = v2 && all(has.leaf_1_ecx, bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C)
              && all(has.leaf_7_ebx, bit_BMI | bit_AVX2 | bit_BMI2) && all(has.leaf_80000001_ecx, bit_ABM);
    bool v4 = v3 && all(has.leaf_7_ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL);
    return v4 ? 4 : v3 ? 3 : v2 ? 2 : 1;
}

#else

int
nl_isa_level(void)
{
    return 0;
}

#endif
