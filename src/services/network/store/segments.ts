import { UniqueViolation } from '../../../platform/store/errors.ts';
import { conflict, invalidInput, noNetworkAvailable } from '../model/errors.ts';
import { largestMtu, type Range, vlanRanges, vniRanges } from '../model/segments.ts';
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
export const mtuOf = (
  { settings }: Network,
  segment: { network_type: string; physical_network: string | null },
): number => largestMtu(settings, segment.network_type, segment.physical_network);

/**
 * The segment of a new network: the one that is asked for, or a free one. `takeSegment` claims it for the network.
 * @throws Conflict where it is taken, BadRequest where it makes no sense
 */
export async function chooseSegment(
  network: Network,
  asked: SegmentRequest,
  external: boolean,
): Promise<Segment> {
  const { settings } = network;
  const type = asked.network_type;
  if (type === undefined) {
    if (asked.physical_network !== undefined || asked.segmentation_id !== undefined) {
      throw invalidInput('network_type required');
    }
    const { external_network_type: outside } = settings;
    return firstFree(network, external && outside ? [outside] : settings.project_network_types);
  }
  if (!settings.type_drivers.includes(type)) {
    throw invalidInput(`network_type value '${type}' not supported`);
  }
  switch (type) {
    case 'vxlan':
      return askedVxlan(network, asked);
    case 'flat':
      return askedFlat(network, asked);
    case 'vlan':
      return askedVlan(network, asked);
    default:
      for (const name of ['physical_network', 'segmentation_id'] as const) {
        if (asked[name] !== undefined) throw invalidInput(`${name} prohibited for local provider network`);
      }
      return { network_type: type, physical_network: null, segmentation_id: null };
  }
}

/** A segment of the first type that has one left. Flat networks are nobody's unless somebody names them. */
async function firstFree(network: Network, types: readonly string[]): Promise<Segment> {
  for (const type of types) {
    if (type === 'local') return { network_type: type, physical_network: null, segmentation_id: null };
    const free =
      type === 'vxlan' ? await freeVxlan(network) : type === 'vlan' ? await freeVlan(network) : undefined;
    if (free) return free;
  }
  throw noNetworkAvailable();
}

async function askedVxlan(network: Network, asked: SegmentRequest): Promise<Segment> {
  if (asked.physical_network !== undefined) {
    throw invalidInput('provider:physical_network specified for VXLAN network');
  }
  const { segmentation_id: id } = asked;
  if (id === undefined) return (await freeVxlan(network)) ?? refuseForRoom();
  if (id < 1 || id > 0xffffff) throw invalidInput('segmentation_id out of range (1 through 16777215)');
  return { network_type: 'vxlan', physical_network: null, segmentation_id: id };
}

function askedFlat({ settings }: Network, asked: SegmentRequest): Segment {
  const { physical_network: physical } = asked;
  const names = settings.flat_networks;
  if (physical === undefined) throw invalidInput('physical_network required for flat provider network');
  if (names.length === 0) throw invalidInput('Flat provider networks are disabled');
  if (!names.includes('*') && !names.includes(physical)) {
    throw invalidInput(`physical_network '${physical}' unknown for flat provider network`);
  }
  if (asked.segmentation_id !== undefined) {
    throw invalidInput('segmentation_id prohibited for flat provider network');
  }
  return { network_type: 'flat', physical_network: physical, segmentation_id: null };
}

async function askedVlan(network: Network, asked: SegmentRequest): Promise<Segment> {
  const { physical_network: physical, segmentation_id: id } = asked;
  const ranges = vlanRanges(network.settings.network_vlan_ranges);
  if (physical === undefined) {
    if (id !== undefined) {
      throw invalidInput('segmentation_id requires physical_network for VLAN provider network');
    }
    return (await freeVlan(network)) ?? refuseForRoom();
  }
  if (ranges.size > 0 && !ranges.has(physical)) {
    throw invalidInput(`physical_network '${physical}' unknown for VLAN provider network`);
  }
  if (id === undefined) return (await freeVlan(network, physical)) ?? refuseForRoom();
  if (id < 1 || id > 4094) throw invalidInput('segmentation_id out of range (1 through 4094)');
  return { network_type: 'vlan', physical_network: physical, segmentation_id: id };
}

function refuseForRoom(): never {
  throw noNetworkAvailable();
}

async function freeVxlan(network: Network): Promise<Segment | undefined> {
  for (const range of vniRanges(network.settings.vni_ranges)) {
    const id = await freeId(network, 'vxlan', '', range);
    if (id !== undefined) return { network_type: 'vxlan', physical_network: null, segmentation_id: id };
  }
  return undefined;
}

/** @param only the one physical network that it may be on */
async function freeVlan(network: Network, only?: string): Promise<Segment | undefined> {
  for (const [physical, ranges] of vlanRanges(network.settings.network_vlan_ranges)) {
    if (only !== undefined && physical !== only) continue;
    for (const range of ranges) {
      const id = await freeId(network, 'vlan', physical, range);
      if (id !== undefined) return { network_type: 'vlan', physical_network: physical, segmentation_id: id };
    }
  }
  return undefined;
}

async function freeId(
  { store }: Network,
  type: string,
  physical: string,
  [first, last]: Range,
): Promise<number | undefined> {
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
  return undefined;
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
