import { Forbidden, NotFound, Unauthorized } from '../../../../platform/errors/errors.ts';
import type { Call } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import type { Identity } from '../../identity.ts';
import type { AccessTokenRow } from '../../store/tables/oauth1.ts';
import { isDelegated } from '../../tokens/delegated.ts';
import { roleView } from '../roles.ts';
import { collection, notFound } from '../style.ts';

/** What users let consumers do for them. */
export function accessTokenRoutes(identity: Identity): Route[] {
  const { oauth1, directory } = identity;
  const path = '/v3/users/:user_id/OS-OAUTH1/access_tokens';

  const view = (row: AccessTokenRow, call: Call) => {
    const { id, consumer_id, project_id, user_id, expires_at } = row;
    const self = `${call.origin}/v3/users/${user_id}/OS-OAUTH1/access_tokens/${id}`;
    const links = { self, roles: `${self}/roles` };
    return { id, consumer_id, project_id, authorizing_user_id: user_id, expires_at, links };
  };

  async function rolesView(row: AccessTokenRow, call: Call): Promise<Record<string, unknown>[]> {
    const { roles } = await directory.shared();
    return row.role_ids.flatMap((id) => {
      const role = roles.get(id);
      if (!role) return [];
      const { description: _, ...shown } = roleView(role, call);
      return [shown];
    });
  }

  /** @throws Forbidden for a token that was itself handed out: it could hand on more than it was given */
  function assertOwnAuthority({ credentials }: Call): void {
    if (isDelegated(credentials))
      throw new Forbidden('Cannot manage OAuth access tokens with a token issued via delegation.');
  }

  /** The one that the path names. @throws NotFound, or what another user's is to the caller */
  async function named(
    call: Call,
    ofAnother: () => Error = () => new NotFound('Access token not found'),
  ): Promise<AccessTokenRow> {
    const { user_id, access_token_id = '' } = call.params;
    const row = await oauth1.accessToken(access_token_id);
    if (!row) throw new NotFound('Access token not found');
    if (row.user_id !== user_id) throw ofAnother();
    return row;
  }
  const unlike = () => new Unauthorized('User IDs do not match');

  return [
    route({
      method: 'GET',
      path,
      summary: 'List the OAuth access tokens of a user',
      policy: 'identity:list_access_tokens',
      async handler(call) {
        assertOwnAuthority(call);
        const rows = await oauth1.accessTokensOf(call.params['user_id'] as string);
        return collection(
          call,
          'access_tokens',
          rows.map((row) => view(row, call)),
        );
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:access_token_id`,
      summary: 'Show an OAuth access token',
      policy: 'identity:get_access_token',
      async handler(call) {
        assertOwnAuthority(call);
        return { access_token: view(await named(call), call) };
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:access_token_id`,
      summary: 'Take an OAuth access token back',
      policy: 'identity:delete_access_token',
      async handler(call) {
        assertOwnAuthority(call);
        const { id } = await named(call, unlike);
        await identity.atomically(() => oauth1.deleteAccessToken(id));
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:access_token_id/roles`,
      summary: 'List the roles of an OAuth access token',
      policy: 'identity:list_access_token_roles',
      async handler(call) {
        return collection(call, 'roles', await rolesView(await named(call), call));
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:access_token_id/roles/:role_id`,
      summary: 'Show a role of an OAuth access token',
      policy: 'identity:get_access_token_role',
      async handler(call) {
        const { role_id = '' } = call.params;
        const role = (await rolesView(await named(call, unlike), call)).find(({ id }) => id === role_id);
        if (!role) throw notFound('role', role_id);
        return { role };
      },
    }),
  ];
}
