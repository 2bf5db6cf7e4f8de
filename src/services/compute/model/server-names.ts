/**
 * The hostname that a server's name becomes: small letters, digits, dots and hyphens, at most 63 of them.
 * Source: nova/utils.py, `sanitize_hostname`.
 */
export function hostnameOf(name: string, serverId: string): string {
  const made = name
    .normalize('NFKD')
    .replaceAll(/[ _.]/g, '-')
    .replaceAll(/[^A-Za-z0-9-]/g, '')
    .toLowerCase()
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return made === '' ? `server-${serverId}` : made;
}

/** The name that the hypervisor's tools know a server by. */
export const instanceName = (serverId: string): string =>
  `instance-${serverId.replaceAll('-', '').slice(0, 8)}`;
