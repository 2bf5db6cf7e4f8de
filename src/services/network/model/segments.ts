/** The kinds of networks that there are here, by upstream's names. */
export const networkTypes = ['local', 'flat', 'vlan', 'vxlan'] as const;

/** First and last id of a range. */
export type Range = readonly [number, number];

/** What can be said of segments: upstream's options, as texts. */
export interface SegmentSettings {
  vni_ranges: readonly string[];
  network_vlan_ranges: readonly string[];
  type_drivers: readonly string[];
  project_network_types: readonly string[];
  external_network_type: string;
  physical_network_mtus: Readonly<Record<string, string>>;
  global_physnet_mtu: number;
  path_mtu: number;
}

/** @throws TypeError for what is no range of ids up to `most` */
function rangeOf(name: string, text: string, most: number): Range {
  const [, first, last] = /^(\d{1,8}):(\d{1,8})$/.exec(text) ?? [];
  const range = [Number(first), Number(last)] as const;
  if (first === undefined || range[0] < 1 || range[0] > range[1] || range[1] > most)
    throw new TypeError(`${name} must hold ranges like 1:100, up to ${most}`);
  return range;
}

/** `1:1000`: the VXLAN network identifiers of projects' networks. */
export const vniRanges = (texts: readonly string[]): Range[] =>
  texts.map((text) => rangeOf('vni_ranges', text, 0xffffff));

/** `physnet1:100:199`, or `physnet1` for all ids: the VLANs of projects' networks, by physical network. */
export function vlanRanges(texts: readonly string[]): Map<string, Range[]> {
  const ranges = new Map<string, Range[]>();
  for (const text of texts) {
    const [name = '', ...rest] = text.split(':');
    const range: Range = rest.length === 0 ? [1, 4094] : rangeOf('network_vlan_ranges', rest.join(':'), 4094);
    ranges.set(name, [...(ranges.get(name) ?? []), range]);
  }
  return ranges;
}

/** What VXLAN's headers take of the outer MTU over IPv4. */
const vxlanOverhead = 50;

/** The largest MTU that a network can have: the wires' own, less what an overlay's headers take. */
export function largestMtu(settings: SegmentSettings, type: string, physicalNetwork: string | null): number {
  const { global_physnet_mtu: wires, path_mtu: path } = settings;
  if (type === 'vxlan') return (path > 0 ? Math.min(wires, path) : wires) - vxlanOverhead;
  const own = settings.physical_network_mtus[physicalNetwork ?? ''];
  return own === undefined ? wires : Math.min(wires, Number(own));
}

/** @throws TypeError that names the setting of which nothing can be made */
export function checkSegmentSettings(settings: SegmentSettings): void {
  vniRanges(settings.vni_ranges);
  vlanRanges(settings.network_vlan_ranges);
  const known = new Set<string>(networkTypes);
  for (const name of ['type_drivers', 'project_network_types'] as const)
    if (settings[name].length === 0 || !settings[name].every((type) => known.has(type)))
      throw new TypeError(`${name} must name some of ${networkTypes.join(', ')}`);
  const { external_network_type: external, physical_network_mtus: mtus } = settings;
  if (external !== '' && !known.has(external))
    throw new TypeError(`external_network_type must be one of ${networkTypes.join(', ')}`);
  if (!Object.values(mtus).every((mtu) => /^\d{2,5}$/.test(mtu)))
    throw new TypeError('physical_network_mtus must give each physical network a number');
}
