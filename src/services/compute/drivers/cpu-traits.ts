/** CPU flags (of /proc/cpuinfo, or QEMU's property names) and the standard traits they stand for. */
const traitOfFlag: Readonly<Record<string, string>> = {
  '3dnow': 'HW_CPU_X86_3DNOW',
  abm: 'HW_CPU_X86_ABM',
  aes: 'HW_CPU_X86_AESNI',
  avx: 'HW_CPU_X86_AVX',
  avx2: 'HW_CPU_X86_AVX2',
  avx512bw: 'HW_CPU_X86_AVX512BW',
  avx512cd: 'HW_CPU_X86_AVX512CD',
  avx512dq: 'HW_CPU_X86_AVX512DQ',
  avx512f: 'HW_CPU_X86_AVX512F',
  avx512vl: 'HW_CPU_X86_AVX512VL',
  bmi1: 'HW_CPU_X86_BMI',
  bmi2: 'HW_CPU_X86_BMI2',
  f16c: 'HW_CPU_X86_F16C',
  fma: 'HW_CPU_X86_FMA3',
  mmx: 'HW_CPU_X86_MMX',
  pclmulqdq: 'HW_CPU_X86_CLMUL',
  pni: 'HW_CPU_X86_SSE3',
  'sha-ni': 'HW_CPU_X86_SHA',
  sse: 'HW_CPU_X86_SSE',
  sse2: 'HW_CPU_X86_SSE2',
  'sse4.1': 'HW_CPU_X86_SSE41',
  'sse4.2': 'HW_CPU_X86_SSE42',
  sse4a: 'HW_CPU_X86_SSE4A',
  ssse3: 'HW_CPU_X86_SSSE3',
  svm: 'HW_CPU_X86_SVM',
  vmx: 'HW_CPU_X86_VMX',
};

/** The kernel and QEMU spell some features differently; this is QEMU's spelling, or the common one. */
const canonical = (flag: string) =>
  ({ sse4_1: 'sse4.1', sse4_2: 'sse4.2', sha_ni: 'sha-ni', sse3: 'pni' })[flag] ?? flag;

/** The traits that the given CPU features amount to, sorted. */
export function cpuTraits(features: readonly string[]): string[] {
  return [
    ...new Set(features.map((flag) => traitOfFlag[canonical(flag)]).filter((trait) => trait !== undefined)),
  ].toSorted();
}
