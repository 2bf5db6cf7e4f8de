import { cloudSettings } from '../platform/config/cloud-settings.ts';
import type { Values } from '../platform/config/schema.ts';
import { computeSettings } from '../services/compute/settings.ts';
import { identitySettings } from '../services/identity/settings.ts';
import { imageSettings } from '../services/image/settings.ts';
import { networkSettings } from '../services/network/settings.ts';
import { placementSettings } from '../services/placement/settings.ts';

/** What can be set: the cloud's own settings, and a section for each service that has any. */
export const allSettings = {
  ...cloudSettings,
  compute: computeSettings,
  identity: identitySettings,
  image: imageSettings,
  network: networkSettings,
  placement: placementSettings,
} as const;

export type AllSettings = Values<typeof allSettings>;

/** The section of each service, by the service's name: compute's parts share one. */
export const sectionsOf = (settings: AllSettings): Record<string, object> => ({
  compute: settings.compute,
  'compute-agent': settings.compute,
  metadata: settings.compute,
  identity: settings.identity,
  image: settings.image,
  network: settings.network,
  'network-agent': settings.network,
  placement: settings.placement,
});
