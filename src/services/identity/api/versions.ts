import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';

const version = (call: Call) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${call.origin}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
});

/** Discovery, as clients find the API from its bare address. */
export const versionRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/',
    summary: 'List API versions',
    public: true,
    handler: (call) =>
      answer(300, { versions: { values: [version(call)] } }, { location: `${call.origin}/v3/` }),
  }),
  route({
    method: 'GET',
    path: '/v3',
    summary: 'Show the API version',
    public: true,
    handler: (call) => ({ version: version(call) }),
  }),
];
