import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { MicroversionRange } from '../../../platform/microversion/microversion.ts';

export const microversions: MicroversionRange = {
  service: 'compute',
  min: '2.1',
  max: '2.96',
  legacyHeader: 'X-OpenStack-Nova-API-Version',
};

/** The API from before microversions; its paths are answered by 2.1. */
const legacy = (call: Call) => ({
  id: 'v2.0',
  status: 'SUPPORTED',
  version: '',
  min_version: '',
  updated: '2011-01-21T11:33:21Z',
  links: [{ rel: 'self', href: `${call.origin}/v2/` }],
});

const current = (call: Call) => ({
  id: 'v2.1',
  status: 'CURRENT',
  version: microversions.max,
  min_version: microversions.min,
  updated: '2013-07-23T11:33:21Z',
  links: [{ rel: 'self', href: `${call.origin}/v2.1/` }],
});

const inFull = (version: ReturnType<typeof current>, number: string) => ({
  version: {
    ...version,
    links: [...version.links, { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' }],
    'media-types': [
      { base: 'application/json', type: `application/vnd.openstack.compute+json;version=${number}` },
    ],
  },
});

/** Discovery, as clients find the API from its bare address. */
export const versionRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/',
    summary: 'List API versions',
    public: true,
    handler: (call) => ({ versions: [legacy(call), current(call)] }),
  }),
  route({
    method: 'GET',
    path: '/v2',
    summary: 'Show the API without microversions',
    public: true,
    handler: (call) => inFull(legacy(call), '2'),
  }),
  route({
    method: 'GET',
    path: '/v2.1',
    summary: 'Show the API',
    public: true,
    handler: (call) => inFull(current(call), '2.1'),
  }),
];

const projectInPath = /^\/v2(?:\.1)?\/(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=\/|$)/i;

/**
 * `/v2.1/<project id>/servers` and `/v2/servers` → `/v2.1/servers`. The project in a path says nothing that the token
 * does not say; clients with old catalogs send it.
 */
export function rewritePath(asked: string): string {
  const bare = asked.replace(projectInPath, '/v2.1');
  const path = bare.startsWith('/v2/') && bare !== '/v2/' ? `/v2.1${bare.slice('/v2'.length)}` : bare;
  // An empty id is no image; without this the collection would be meant, trailing slashes being ignored.
  return path === '/v2.1/images/' ? '/v2.1/images/-' : path;
}
