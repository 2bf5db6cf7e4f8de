import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Format, printRows } from '../output.ts';

/** A thing that a host should have, what it is for, and how it is come by. */
interface Need {
  what: string;
  found(): string | undefined;
  without: string;
  mend: string;
}

const program = (name: string, without: string, debianPackage: string): Need => ({
  what: name,
  found: () => whereIs(name),
  without,
  mend: `apt-get install ${debianPackage}`,
});

const needs: Need[] = [
  {
    what: 'root',
    found: () => (process.getuid?.() === 0 ? 'yes' : undefined),
    without: 'no real networks and servers: only  cumulet up --simulated',
    mend: 'run as root',
  },
  {
    what: 'Linux',
    found: () => (process.platform === 'linux' ? 'yes' : undefined),
    without: 'no real networks and servers: only  cumulet up --simulated',
    mend: 'use a Linux host',
  },
  {
    what: '/dev/kvm',
    found: () =>
      accessible('/dev/kvm') ? 'there (whether it works is tried when the cloud starts)' : undefined,
    without: 'servers are emulated: they boot and compute 10 to 20 times slower',
    mend: 'switch on virtualization in the firmware, or nested virtualization of the host above',
  },
  program('qemu-system-x86_64', 'no servers', 'qemu-system-x86'),
  program('qemu-img', 'no disks', 'qemu-utils'),
  program('ip', 'no networks', 'iproute2'),
  program('nft', 'no security groups and floating IPs', 'nftables'),
  program('dnsmasq', 'servers get no addresses by DHCP', 'dnsmasq-base'),
  program('radvd', 'IPv6 servers hear of no router', 'radvd'),
  program('genisoimage', 'no config drives', 'genisoimage'),
  program('mke2fs', '`cumulet guest build` cannot make an image', 'e2fsprogs'),
  program('ssh', '`cumulet demo` cannot log in to its server', 'openssh-client'),
  program('openstack', 'no openstack command on this host', 'python3-openstackclient'),
];

/** What of a real cloud's needs this host lacks: for `up`, which refuses to begin what cannot work. */
export function lacking(): { what: string; without: string; mend: string }[] {
  const optional = new Set(['/dev/kvm', 'ssh', 'openstack', 'mke2fs']);
  return needs.filter((need) => !optional.has(need.what) && !need.found());
}

/** Prints what this host has and lacks, what follows, and how to mend it. Exit status 1 when something is lacking. */
export function doctor(format: Format): void {
  const rows = needs.map(({ what, found, without, mend }) => {
    const seen = found();
    return seen
      ? { what, found: seen, 'what follows': '', 'how to mend it': '' }
      : { what, found: 'no', 'what follows': without, 'how to mend it': mend };
  });
  printRows(rows, format);
  if (lacking().length > 0) process.exitCode = 1;
}

function whereIs(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.map((directory) => join(directory, name)).find((path) => accessible(path));
}

function accessible(path: string): boolean {
  try {
    accessSync(path, path.startsWith('/dev/') ? constants.R_OK | constants.W_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
