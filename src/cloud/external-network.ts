import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { writePrivately } from './state-files.ts';

/** The network between the cloud and its host: the host has the gateway's address, floating IPs come from the rest. */
export interface ExternalNetwork {
  cidr: string;
  /** The host's own address in it. */
  gateway: string;
  first: string;
  last: string;
}

/**
 * The external network of a cloud: chosen once, the first 172.24.N.0/24 of which this host has no address yet, so
 * that clouds live side by side.
 */
export async function externalNetworkOf(stateDir: string): Promise<ExternalNetwork> {
  const path = join(stateDir, 'external-network.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ExternalNetwork;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const taken = new Set(
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address.split('.').slice(0, 3).join('.')),
  );
  const third = Array.from({ length: 252 }, (_, index) => index + 4).find((n) => !taken.has(`172.24.${n}`));
  if (third === undefined)
    throw new Error('this host has addresses in every 172.24.N.0/24: none is left for floating IPs');
  const prefix = `172.24.${third}`;
  const network = {
    cidr: `${prefix}.0/24`,
    gateway: `${prefix}.1`,
    first: `${prefix}.2`,
    last: `${prefix}.254`,
  };
  await writePrivately(path, `${JSON.stringify(network, null, 2)}\n`);
  return network;
}
