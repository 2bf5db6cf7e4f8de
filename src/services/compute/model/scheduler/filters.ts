import type { GroupRequest, HostRequest, HostState } from './request.ts';

/** One reason for which a host may not do. */
export interface HostFilter {
  name: string;
  passes(host: HostState, request: HostRequest): boolean;
}

const times = (host: string, hosts: readonly string[]): number =>
  hosts.filter((each) => each === host).length;

/** Whether a server may join its group on this host; the soft policies never say no. */
export function groupAllows({ policy, hosts, maxPerHost }: GroupRequest, host: string): boolean {
  if (policy === 'affinity') return hosts.length === 0 || hosts.includes(host);
  if (policy === 'anti-affinity') return times(host, hosts) < maxPerHost;
  return true;
}

/** What `hw_architecture` may be called. */
const architectures: Record<string, string> = { amd64: 'x86_64', x64: 'x86_64', arm64: 'aarch64' };
const architecture = (name: string): string => architectures[name.toLowerCase()] ?? name.toLowerCase();

/** Named after nova's filters, so that who knows those knows these. */
export const hostFilters: readonly HostFilter[] = [
  { name: 'ComputeFilter', passes: ({ enabled, up }) => enabled && up },
  { name: 'AvailabilityZoneFilter', passes: ({ zone }, request) => !request.zone || request.zone === zone },
  {
    name: 'RequestedDestination',
    passes: ({ host, node }, { requestedHost, requestedHypervisor }) =>
      (!requestedHost || requestedHost === host) && (!requestedHypervisor || requestedHypervisor === node),
  },
  {
    name: 'ImagePropertiesFilter',
    passes: (host, { imageProperties: { hw_architecture, img_hv_type } }) =>
      (!hw_architecture || architecture(hw_architecture) === architecture(host.architecture)) &&
      (!img_hv_type ||
        host.hypervisorType === 'simulated' ||
        img_hv_type.toLowerCase() === host.hypervisorType.toLowerCase() ||
        (img_hv_type.toLowerCase() === 'kvm' && host.hypervisorType === 'QEMU')),
  },
  {
    name: 'ServerGroupFilter',
    passes: ({ host }, { group }) => !group || groupAllows(group, host),
  },
  {
    name: 'SameHostFilter',
    passes: ({ host }, { sameHosts }) => !sameHosts || sameHosts.includes(host),
  },
  {
    name: 'DifferentHostFilter',
    passes: ({ host }, { differentHosts }) => !differentHosts?.includes(host),
  },
];
