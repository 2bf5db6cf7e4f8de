import { answer } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';

const newest = 16;

function versions(origin: string) {
  return {
    versions: Array.from({ length: newest + 1 }, (_, back) => ({
      id: `v2.${newest - back}`,
      status: back === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${origin}/v2/` }],
    })),
  };
}

/** The versions there are: as a choice (300) at the root, as a plain answer under its name. */
export const versionRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/',
    summary: 'List API versions',
    public: true,
    handler: (call) => answer(300, versions(call.origin)),
  }),
  route({
    method: 'GET',
    path: '/versions',
    summary: 'List API versions',
    public: true,
    handler: (call) => versions(call.origin),
  }),
];
