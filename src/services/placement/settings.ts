import type { Values } from '../../platform/config/schema.ts';
import { sectionOf } from '../../platform/config/section.ts';
import { boolean } from '../../platform/config/setting.ts';

/** The section `placement` of the cloud's settings; names and defaults are upstream's where it has them. */
export const placementSettings = {
  randomize_allocation_candidates: boolean({
    description: 'Answer allocation candidates in another order each time, so that load spreads.',
    default: false,
  }),
} as const;

export type PlacementSettings = Values<typeof placementSettings>;

/** The service's settings out of what the program gives it; defaults where it says nothing. */
export const placementSettingsOf = (given: Readonly<Record<string, unknown>>): PlacementSettings =>
  sectionOf(placementSettings, given);
