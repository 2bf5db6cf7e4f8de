import { Type } from 'typebox';
import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Resource } from '../../../platform/resource/resource.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { type PolicyRow, policies } from '../store/tables/policies.ts';
import { Id, keptExtra } from './fields.ts';

/** Documents that are kept for other services to take as their rules. */
export function policyResource(identity: Identity): Resource<PolicyRow> {
  const rows = countedRows(identity.store, policies, identity.changes);
  return identity.resource({
    one: 'policy',
    many: 'policies',
    path: '/policies',
    rows,
    attributes: {
      id: { schema: Id },
      blob: { schema: Type.String({ maxLength: 65_535 }), create: 'required', update: true },
      type: { schema: Type.String({ maxLength: 255 }), create: 'required', update: true, filter: true },
    },
    policy: {
      list: 'identity:list_policies',
      show: 'identity:get_policy',
      create: 'identity:create_policy',
      update: 'identity:update_policy',
      delete: 'identity:delete_policy',
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    create: (_call, { type, blob }, extra) =>
      rows.insert({ id: newId(), type, blob, extra: keptExtra(extra) }),
    async update(_call, row, given, extra) {
      const { id } = given as { id?: unknown };
      if (id !== undefined && id !== row.id) throw new BadRequest('Cannot change policy ID');
      const { type, blob } = given;
      const changed: Partial<PolicyRow> = {
        extra: keptExtra(extra, row.extra),
        ...(type === undefined ? {} : { type }),
        ...(blob === undefined ? {} : { blob }),
      };
      await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
      return { ...row, ...changed };
    },
  });
}
