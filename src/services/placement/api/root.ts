import type { Route } from '../../../platform/http/route.ts';
import { maximumMicroversion, minimumMicroversion } from '../model/microversions.ts';
import { fresh, operation } from './operation.ts';

/** Version discovery, open to everybody. The link is relative, so that it is right behind any proxy. */
export const rootRoutes: Route[] = [
  operation({
    method: 'GET',
    path: '/',
    summary: 'List versions',
    public: true,
    answer: (call) =>
      fresh(call, 200, {
        versions: [
          {
            id: `v${minimumMicroversion}`,
            max_version: maximumMicroversion,
            min_version: minimumMicroversion,
            status: 'CURRENT',
            links: [{ rel: 'self', href: '' }],
          },
        ],
      }),
  }),
];
