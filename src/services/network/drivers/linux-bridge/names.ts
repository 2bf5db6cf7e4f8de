import { createHash } from 'node:crypto';

/** Where a kernel shows network namespaces that have a name. */
export const namespaceDirectory = '/run/netns';

/** The kernel allows 15 characters; upstream takes the first 11 of an id after a prefix of three or four. */
const short = (id: string): string => id.slice(0, 11);
const hash = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

/** @param tag 6 hex digits that tell this cloud from others on the same machine */
export const switchNamespace = (tag: string): string => `cumulet-${tag}-switch`;
export const dhcpNamespace = (tag: string, networkId: string): string => `cumulet-${tag}-dhcp-${networkId}`;
export const routerNamespace = (tag: string, routerId: string): string => `cumulet-${tag}-router-${routerId}`;

/** Whether a namespace was made for the cloud with this tag. */
export const isNamespaceOf = (tag: string, name: string): boolean => name.startsWith(`cumulet-${tag}-`);

/**
 * Files that live and die with the namespaces: DHCP configuration, numbers given to ports. Not in the state directory:
 * dnsmasq gives up root and must still read them, while a state directory is nobody else's business.
 */
export const runtimeDirectory = (tag: string): string => `/run/cumulet-${tag}`;

export const bridgeName = (networkId: string): string => `brq${short(networkId)}`;
/** The switch's end of whatever is plugged into a port: a guest's tap, or the veth leg of a router or DHCP server. */
export const tapName = (portId: string): string => `tap${short(portId)}`;
export const vxlanName = (vni: number): string => `vxlan-${vni}`;
export const dhcpDeviceName = (portId: string): string => `ns-${short(portId)}`;
export const routerDeviceName = (portId: string): string => `qr-${short(portId)}`;
export const gatewayDeviceName = (portId: string): string => `qg-${short(portId)}`;

/** The bridge that stands for a physical network, made by us beside the host's own devices. */
export const physicalBridgeName = (tag: string, physicalNetwork: string): string =>
  physicalNetwork === 'physnet1' ? `cml${tag}` : `cml${tag}b${hash(physicalNetwork, 4)}`;
/** The end of the cable to the switch that is plugged into that bridge, and the end in the switch. */
export const physicalLegName = (tag: string, physicalNetwork: string): string =>
  `cml${tag}p${hash(physicalNetwork, 4)}`;
export const physicalTapName = (physicalNetwork: string): string => `phy${hash(physicalNetwork, 8)}`;
/** Whether a device beside the host's own is one of this cloud's. */
export const isHostDeviceOf = (tag: string, name: string): boolean => name.startsWith(`cml${tag}`);
/** A MAC that stays: a bridge would else take its ports' lowest, and change it under its neighbours' feet. */
export const physicalBridgeMac = (tag: string, physicalNetwork: string): string =>
  `02${hash(`${tag}/${physicalNetwork}`, 10)}`.replace(/(..)(?=.)/g, '$1:');

/** A short fingerprint of a text, to see whether something was applied already. */
export const revision = (text: string): string => hash(text, 16);
