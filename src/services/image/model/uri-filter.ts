import { isIP } from 'node:net';
import type { ImageSettings } from '../settings.ts';

/** Where imports from the web may go. Where a list of what is allowed says anything, that of what is not says nothing. */
export type UriLists = Pick<
  ImageSettings,
  | 'allowed_schemes'
  | 'disallowed_schemes'
  | 'allowed_hosts'
  | 'disallowed_hosts'
  | 'allowed_ports'
  | 'disallowed_ports'
>;

const passes = (value: string, allowed: readonly string[], disallowed: readonly string[]): boolean =>
  allowed.length > 0 ? allowed.includes(value) : !disallowed.includes(value);

const standardPorts: Record<string, string> = { 'http:': '80', 'https:': '443' };

/**
 * Whether an import may fetch from here, by glance's rules: `allowed_schemes` and its like.
 *
 * The host is compared as the URL standard writes it, so that 2130706433, 0x7f.1 and 127.0.0.1 are one host. A port
 * that is not written is the scheme's own, which upstream lets pass without a look; here it must be allowed too.
 */
export function mayFetch(uri: unknown, lists: UriLists): boolean {
  if (typeof uri !== 'string' || uri.length > 2048 || !URL.canParse(uri)) return false;
  const { protocol, hostname, port, username } = new URL(uri);
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  if (host === '' || username !== '') return false;
  return (
    (protocol === 'http:' || protocol === 'https:') &&
    passes(protocol.slice(0, -1), lists.allowed_schemes, lists.disallowed_schemes) &&
    hostPasses(host, lists) &&
    passes(port || (standardPorts[protocol] as string), lists.allowed_ports, lists.disallowed_ports)
  );
}

function hostPasses(host: string, lists: UriLists): boolean {
  // ::ffff:127.0.0.1 is 127.0.0.1 to the network; the URL standard writes it in hex.
  const mapped = isIP(host) === 6 ? /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host) : null;
  const names = [host];
  if (mapped) {
    const [high, low] = [Number.parseInt(mapped[1] as string, 16), Number.parseInt(mapped[2] as string, 16)];
    names.push([high >> 8, high & 255, low >> 8, low & 255].join('.'));
  }
  const known = (list: readonly string[]) => list.some((each) => names.includes(each.toLowerCase()));
  return lists.allowed_hosts.length > 0 ? known(lists.allowed_hosts) : !known(lists.disallowed_hosts);
}
