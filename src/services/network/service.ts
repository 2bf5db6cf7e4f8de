import { NoSuchServer } from '../../platform/errors/errors.ts';
import type { ServiceDefinition } from '../../platform/service/service.ts';
import { addressGroupsApi } from './api/address-groups.ts';
import { agentsApi } from './api/agents.ts';
import { availabilityRoutes } from './api/availability.ts';
import { extensionRoutes } from './api/extensions.ts';
import { floatingipsApi } from './api/floatingips.ts';
import { networksApi } from './api/networks.ts';
import { portsApi } from './api/ports.ts';
import { quotaRoutes } from './api/quotas.ts';
import { rbacPoliciesApi } from './api/rbac-policies.ts';
import { routersApi } from './api/routers.ts';
import { securityGroupRulesApi } from './api/security-group-rules.ts';
import { securityGroupsApi } from './api/security-groups.ts';
import { networkErrors } from './api/style.ts';
import { subnetpoolsApi } from './api/subnetpools.ts';
import { subnetsApi } from './api/subnets.ts';
import { versionRoutes } from './api/versions.ts';
import { type NetworkService, networkAgent, networkService } from './contract.ts';
import { agentHandlers } from './handlers/agents.ts';
import { hostState } from './handlers/host-state.ts';
import { resolveRequests } from './handlers/resolve-requests.ts';
import { serverByAddress } from './handlers/server-by-address.ts';
import { serverPorts } from './handlers/server-ports.ts';
import { networkPolicies } from './policy/policies.ts';
import { networkSettingsOf } from './settings.ts';
import { hostBell } from './store/host-bell.ts';
import type { Network } from './store/network.ts';
import { networkSchema } from './store/tables.ts';

/** Networks, ports, routers and what guards them. */
export const network: ServiceDefinition = {
  name: 'network',
  catalog: { type: 'network', name: 'neutron', description: 'OpenStack Networking', path: '' },
  port: 9696,
  async start(platform) {
    const { bus, log } = platform;
    const store = await platform.openStore(networkSchema);
    const hosts = hostBell(
      store,
      async (host) => {
        try {
          await bus.cast(networkAgent, { host }).wake({});
        } catch (error) {
          // A host without an agent asks for its state when it has one.
          if (!(error instanceof NoSuchServer)) throw error;
        }
      },
      (err) => log.warn({ err, service: 'network' }, 'a host was not told of a change'),
    );
    const core: Network = { store, settings: networkSettingsOf(platform.settings), hosts };
    const networks = networksApi(core);
    const subnets = subnetsApi(core, networks);
    const ports = portsApi(core, networks);
    const routers = routersApi(core, { networks, subnets, ports });
    const resources = [
      networks,
      subnets,
      ports,
      routers,
      floatingipsApi(core, networks),
      securityGroupsApi(core),
      securityGroupRulesApi(core),
      addressGroupsApi(core),
      subnetpoolsApi(core),
      rbacPoliciesApi(core),
      agentsApi(core, { networks, routers }),
    ];
    const handlers: NetworkService = {
      resolveRequests: resolveRequests(core),
      ...serverPorts(core),
      ...agentHandlers(core),
      serverByAddress: serverByAddress(core),
      hostState: ({ host }) => hostState(core, host),
    };
    const listener = await bus.serve(networkService, handlers);
    await platform.listen(
      {
        name: 'network',
        title: 'Networking',
        errors: networkErrors,
        routes: [
          ...versionRoutes(resources),
          ...extensionRoutes(core.settings),
          ...resources.flatMap((each) => each.routes),
          ...quotaRoutes(core),
          ...availabilityRoutes(core, networks),
        ],
      },
      9696,
      await platform.authorizer(networkPolicies),
    );
    return {
      async close() {
        await listener.close();
        await hosts.settled();
      },
    };
  },
};
