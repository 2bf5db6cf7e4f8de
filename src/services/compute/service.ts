import { periodic } from '../../platform/agent/periodic.ts';
import { sectionOf } from '../../platform/config/section.ts';
import { FlowEngine } from '../../platform/flow/engine.ts';
import type { Route } from '../../platform/http/route.ts';
import { resourcesIn } from '../../platform/resource/resource.ts';
import type { ServiceDefinition } from '../../platform/service/service.ts';
import { imageService } from '../image/contract.ts';
import { networkService } from '../network/contract.ts';
import { placementService } from '../placement/contract.ts';
import { offerPlacementAdministration } from './admin/operator.ts';
import { aggregateRoutes } from './api/aggregates.ts';
import { availabilityZoneRoutes } from './api/availability-zones.ts';
import { extensionRoutes } from './api/extensions.ts';
import { flavorAccessRoutes } from './api/flavor-access.ts';
import { flavorExtraSpecRoutes } from './api/flavor-extra-specs.ts';
import { flavorRoutes } from './api/flavors.ts';
import { hypervisorRoutes } from './api/hypervisors.ts';
import { imageMetadataRoutes } from './api/image-metadata.ts';
import { imageRoutes } from './api/images.ts';
import { instanceActionRoutes } from './api/instance-actions.ts';
import { instanceUsageAuditLogRoutes } from './api/instance-usage-audit-logs.ts';
import { keypairRoutes } from './api/keypairs.ts';
import { limitRoutes } from './api/limits.ts';
import { migrationRoutes } from './api/migrations.ts';
import { quotaClassRoutes, quotaRoutes } from './api/quotas.ts';
import { remoteConsoleRoutes } from './api/remote-consoles.ts';
import { serverActionRoutes } from './api/server-actions.ts';
import { serverGroupRoutes } from './api/server-groups.ts';
import { serverInterfaceRoutes } from './api/server-interfaces.ts';
import { serverMetadataRoutes } from './api/server-metadata.ts';
import { serverPartRoutes } from './api/server-parts.ts';
import { serverTagRoutes } from './api/server-tags.ts';
import { serverRoutes } from './api/servers.ts';
import { serviceRoutes } from './api/services.ts';
import { simpleTenantUsageRoutes } from './api/simple-tenant-usage.ts';
import { computeErrors, computeStyle } from './api/style.ts';
import { microversions, rewritePath, versionRoutes } from './api/versions.ts';
import type { Compute } from './compute.ts';
import { computeAgent, computeService } from './contract.ts';
import { serverFlows } from './flows/flows.ts';
import { offerFlows } from './flows/operator.ts';
import type { FlowParts } from './flows/parts.ts';
import { settled } from './flows/settled.ts';
import { computeServiceHandlers } from './handlers/compute-service.ts';
import { offloadShelved } from './handlers/offload-shelved.ts';
import { computePolicies } from './policy/policies.ts';
import { computeSettings, ratiosOf } from './settings.ts';
import { migrationChanges } from './store/migrations.ts';
import { computeSchema } from './store/schema.ts';
import { serverActionLog } from './store/server-actions.ts';
import { serverChanges } from './store/server-changes.ts';

/** What the API has: a file of `api/` for each resource, and a line here for each file. */
const resources: readonly ((compute: Compute) => readonly Route[])[] = [
  () => versionRoutes,
  flavorRoutes,
  flavorExtraSpecRoutes,
  flavorAccessRoutes,
  keypairRoutes,
  serverRoutes,
  serverActionRoutes,
  serverMetadataRoutes,
  serverInterfaceRoutes,
  serverTagRoutes,
  serverPartRoutes,
  instanceActionRoutes,
  remoteConsoleRoutes,
  imageRoutes,
  imageMetadataRoutes,
  quotaRoutes,
  quotaClassRoutes,
  limitRoutes,
  availabilityZoneRoutes,
  serviceRoutes,
  hypervisorRoutes,
  aggregateRoutes,
  serverGroupRoutes,
  migrationRoutes,
  simpleTenantUsageRoutes,
  instanceUsageAuditLogRoutes,
  () => extensionRoutes,
];

/** Servers and what they are made of. */
export const compute: ServiceDefinition = {
  name: 'compute',
  catalog: { type: 'compute', name: 'nova', description: 'OpenStack Compute', path: '/v2.1' },
  port: 8774,
  async start(platform) {
    const { bus, log } = platform;
    const store = await platform.openStore(computeSchema);
    const engine = new FlowEngine({ store, runnerId: `compute@${platform.host}`, log });
    const settings = sectionOf(computeSettings, platform.settings);
    const parts: FlowParts = {
      store,
      engine,
      servers: serverChanges(store),
      migrations: migrationChanges(store),
      actions: serverActionLog(store),
      placement: bus.client(placementService),
      network: bus.client(networkService),
      image: bus.client(imageService),
      agent: (host) => bus.client(computeAgent, { host }),
      settled: settled(engine),
    };
    const flows = serverFlows(parts);
    const { power, ...others } = flows;
    engine.register(...Object.values(others), ...Object.values(power));
    const running: Compute = {
      ...parts,
      platform,
      settings,
      engine,
      flows,
      resource: resourcesIn(computeStyle, (work) => store.transaction(work)),
    };
    const authorizer = await platform.authorizer(computePolicies);
    const routes = resources.flatMap((make) => make(running));
    const listener = await bus.serve(computeService, computeServiceHandlers(parts, ratiosOf(settings)));
    const { shelved_offload_time: offloadTime, shelved_poll_interval: every } = settings;
    const offloading = periodic(
      'shelved servers',
      every * 1000,
      () => offloadShelved(parts, flows, offloadTime),
      {
        onError: (err) => log.warn({ err }, 'shelved servers could not be taken off their hosts'),
      },
    );
    const close = async () => {
      await offloading.close();
      await listener.close();
      await engine.close();
    };
    try {
      offerFlows(platform, engine);
      offerPlacementAdministration(platform, parts);
      await engine.start();
      if (offloadTime > 0) offloading.start();
      await platform.listen(
        {
          name: 'compute',
          title: 'Compute',
          errors: computeErrors,
          routes,
          microversions,
          rewrite: rewritePath,
          requestIdHeader: 'x-compute-request-id',
        },
        compute.port as number,
        authorizer,
      );
    } catch (error) {
      await close();
      throw error;
    }
    return { close };
  },
};
