import { NoSuchServer } from '../../platform/errors/errors.ts';
import type { ServiceDefinition } from '../../platform/service/service.ts';
import { networkAgent, networkService, type NetworkService } from './contract.ts';
import { extensionRoutes } from './api/extensions.ts';
import { networksApi } from './api/networks.ts';
import { portsApi } from './api/ports.ts';
import { securityGroupRulesApi } from './api/security-group-rules.ts';
import { securityGroupsApi } from './api/security-groups.ts';
import { networkErrors } from './api/style.ts';
import { subnetsApi } from './api/subnets.ts';
import { versionRoutes } from './api/versions.ts';
import { agentHandlers } from './handlers/agents.ts';
import { hostState } from './handlers/host-state.ts';
import { resolveRequests } from './handlers/resolve-requests.ts';
import { serverByAddress } from './handlers/server-by-address.ts';
import { serverPorts } from './handlers/server-ports.ts';
import { networkSettings } from './model/settings.ts';
import { networkPolicies } from './policy/policies.ts';
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
    const core: Network = { store, settings: networkSettings(platform.settings), hosts };
    const networks = networksApi(core);
    const resources = [
      networks,
      subnetsApi(core, networks),
      portsApi(core, networks),
      securityGroupsApi(core),
      securityGroupRulesApi(core),
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
          ...extensionRoutes,
          ...resources.flatMap(({ routes }) => routes),
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
