import { UniqueViolation } from '../../../platform/store/errors.ts';
import { conflict, invalidInput, noNetworkAvailable } from '../model/errors.ts';
import { vxlanOverhead } from '../model/settings.ts';
import type { Network } from './network.ts';

export interface Segment {
  network_type: string;
  physical_network: string | null;
  segmentation_id: number | null;
}

export interface SegmentRequest {
  network_type?: string | undefined;
  physical_network?: string | undefined;
  segmentation_id?: number | undefined;
}

/** The largest MTU that frames of a segment can have. */
export const mtuOf = (network: Network, type: string): number =>
  network.settings.physicalMtu - (type === 'vxlan' ? vxlanOverhead : 0);

/**
 * The segment of a new network: the one that is asked for, or a free one. `take` claims it for the network.
 * @throws Conflict where it is taken, BadRequest where it makes no sense
 */
export async function chooseSegment(network: Network, asked: SegmentRequest): Promise<Segment> {
  const type = asked.network_type ?? 'vxlan';
  const physical = asked.physical_network ?? network.settings.defaultPhysicalNetwork;
  switch (type) {
    case 'vxlan': {
      if (asked.physical_network) throw invalidInput('provider:physical_network specified for VXLAN network');
      const id = asked.segmentation_id;
      if (id !== undefined && (id < 1 || id > 0xffffff)) {
        throw invalidInput('segmentation_id out of range (1 through 16777215)');
      }
      return {
        network_type: type,
        physical_network: null,
        segmentation_id: id ?? (await freeId(network, type, '', network.settings.vniRange)),
      };
    }
    case 'flat':
      if (asked.segmentation_id !== undefined) {
        throw invalidInput('provider:segmentation_id specified for flat network');
      }
      return { network_type: type, physical_network: physical, segmentation_id: null };
    case 'vlan': {
      const id = asked.segmentation_id;
      if (id !== undefined && (id < 1 || id > 4094)) {
        throw invalidInput('segmentation_id out of range (1 through 4094)');
      }
      const range = network.settings.vlanRanges[physical];
      if (id === undefined && !range) throw noNetworkAvailable();
      return {
        network_type: type,
        physical_network: physical,
        segmentation_id: id ?? (await freeId(network, type, physical, range ?? [1, 4094])),
      };
    }
    case 'local':
      return { network_type: type, physical_network: null, segmentation_id: null };
    default:
      throw invalidInput(`network_type value '${type}' not supported`);
  }
}

async function freeId(
  { store }: Network,
  type: string,
  physical: string,
  [first, last]: readonly [number, number],
): Promise<number> {
  const size = last - first + 1;
  const candidates = Array.from({ length: 12 }, () => first + Math.floor(Math.random() * size));
  const taken = (ids?: readonly number[]) =>
    store.db
      .selectFrom('segments')
      .select('segmentation_id')
      .where('network_type', '=', type)
      .where('physical_network', '=', physical)
      .$if(ids !== undefined, (query) => query.where('segmentation_id', 'in', ids as number[]))
      .execute();
  const some = new Set((await taken(candidates)).map((row) => row.segmentation_id));
  const quick = candidates.find((id) => !some.has(id));
  if (quick !== undefined) return quick;
  const all = new Set((await taken()).map((row) => row.segmentation_id));
  for (let id = first; id <= last; id++) if (!all.has(id)) return id;
  throw noNetworkAvailable();
}

/** Claims a segment for a network; networks that are local to a host have none. @throws Conflict */
export async function takeSegment({ store }: Network, networkId: string, segment: Segment): Promise<void> {
  const { network_type: type } = segment;
  if (type === 'local') return;
  const physical = segment.physical_network ?? '';
  const id = segment.segmentation_id ?? 0;
  const row = {
    network_type: type,
    physical_network: physical,
    segmentation_id: id,
    network_id: networkId,
  };
  const present = await store.db
    .selectFrom('segments')
    .select('network_id')
    .where('network_type', '=', type)
    .where('physical_network', '=', physical)
    .where('segmentation_id', '=', id)
    .executeTakeFirst();
  const refuse = () => {
    if (type === 'flat') {
      return conflict(
        'FlatNetworkInUse',
        `Unable to create the flat network. Physical network ${physical} is in use.`,
      );
    }
    if (type === 'vlan') {
      return conflict(
        'VlanIdInUse',
        `Unable to create the network. The VLAN ${id} on physical network ${physical} is in use.`,
      );
    }
    return conflict('TunnelIdInUse', `Unable to create the network. The tunnel ID ${id} is in use.`);
  };
  if (present) throw refuse();
  try {
    await store.db.insertInto('segments').values(row).execute();
  } catch (error) {
    if (error instanceof UniqueViolation) throw refuse();
    throw error;
  }
}
