/** An IPv6 address in the one form of RFC 5952; null for none. */
export const canonicalIpv6 = (address: string | undefined): string | null =>
  address ? new URL(`http://[${address}]`).hostname.slice(1, -1) : null;
