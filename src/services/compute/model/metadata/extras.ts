import type { InstanceMetadata } from '../../contract.ts';

/** What a tree holds that is not a fact about the server. */
export interface MetadataExtras {
  /** Put behind a server's hostname; '' for nothing. Upstream's default is `novalocal`. */
  dhcpDomain: string;
  /** Base64 of fresh random bytes (upstream: 512), with which a guest without entropy of its own begins. */
  randomSeed: string;
  /** What the operator tells every guest: `vendor_data.json`. */
  vendorData?: object;
  /**
   * The password of the administrator in clear text: on the config drive only, which nobody but the guest reads.
   * The metadata service never has it.
   */
  adminPassword?: string;
}

/** The name by which the guest is to know itself. */
export const fullHostname = (meta: InstanceMetadata, { dhcpDomain }: MetadataExtras): string =>
  dhcpDomain ? `${meta.hostname}.${dhcpDomain}` : meta.hostname;

/** The user data in its own bytes: it is often packed, and never text for certain. */
export const userDataOf = (meta: InstanceMetadata): Uint8Array | undefined =>
  meta.userData === null ? undefined : Buffer.from(meta.userData, 'base64');
