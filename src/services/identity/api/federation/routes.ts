import type { Route } from '../../../../platform/http/route.ts';
import type { Identity } from '../../identity.ts';
import { authScopeRoutes } from '../auth-scopes.ts';
import { federatedAuthRoutes } from './auth.ts';
import { identityProviderRoutes } from './identity-providers.ts';
import { mappingRoutes } from './mappings.ts';
import { protocolRoutes } from './protocols.ts';
import { samlRoutes } from './saml.ts';
import { serviceProviderRoutes } from './service-providers.ts';

/** Users of other clouds and of companies' directories: OS-FEDERATION. */
export const federationRoutes = (identity: Identity): Route[] => [
  ...identityProviderRoutes(identity),
  ...protocolRoutes(identity),
  ...mappingRoutes(identity),
  ...serviceProviderRoutes(identity),
  ...formerScopeRoutes(identity),
  ...federatedAuthRoutes(identity),
  ...samlRoutes(identity),
];

/** Where federated users once learned what they could have a token for; `/v3/auth/projects` and `/domains` tell it now. */
function formerScopeRoutes(identity: Identity): Route[] {
  const routes = authScopeRoutes(identity);
  return ['projects', 'domains'].flatMap((name) => {
    const present = routes.find((each) => each.path === `/v3/auth/${name}`);
    return present ? [{ ...present, path: `/v3/OS-FEDERATION/${name}` }] : [];
  });
}
