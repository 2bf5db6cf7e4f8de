import type { Server } from 'node:net';
import type { HostNetworkState } from '../../driver.ts';
import { dhcpNamespace, routerNamespace } from '../names.ts';
import type { Namespaces } from '../namespaces.ts';
import { metadataAddress } from '../router-rules.ts';
import { MetadataProxy, type MetadataTarget } from './proxy.ts';
import { listenInNamespace } from './socket.ts';

interface MetadataOrigin {
  routerId?: string;
  networkId?: string;
}

/** Which namespaces should answer the metadata address, and as what they ask for the guest. */
export function metadataOrigins(tag: string, wanted: HostNetworkState): Map<string, MetadataOrigin> {
  return new Map<string, MetadataOrigin>([
    ...wanted.dhcp
      .filter(({ isolatedMetadata }) => isolatedMetadata)
      .map(({ networkId }) => [dhcpNamespace(tag, networkId), { networkId }] as const),
    ...wanted.routers
      .filter(({ adminStateUp }) => adminStateUp)
      .map(({ id }) => [routerNamespace(tag, id), { routerId: id }] as const),
  ]);
}

/** The metadata sockets that this process holds, one for each namespace that should answer. */
export class MetadataSockets {
  readonly #namespaces: Namespaces;
  readonly #proxy: MetadataProxy;
  /** By namespace; one that was made anew under the same name has another inode, and no socket. */
  readonly #held = new Map<string, { server: Server; inode: number }>();

  constructor(namespaces: Namespaces, target: MetadataTarget) {
    this.#namespaces = namespaces;
    this.#proxy = new MetadataProxy(target);
  }

  /** Lets go of sockets in namespaces that are not wanted: they would keep the namespace alive. */
  release(wanted: ReadonlySet<string>): number {
    const gone = [...this.#held.keys()].filter((name) => !wanted.has(name));
    for (const name of gone) {
      this.#held.get(name)?.server.close();
      this.#held.delete(name);
    }
    return gone.length;
  }

  /** Opens what is missing. @returns how many were opened, and what went wrong by namespace */
  async open(
    wanted: ReadonlyMap<string, MetadataOrigin>,
    inodes: ReadonlyMap<string, number>,
  ): Promise<{ opened: number; faults: Map<string, string> }> {
    const faults = new Map<string, string>();
    let opened = 0;
    const missing = [...wanted].filter(([name]) => {
      const held = this.#held.get(name);
      return !held?.server.listening || held.inode !== inodes.get(name);
    });
    for (const [name, origin] of missing) {
      this.#held.get(name)?.server.close();
      this.#held.delete(name);
      try {
        const server = await listenInNamespace(this.#namespaces, name, metadataAddress);
        this.#proxy.serve(server, origin);
        this.#held.set(name, { server, inode: inodes.get(name) ?? 0 });
        opened += 1;
      } catch (error) {
        faults.set(name, error instanceof Error ? error.message : String(error));
      }
    }
    return { opened, faults };
  }

  close(): void {
    this.release(new Set());
    this.#proxy.close();
  }
}
