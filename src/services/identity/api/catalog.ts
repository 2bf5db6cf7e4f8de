import type { Route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { endpointResource } from './endpoints.ts';
import { regionRoutes } from './regions.ts';
import { serviceRoutes } from './services.ts';

/** Services, their endpoints, and the regions these are in. */
export const catalogRoutes = (identity: Identity): Route[] => [
  ...serviceRoutes(identity),
  ...endpointResource(identity).routes,
  ...regionRoutes(identity),
];
