import { systemClock } from '../../platform/clock/clock.ts';
import type { ServiceDefinition } from '../../platform/service/service.ts';
import { offerAdministration } from './admin/operator.ts';
import { identityRoutes } from './api/routes.ts';
import { identityErrors } from './api/style.ts';
import { offerMappings } from './drivers/operator.ts';
import { serveBus } from './handlers.ts';
import { openIdentity } from './open.ts';
import { identityPolicies } from './policies/policies.ts';
import { eachDay } from './store/each-day.ts';

const port = 5000;

/** Who may do what: users, projects, roles, tokens, and the catalog. */
export const identity: ServiceDefinition = {
  name: 'identity',
  catalog: { type: 'identity', name: 'keystone', description: 'OpenStack Identity', path: '/v3' },
  port,
  async start(platform) {
    await using opened = new AsyncDisposableStack();
    const { identity: running, keys, audit, self } = await openIdentity(platform, opened);
    offerMappings(platform, running);
    offerAdministration(platform, running, keys);
    await serveBus(platform, running, self, opened);
    if (running.settings.disable_user_account_days_inactive > 0) {
      // With the day some users may be inactive, of whom something else is remembered here and in every service.
      opened.defer(eachDay(systemClock, () => running.changes.revoked()));
    }
    const authorizer = await platform.authorizer(identityPolicies);
    await platform.listen(
      {
        name: 'identity',
        title: 'Identity',
        errors: identityErrors,
        headers: { vary: 'X-Auth-Token' },
        challengePath: '/v3',
        routes: identityRoutes(running, audit),
        guardsUnknownPaths: false,
      },
      port,
      authorizer,
    );
    const kept = opened.move();
    return { close: () => kept.disposeAsync() };
  },
};
