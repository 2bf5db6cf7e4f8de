import { Type } from 'typebox';
import { BadRequest, NotFound } from '../../../../platform/errors/errors.ts';
import { answer } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import { resourcesIn } from '../../../../platform/resource/resource.ts';
import type { Identity } from '../../identity.ts';
import { countedRows } from '../../store/changes.ts';
import { newId } from '../../store/new-id.ts';
import { type ConsumerRow, consumers } from '../../store/tables/oauth1.ts';
import { assertSomething } from '../federation/fields.ts';
import { assertUnmoved, keptExtra, NullableText } from '../fields.ts';
import { identityStyle } from '../style.ts';

const Creation = Type.Object({
  consumer: Type.Optional(Type.Object({ description: Type.Optional(NullableText) })),
});

/** Programs that users may let act for them. */
export function consumerRoutes(identity: Identity): Route[] {
  const rows = countedRows(identity.store, consumers, identity.changes);
  const resource = resourcesIn(
    { ...identityStyle, notFound: () => new NotFound('Consumer not found') },
    identity.atomically,
  )({
    one: 'consumer',
    many: 'consumers',
    path: '/OS-OAUTH1/consumers',
    rows,
    attributes: {
      id: { schema: Type.String() },
      description: { schema: NullableText, update: true },
    },
    policy: {
      list: 'identity:list_consumers',
      show: 'identity:get_consumer',
      update: 'identity:update_consumer',
      delete: 'identity:delete_consumer',
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    async update(_call, row, given, extra) {
      assertSomething({ ...given, ...extra });
      assertUnmoved({ ...extra, ...given }, row);
      if ('secret' in extra) throw new BadRequest('The secret of a consumer cannot be changed.');
      const { description } = given;
      const changed: Partial<ConsumerRow> = {
        extra: keptExtra(extra, row.extra),
        ...(description === undefined ? {} : { description }),
      };
      await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
      return { ...row, ...changed };
    },
    /** With what was asked for and given: tokens that stand on it are no longer good. */
    delete: (_call, row) => rows.delete([{ column: 'id', op: 'eq', value: row.id }]),
  });
  return [
    ...resource.routes,
    route({
      method: 'POST',
      path: '/v3/OS-OAUTH1/consumers',
      summary: 'Create a consumer; its secret is shown here and never again',
      policy: 'identity:create_consumer',
      body: Creation,
      async handler(call) {
        const { description = null, ...given } = (call.body.consumer ?? {}) as Record<string, unknown> & {
          description?: string | null;
        };
        const { id: _id, secret: _secret, ...extra } = given;
        const secret = newId();
        const row = await rows.insert({ id: newId(), secret, description, extra: keptExtra(extra) });
        const { consumer } = (await resource.body(row, call)) as { consumer: object };
        return answer(201, { consumer: { ...consumer, secret } });
      },
    }),
  ];
}
