import type { Route } from '../../../platform/http/route.ts';
import type { Audit } from '../audit.ts';
import type { Identity } from '../identity.ts';
import { accessRuleRoutes } from './access-rules.ts';
import { applicationCredentialRoutes } from './application-credentials.ts';
import { audited } from './audited.ts';
import { authScopeRoutes } from './auth-scopes.ts';
import { authTokenRoutes } from './auth-tokens.ts';
import { catalogRoutes } from './catalog.ts';
import { credentialRoutes } from './credentials.ts';
import { domainConfigurationRoutes } from './domain-configurations.ts';
import { domainRoutes } from './domains.ts';
import { ec2CredentialRoutes } from './ec2-credentials.ts';
import { endpointFilterRoutes } from './endpoint-filter.ts';
import { federationRoutes } from './federation/routes.ts';
import { grantRoutes } from './grants.ts';
import { groupRoutes } from './groups.ts';
import { limitRoutes } from './limits.ts';
import { oauth1Routes } from './oauth1/routes.ts';
import { oauth2TokenRoutes } from './oauth2-token.ts';
import { policyRoutes } from './policy-associations.ts';
import { projectTagRoutes } from './project-tags.ts';
import { projectRoutes } from './projects.ts';
import { registeredLimitRoutes } from './registered-limits.ts';
import { revocationRoutes } from './revocations.ts';
import { roleAssignmentRoutes } from './role-assignments.ts';
import { roleRoutes } from './roles.ts';
import { signedTokenRoutes } from './signed-tokens.ts';
import { trustRoutes } from './trusts.ts';
import { userPasswordRoutes } from './user-password.ts';
import { userRoutes } from './users.ts';
import { versionRoutes } from './versions.ts';

const families = [
  authTokenRoutes,
  authScopeRoutes,
  userRoutes,
  userPasswordRoutes,
  groupRoutes,
  projectRoutes,
  projectTagRoutes,
  domainRoutes,
  domainConfigurationRoutes,
  roleRoutes,
  grantRoutes,
  roleAssignmentRoutes,
  catalogRoutes,
  federationRoutes,
  endpointFilterRoutes,
  policyRoutes,
  applicationCredentialRoutes,
  accessRuleRoutes,
  trustRoutes,
  oauth1Routes,
  revocationRoutes,
  credentialRoutes,
  ec2CredentialRoutes,
  signedTokenRoutes,
  oauth2TokenRoutes,
  registeredLimitRoutes,
  limitRoutes,
];

/** All that identity answers, told to the audit where it writes. */
export function identityRoutes(identity: Identity, audit: Audit): Route[] {
  const routes = families.flatMap((family) => family(identity));
  return audited([...versionRoutes(routes), ...routes], audit);
}
