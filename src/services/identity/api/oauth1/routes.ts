import type { Route } from '../../../../platform/http/route.ts';
import type { Identity } from '../../identity.ts';
import { accessTokenRoutes } from './access-tokens.ts';
import { consumerRoutes } from './consumers.ts';
import { handshakeRoutes } from './handshake.ts';

/** OAuth 1.0a: programs that users let act for them. */
export const oauth1Routes = (identity: Identity): Route[] => [
  ...consumerRoutes(identity),
  ...handshakeRoutes(identity),
  ...accessTokenRoutes(identity),
];
