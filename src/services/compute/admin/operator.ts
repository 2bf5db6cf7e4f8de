import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Platform } from '../../../platform/service/service.ts';
import type { FlowParts } from '../flows/parts.ts';
import { auditAllocations } from './audit.ts';
import { healAllocations } from './heal-allocations.ts';
import { syncAggregates } from './sync-aggregates.ts';

/** `cumulet admin placement audit`, `heal-allocations` and `sync-aggregates`. */
export function offerPlacementAdministration(
  platform: Platform,
  { store, placement }: Pick<FlowParts, 'store' | 'placement'>,
): void {
  platform.offer('placement-audit', ({ provider, delete: deletes }) =>
    auditAllocations(store, placement, {
      ...(provider === undefined ? {} : { provider }),
      delete: deletes === 'yes',
    }),
  );
  platform.offer('placement-heal-allocations', async ({ server, most = '50', force, dry_run }) => {
    if (!/^[1-9]\d{0,8}$/.test(most)) throw new BadRequest('the most to heal is a whole number, 1 or more');
    return healAllocations(
      { store, placement },
      {
        ...(server === undefined ? {} : { server }),
        most: Number(most),
        force: force === 'yes',
        dryRun: dry_run === 'yes',
      },
    );
  });
  platform.offer('placement-sync-aggregates', ({ dry_run }) =>
    syncAggregates(store, placement, { dryRun: dry_run === 'yes' }),
  );
}
