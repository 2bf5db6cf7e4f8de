import { Type } from 'typebox';
import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import { assertExtraSpec } from '../model/extra-specs.ts';
import { type Flavor, flavors } from '../store/flavors.ts';
import { flavorResource } from './flavors.ts';
import { metadataOf, wrapped } from './parameter-types.ts';

const Value = Type.Union([Type.String({ maxLength: 255 }), Type.Number()]);
const Specs = metadataOf(Value);
type Specs = Record<string, string | number>;
const Create = wrapped('extra_specs', Specs);
const Update = metadataOf(Value, { min: 1, max: 1 });

const rule = (verb: string): string => `os_compute_api:os-flavor-extra-specs:${verb}`;

/** The extra specs of a flavor: names and values that the scheduler and the driver read. */
export function flavorExtraSpecRoutes(compute: Compute): Route[] {
  const { store } = compute;
  const resource = flavorResource(compute);
  const rows = repository(store, flavors);
  const find = (call: Call): Promise<Flavor> => resource.find(call, call.params['id'] as string);

  /** Numbers are kept as text; what a request gave is answered as it was given. */
  function asText(call: Call, specs: Specs): Record<string, string> {
    const texts = Object.fromEntries(Object.entries(specs).map(([name, value]) => [name, String(value)]));
    if (call.since('2.86')) for (const [name, value] of Object.entries(texts)) assertExtraSpec(name, value);
    return texts;
  }

  const change = (call: Call, how: (specs: Record<string, string>) => Record<string, string>) =>
    store.transaction(async () => {
      const { id, extra_specs } = await find(call);
      await rows.update({ id }, { extra_specs: how(extra_specs), updated_at: timestamp() });
    });

  const absent = (call: Call): NotFound =>
    new NotFound(`Flavor ${call.params['id']} has no extra specs with key ${call.params['key']}.`);

  const list = '/v2.1/flavors/:id/os-extra_specs';
  const item = `${list}/:key`;
  return [
    route({
      method: 'GET',
      path: list,
      summary: 'List the extra specs of a flavor',
      async handler(call) {
        call.enforce(rule('index'), { project_id: call.credentials.projectId });
        return { extra_specs: (await find(call)).extra_specs };
      },
    }),
    route({
      method: 'POST',
      path: list,
      summary: 'Add extra specs to a flavor',
      policy: rule('create'),
      body: Create,
      async handler(call) {
        const added = asText(call, call.body.extra_specs as Specs);
        await change(call, (specs) => ({ ...specs, ...added }));
        return call.body;
      },
    }),
    route({
      method: 'GET',
      path: item,
      summary: 'Show an extra spec of a flavor',
      async handler(call) {
        call.enforce(rule('show'), { project_id: call.credentials.projectId });
        const key = call.params['key'] as string;
        const { extra_specs } = await find(call);
        if (!Object.hasOwn(extra_specs, key)) throw absent(call);
        return { [key]: extra_specs[key] };
      },
    }),
    route({
      method: 'PUT',
      path: item,
      summary: 'Set an extra spec of a flavor',
      policy: rule('update'),
      body: Update,
      async handler(call) {
        const given = asText(call, call.body as Specs);
        if (!Object.hasOwn(given, call.params['key'] as string))
          throw new BadRequest('Request body and URI mismatch');
        await change(call, (specs) => ({ ...specs, ...given }));
        return call.body;
      },
    }),
    route({
      method: 'DELETE',
      path: item,
      summary: 'Delete an extra spec of a flavor',
      policy: rule('delete'),
      status: 200,
      async handler(call) {
        const key = call.params['key'] as string;
        await change(call, (specs) => {
          if (!Object.hasOwn(specs, key)) throw absent(call);
          const { [key]: _gone, ...rest } = specs;
          return rest;
        });
      },
    }),
  ];
}
