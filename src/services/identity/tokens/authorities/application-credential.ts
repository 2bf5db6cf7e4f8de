import { parseIsoTime } from '../../model/timestamps.ts';
import type { ApplicationCredential, ApplicationCredentials } from '../../store/application-credentials.ts';
import type { BoundsOf } from '../bounds.ts';

/** What an access rule shows of itself. */
export const accessRuleView = ({
  id,
  service,
  path,
  method,
}: NonNullable<ApplicationCredential['access_rules']>[number]) => ({
  id,
  service,
  path,
  method,
});

/**
 * A token of an application credential has the credential's roles, on its project, as long as its user has all of
 * them there himself.
 */
export const applicationCredentialBounds =
  (credentials: ApplicationCredentials): BoundsOf<'application-credential'> =>
  async ({ applicationCredentialId }, { user, scope, rolesOf }) => {
    const found = await credentials.get(applicationCredentialId);
    if (!found || found.user_id !== user.id) return undefined;
    if (scope?.kind !== 'project' || scope.projectId !== found.project_id) return undefined;
    const held = new Set(await rolesOf(user.id));
    if (!found.role_ids.every((id) => held.has(id))) return undefined;
    const rules = found.access_rules?.map(accessRuleView);
    return {
      roleIds: found.role_ids,
      ...(found.expires_at === null ? {} : { expiresAt: parseIsoTime(found.expires_at) }),
      shown: {
        application_credential: {
          id: found.id,
          name: found.name,
          restricted: !found.unrestricted,
          ...(rules ? { access_rules: rules } : {}),
        },
      },
      credentials: { applicationCredentialId: found.id, ...(rules ? { accessRules: rules } : {}) },
    };
  };
