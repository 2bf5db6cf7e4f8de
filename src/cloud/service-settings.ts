import { cloudSettings } from '../platform/config/cloud-settings.ts';
import type { Values } from '../platform/config/schema.ts';
import { identitySettings } from '../services/identity/settings.ts';
import { imageSettings } from '../services/image/settings.ts';
import { placementSettings } from '../services/placement/settings.ts';

/** What can be set: the cloud's own settings, and a section for each service that has any. */
export const allSettings = {
  ...cloudSettings,
  identity: identitySettings,
  image: imageSettings,
  placement: placementSettings,
} as const;

export type AllSettings = Values<typeof allSettings>;
