/** keystone's `[auth] methods`, in its order, and TOTP: the order is what the integer in a token means. */
export const defaultAuthMethods: readonly string[] = [
  'external',
  'password',
  'token',
  'oauth1',
  'mapped',
  'application_credential',
  'totp',
];

/** One bit for each method by its place among the configured ones; unknown methods are dropped, as upstream does. */
export function methodsToInteger(methods: readonly string[], configured = defaultAuthMethods): number {
  let bits = 0;
  for (const method of methods) {
    const place = configured.indexOf(method);
    if (place >= 0) bits |= 1 << place;
  }
  return bits;
}

/** The methods of an integer, the highest bit first (the order in which upstream lists them in a token). */
export function integerToMethods(bits: number, configured = defaultAuthMethods): string[] {
  return configured.filter((_, place) => (bits >> place) & 1).reverse();
}
