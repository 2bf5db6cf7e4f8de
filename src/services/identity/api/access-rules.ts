import { Forbidden } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import type { AccessRuleRow } from '../store/tables/application-credentials.ts';
import { accessRuleView } from '../tokens/authorities/application-credential.ts';
import { assertMayManage } from './application-credentials.ts';
import { collection, notFound } from './style.ts';

/** The access rules of a user's application credentials; they are made with those. */
export function accessRuleRoutes(identity: Identity): Route[] {
  const { applicationCredentials, directory } = identity;
  const path = '/v3/users/:user_id/access_rules';
  const view = (row: AccessRuleRow, call: Call) => ({
    ...accessRuleView(row),
    links: { self: `${call.origin}/v3/access_rules/${row.id}` },
  });

  async function allowed(call: Call, rule: string): Promise<void> {
    const user = await directory.user(call.params['user_id'] as string);
    call.enforce(rule, user ? { target: { user } } : {});
    assertMayManage(call);
  }

  /** @throws NotFound for another user's, as for none */
  async function named(call: Call): Promise<AccessRuleRow> {
    const { user_id, id = '' } = call.params;
    const row = await applicationCredentials.accessRule(id);
    if (row?.user_id !== user_id) throw notFound('Access Rule', id);
    return row as AccessRuleRow;
  }

  return [
    route({
      method: 'GET',
      path,
      summary: 'List the access rules of a user',
      async handler(call) {
        await allowed(call, 'identity:list_access_rules');
        const filters = (['service', 'path', 'method'] as const).flatMap((name) => {
          const value = call.queryValue(name);
          return value === undefined ? [] : [[name, value]];
        });
        const where = { user_id: call.params['user_id'] as string, ...Object.fromEntries(filters) };
        const rows = await applicationCredentials.accessRules(where);
        return collection(
          call,
          'access_rules',
          rows.map((row) => view(row, call)),
        );
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      summary: 'Show an access rule',
      async handler(call) {
        await allowed(call, 'identity:get_access_rule');
        return { access_rule: view(await named(call), call) };
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      summary: 'Delete an access rule that no application credential uses',
      async handler(call) {
        await allowed(call, 'identity:delete_access_rule');
        const { id } = await named(call);
        if (!(await identity.atomically(() => applicationCredentials.deleteAccessRule(id))))
          throw new Forbidden('May not delete access rule in use');
      },
    }),
  ];
}
