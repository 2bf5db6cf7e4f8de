import type { Platform, RunningService, ServiceDefinition } from '../../platform/service/service.ts';
import { aggregateRoutes } from './api/aggregates.ts';
import { allocationCandidateRoutes } from './api/allocation-candidates.ts';
import { allocationRoutes } from './api/allocations.ts';
import { inventoryRoutes } from './api/inventories.ts';
import { reshaperRoutes } from './api/reshaper.ts';
import { resourceClassRoutes } from './api/resource-classes.ts';
import { resourceProviderRoutes } from './api/resource-providers.ts';
import { rootRoutes } from './api/root.ts';
import { placementErrors, refuseMicroversion } from './api/style.ts';
import { traitRoutes } from './api/traits.ts';
import { usageRoutes } from './api/usages.ts';
import { placementService } from './contract.ts';
import { placementHandlers } from './handlers/placement-service.ts';
import { maximumMicroversion, minimumMicroversion } from './model/microversions.ts';
import { placementPolicy } from './policy/rules.ts';
import { placementSettingsOf } from './settings.ts';
import { IndexFollower } from './store/provider-index.ts';
import { schema } from './store/tables.ts';
import { upgradeCheck } from './store/upgrade-check.ts';

const port = 8778;
/** A reshape of a big host carries every allocation on it. */
const bodyLimit = 4 * 1024 * 1024;

export const placement: ServiceDefinition = {
  name: 'placement',
  catalog: { type: 'placement', name: 'placement', description: 'OpenStack Placement Service', path: '' },
  port,
  async start(platform: Platform): Promise<RunningService> {
    const settings = placementSettingsOf(platform.settings);
    const store = await platform.openStore(schema);
    const follower = new IndexFollower(store);
    const authorizer = await platform.authorizer(placementPolicy);
    const search = {
      randomize: settings.randomize_allocation_candidates,
      strategy: settings.allocation_candidates_generation_strategy,
      most: settings.max_allocation_candidates < 0 ? undefined : settings.max_allocation_candidates,
    };
    const incomplete = {
      projectId: settings.incomplete_consumer_project_id,
      userId: settings.incomplete_consumer_user_id,
    };
    const listener = await platform.bus.serve(placementService, placementHandlers(store, follower, search));
    platform.offer('upgrade-check', () => upgradeCheck(store, platform.stateDir, incomplete.projectId));
    await platform.listen(
      {
        name: 'placement',
        title: 'Placement',
        errors: placementErrors,
        microversions: {
          service: 'placement',
          min: minimumMicroversion,
          max: maximumMicroversion,
          vary: 'openstack-api-version',
          refuse: refuseMicroversion,
        },
        bodyLimit,
        answersHead: false,
        exactPaths: true,
        handsOnBadJson: true,
        routes: [
          ...rootRoutes,
          ...resourceProviderRoutes(store, follower),
          ...inventoryRoutes(store, platform.log),
          ...aggregateRoutes(store),
          ...traitRoutes(store),
          ...usageRoutes(store),
          ...resourceClassRoutes(store),
          ...allocationRoutes(store, incomplete),
          ...allocationCandidateRoutes(follower, search),
          ...reshaperRoutes(store),
        ],
      },
      port,
      authorizer,
    );
    return { close: () => listener.close() };
  },
};
