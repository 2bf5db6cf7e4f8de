import { type Route, route } from '../../../platform/http/route.ts';
import type { Resource } from '../../../platform/resource/resource.ts';

/** The discovery documents: the API's versions, and what `/v2.0` has. */
export function versionRoutes(resources: readonly Pick<Resource<object>, 'names'>[]): Route[] {
  return [
    route({
      method: 'GET',
      path: '/',
      public: true,
      summary: 'List versions',
      handler: (call) => ({
        versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${call.origin}/v2.0/` }] }],
      }),
    }),
    route({
      method: 'GET',
      path: '/v2.0',
      public: true,
      summary: 'List resources',
      handler: (call) => ({
        resources: resources.map(({ names: { one, many, path } }) => ({
          name: one,
          collection: many,
          links: [{ rel: 'self', href: `${call.origin}${path}` }],
        })),
      }),
    }),
  ];
}
