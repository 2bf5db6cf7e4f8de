import { FlowEngine } from '../../platform/flow/engine.ts';
import type { Route } from '../../platform/http/route.ts';
import { resourcesIn } from '../../platform/resource/resource.ts';
import type { ServiceDefinition } from '../../platform/service/service.ts';
import { imageService } from '../image/contract.ts';
import { networkService } from '../network/contract.ts';
import { placementService } from '../placement/contract.ts';
import { computeErrors, computeStyle } from './api/style.ts';
import { microversions, rewritePath, versionRoutes } from './api/versions.ts';
import type { Compute } from './compute.ts';
import { computeAgent } from './contract.ts';
import { computePolicies } from './policy/policies.ts';
import { computeSchema } from './store/schema.ts';

/** What the API has: a file of `api/` for each resource, and a line here for each file. */
const resources: readonly ((compute: Compute) => readonly Route[])[] = [() => versionRoutes];

/** Servers and what they are made of. */
export const compute: ServiceDefinition = {
  name: 'compute',
  catalog: { type: 'compute', name: 'nova', description: 'OpenStack Compute', path: '/v2.1' },
  port: 8774,
  async start(platform) {
    const { bus, log } = platform;
    const store = await platform.openStore(computeSchema);
    const engine = new FlowEngine({ store, runnerId: `compute@${platform.host}`, log });
    const running: Compute = {
      platform,
      store,
      engine,
      resource: resourcesIn(computeStyle, (work) => store.transaction(work)),
      placement: bus.client(placementService),
      network: bus.client(networkService),
      image: bus.client(imageService),
      agent: (host) => bus.client(computeAgent, { host }),
    };
    const authorizer = await platform.authorizer(computePolicies);
    const routes = resources.flatMap((make) => make(running));
    await engine.start();
    await platform.listen(
      {
        name: 'compute',
        title: 'Compute',
        errors: computeErrors,
        routes,
        microversions,
        rewrite: rewritePath,
      },
      compute.port as number,
      authorizer,
    );
    return { close: () => engine.close() };
  },
};
