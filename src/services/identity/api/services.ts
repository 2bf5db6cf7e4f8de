import { Type } from 'typebox';
import { Conflict } from '../../../platform/errors/errors.ts';
import type { Route } from '../../../platform/http/route.ts';
import { ForeignKeyViolation } from '../../../platform/store/errors.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { type ServiceRow, services } from '../store/tables.ts';
import { assertUnmoved, Enabled, Id, keptExtra, Name, NullableText } from './fields.ts';

/** A description is not shown where there is none, but `null` where that was said. */
const saidToBeNull = (description: string | null | undefined) =>
  description === null ? { description } : {};

/** What offers an API: the entries of the catalog. */
export function serviceRoutes(identity: Identity): Route[] {
  const rows = countedRows(identity.store, services, identity.changes);
  return identity.resource({
    one: 'service',
    many: 'services',
    path: '/services',
    rows,
    attributes: {
      id: { schema: Id },
      type: {
        schema: Type.String({ minLength: 1, maxLength: 255 }),
        create: 'required',
        update: true,
        filter: true,
      },
      name: {
        schema: Name(255),
        create: 'optional',
        update: true,
        filter: true,
        from: (row: ServiceRow) => row.name ?? '',
      },
      description: {
        schema: NullableText,
        create: 'optional',
        update: true,
        from: (row: ServiceRow) => row.description ?? undefined,
      },
      enabled: { schema: Enabled, create: 'optional', update: true, default: true },
    },
    policy: {
      list: 'identity:list_services',
      show: 'identity:get_service',
      create: 'identity:create_service',
      update: 'identity:update_service',
      delete: 'identity:delete_service',
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    create: (_call, { type, name = '', description, enabled }, extra) =>
      rows.insert({
        id: newId(),
        type,
        name,
        enabled,
        description: description ?? null,
        extra: keptExtra({ ...extra, ...saidToBeNull(description) }),
      }),
    async update(_call, row, given, extra) {
      assertUnmoved(given, { id: row.id });
      const { type, name, description, enabled } = given;
      const changed: Partial<ServiceRow> = {
        extra: keptExtra({ ...extra, ...saidToBeNull(description) }, row.extra),
        ...(type === undefined ? {} : { type }),
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(enabled === undefined ? {} : { enabled }),
      };
      await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
      return { ...row, ...changed };
    },
    async delete(_call, row) {
      try {
        await rows.delete([{ column: 'id', op: 'eq', value: row.id }]);
      } catch (error) {
        if (!(error instanceof ForeignKeyViolation)) throw error;
        throw new Conflict(`Unable to delete service ${row.id} because it has registered limits.`);
      }
    },
  }).routes;
}
