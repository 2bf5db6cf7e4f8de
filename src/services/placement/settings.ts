import type { Values } from '../../platform/config/schema.ts';
import { sectionOf } from '../../platform/config/section.ts';
import { boolean, choice, integer, text } from '../../platform/config/setting.ts';
import { incompleteConsumer } from './model/names.ts';

/** The section `placement` of the cloud's settings; names and defaults are upstream's where it has them. */
export const placementSettings = {
  randomize_allocation_candidates: boolean({
    description: 'Answer allocation candidates in another order each time, so that load spreads.',
    default: false,
  }),
  max_allocation_candidates: integer({
    description:
      'How many allocation candidates are looked for at most, whatever the limit asked for; -1: all.',
    min: -1,
    max: 2_147_483_647,
    default: -1,
  }),
  allocation_candidates_generation_strategy: choice(['depth-first', 'breadth-first'], {
    description:
      'Whether all candidates of one provider tree come before those of the next, or one of each tree in turn.',
    default: 'depth-first',
  }),
  incomplete_consumer_project_id: text({
    description: 'The project of allocations that come without one, in microversions below 1.8.',
    default: incompleteConsumer,
  }),
  incomplete_consumer_user_id: text({
    description: 'The user of allocations that come without one, in microversions below 1.8.',
    default: incompleteConsumer,
  }),
} as const;

export type PlacementSettings = Values<typeof placementSettings>;

/** The service's settings out of what the program gives it; defaults where it says nothing. */
export const placementSettingsOf = (given: Readonly<Record<string, unknown>>): PlacementSettings =>
  sectionOf(placementSettings, given);
