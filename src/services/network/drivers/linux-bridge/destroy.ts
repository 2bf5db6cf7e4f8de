import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { advertisementRoot, endAdvertiser } from './advertisements/advertisers.ts';
import { dhcpRoot, endServer } from './dhcp/servers.ts';
import { isHostDeviceOf } from './names.ts';
import type { Namespaces } from './namespaces.ts';

/**
 * Takes away this cloud's DHCP servers and router advertisers, devices and namespaces, in whatever state they are. Guests' processes are not
 * ours: while one lives in the switch, the kernel keeps that namespace, without a name, until it ends.
 */
export async function destroyAll(namespaces: Namespaces, tag: string): Promise<void> {
  for (const networkId of await readdir(dhcpRoot(tag)).catch(() => []))
    await endServer(join(dhcpRoot(tag), networkId));
  for (const routerId of await readdir(advertisementRoot(tag)).catch(() => []))
    await endAdvertiser(join(advertisementRoot(tag), routerId));
  const links = await namespaces.run(undefined, ['ip', '-j', 'link', 'show']);
  // A cable's other end goes with it, and so may be gone already.
  for (const { ifname } of JSON.parse(links.stdout) as { ifname?: string }[])
    if (ifname && isHostDeviceOf(tag, ifname))
      await namespaces.run(undefined, ['ip', 'link', 'del', 'dev', ifname], { accept: [0, 1, 2] });
  const found = await namespaces.list();
  for (const [name, { alive }] of found) {
    if (!alive) continue;
    // Devices would live on with a namespace that some process keeps: they go first.
    const inside = await namespaces.run(name, ['ip', '-j', 'link', 'show']);
    const lines = (JSON.parse(inside.stdout) as { ifname?: string }[]).flatMap(({ ifname }) =>
      ifname && /^(brq|tap|vxlan-|phy|ns-|qr-|qg-)/.test(ifname) ? [`link del dev ${ifname}`] : [],
    );
    if (lines.length)
      await namespaces.run(name, ['ip', '-force', '-batch', '-'], {
        input: `${lines.join('\n')}\n`,
        accept: [0, 1, 2],
      });
  }
  await namespaces.remove([...found.keys()]);
}
