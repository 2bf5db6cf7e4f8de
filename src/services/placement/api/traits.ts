import { Type } from 'typebox';
import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import { isCustomName } from '../model/names.ts';
import { UnknownProvider, UnknownTrait } from '../model/refusals.ts';
import { getProvider } from '../store/resource-providers.ts';
import type { PlacementStore, ProviderRow } from '../store/tables.ts';
import {
  associatedTraits,
  deleteTrait,
  ensureTrait,
  getTrait,
  listTraits,
  setTraits,
  type Trait,
  traitsOf,
} from '../store/traits.ts';
import { bodyOf, fresh, newest, operation } from './operation.ts';
import { assertOnly } from './query-names.ts';
import { idOf } from './resource-providers.ts';

const wanted = Type.Object(
  {
    traits: Type.Array(Type.String({ minLength: 1, maxLength: 255 })),
    resource_provider_generation: Type.Integer(),
  },
  { additionalProperties: false },
);

const nameOf = (call: Call) => call.params['name'] ?? '';

export function traitRoutes(store: PlacementStore): Route[] {
  const since = '1.6';
  return [
    operation({
      method: 'GET',
      path: '/traits',
      summary: 'List traits',
      since,
      rule: 'traits:list',
      json: true,
      async answer(call) {
        assertOnly(call, ['name', 'associated']);
        const all = await filtered(store, call, await listTraits(store));
        const modified = newest(all.map(({ createdAt }) => createdAt));
        return fresh(call, 200, { traits: all.map(({ name }) => name) }, { modified });
      },
    }),
    operation({
      method: 'GET',
      path: '/traits/:name',
      summary: 'Show whether there is a trait',
      since,
      rule: 'traits:show',
      async answer(call) {
        const { createdAt } = await getTrait(store, nameOf(call));
        return fresh(call, 204, undefined, { modified: createdAt });
      },
    }),
    operation({
      method: 'PUT',
      path: '/traits/:name',
      summary: 'Make sure that there is a custom trait',
      since,
      rule: 'traits:update',
      async answer(call) {
        const name = nameOf(call);
        if (!isCustomName(name)) {
          throw new BadRequest(
            'The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix ' +
              '"CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"',
          );
        }
        const isNew = await ensureTrait(store, name);
        const { createdAt } = await getTrait(store, name);
        const location = `${call.origin}/traits/${name}`;
        return fresh(call, isNew ? 201 : 204, undefined, { location, modified: createdAt });
      },
    }),
    operation({
      method: 'DELETE',
      path: '/traits/:name',
      summary: 'Delete a custom trait',
      since,
      rule: 'traits:delete',
      answer: (call) => deleteTrait(store, nameOf(call)),
    }),
    ...providerTraitRoutes(store, since),
  ];
}

const toView = (traits: readonly string[], { generation }: ProviderRow) => ({
  traits,
  resource_provider_generation: generation,
});

function providerTraitRoutes(store: PlacementStore, since: string): Route[] {
  const path = '/resource_providers/:uuid/traits';
  return [
    operation({
      method: 'GET',
      path,
      summary: 'List traits of a resource provider',
      since,
      rule: 'resource_providers:traits:list',
      json: true,
      async answer(call) {
        const provider = await found(store, call);
        return fresh(call, 200, toView(await traitsOf(store, provider.uuid), provider));
      },
    }),
    operation({
      method: 'PUT',
      path,
      summary: 'Set the traits of a resource provider',
      since,
      rule: 'resource_providers:traits:update',
      body: wanted,
      async answer(call) {
        const body = bodyOf(call, wanted);
        try {
          const provider = await setTraits(store, idOf(call), body.traits, body.resource_provider_generation);
          return fresh(call, 200, toView(await traitsOf(store, provider.uuid), provider));
        } catch (error) {
          if (!(error instanceof UnknownTrait)) throw error;
          throw new BadRequest(error.message.replace(/^No such trait\(s\): (.*)\.$/, 'No such trait $1'));
        }
      },
    }),
    operation({
      method: 'DELETE',
      path,
      summary: 'Take all traits from a resource provider',
      since,
      rule: 'resource_providers:traits:delete',
      async answer(call) {
        await setTraits(store, idOf(call), []);
      },
    }),
  ];
}

async function found(store: PlacementStore, call: Call): Promise<ProviderRow> {
  try {
    return await getProvider(store, idOf(call));
  } catch (error) {
    if (!(error instanceof UnknownProvider)) throw error;
    throw new NotFound(`No resource provider with uuid ${idOf(call)} found: ${error.message}`);
  }
}

async function filtered(store: PlacementStore, call: Call, all: readonly Trait[]): Promise<Trait[]> {
  let traits = [...all];
  const name = call.queryValue('name');
  if (name !== undefined) {
    const cut = name.indexOf(':');
    if (cut < 0) {
      throw new BadRequest(
        'Badly formatted name parameter. Expected name query string parameter in form: ' +
          `?name=[in|startswith]:[name1,name2|prefix]. Got: "${name}"`,
      );
    }
    const value = name.slice(cut + 1);
    const names = new Set(value.split(','));
    if (name.startsWith('in:')) traits = traits.filter((trait) => names.has(trait.name));
    if (name.startsWith('startswith:')) traits = traits.filter((trait) => trait.name.startsWith(value));
  }
  const associated = call.queryValue('associated')?.toLowerCase();
  if (associated === undefined) return traits;
  if (associated !== 'true' && associated !== 'false')
    throw new BadRequest('The query parameter "associated" only accepts "true" or "false"');
  const used = await associatedTraits(store);
  return traits.filter((trait) => used.has(trait.name) === (associated === 'true'));
}
