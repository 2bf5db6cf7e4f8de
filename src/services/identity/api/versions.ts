import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { jsonHome, jsonHomeType, prefersJsonHome } from './json-home.ts';

const version = (call: Call) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${call.origin}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
});

/** Discovery, as clients find the API from its bare address. @param routes what there is beside it */
export function versionRoutes(routes: readonly Route[]): Route[] {
  const home = (prefix?: string) =>
    answer(200, JSON.stringify(jsonHome(routes, prefix)), { 'content-type': jsonHomeType, vary: 'Accept' });
  return [
    route({
      method: 'GET',
      path: '/',
      summary: 'List API versions',
      public: true,
      handler: (call) =>
        prefersJsonHome(call.headers.accept)
          ? home('/v3')
          : answer(300, { versions: { values: [version(call)] } }, { location: `${call.origin}/v3/` }),
    }),
    route({
      method: 'GET',
      path: '/v3',
      summary: 'Show the API version',
      public: true,
      handler: (call) => (prefersJsonHome(call.headers.accept) ? home() : { version: version(call) }),
    }),
  ];
}
