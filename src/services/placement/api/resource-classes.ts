import { Type } from 'typebox';
import { Conflict } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import {
  deleteResourceClass,
  ensureResourceClass,
  getResourceClass,
  listResourceClasses,
  renameResourceClass,
} from '../store/resource-classes.ts';
import type { PlacementStore } from '../store/tables.ts';
import { bodyOf, checked, fresh, minorOf, newest, operation } from './operation.ts';
import { unsupported } from './style.ts';

const named = Type.Object(
  { name: Type.String({ pattern: '^CUSTOM_[A-Z0-9_]+$', maxLength: 255 }) },
  { additionalProperties: false },
);

const toView = (name: string) => ({
  name,
  links: [{ rel: 'self', href: `/resource_classes/${name}` }],
});
const nameOf = (call: Call) => call.params['name'] ?? '';
const locationOf = (call: Call, name: string) => `${call.origin}/resource_classes/${name}`;

export function resourceClassRoutes(store: PlacementStore): Route[] {
  const since = '1.2';
  const path = '/resource_classes';
  const item = `${path}/:name`;
  return [
    operation({
      method: 'GET',
      path,
      summary: 'List resource classes',
      since,
      rule: 'resource_classes:list',
      json: true,
      async answer(call) {
        const all = await listResourceClasses(store);
        return fresh(
          call,
          200,
          { resource_classes: all.map(({ name }) => toView(name)) },
          { modified: newest(all.map(({ updatedAt }) => updatedAt)) },
        );
      },
    }),
    operation({
      method: 'POST',
      path,
      summary: 'Create a custom resource class',
      since,
      rule: 'resource_classes:create',
      body: named,
      async answer(call) {
        const { name } = bodyOf(call, named);
        if (!(await ensureResourceClass(store, name)))
          throw new Conflict(`Conflicting resource class already exists: ${name}`);
        return new Answer(201, undefined, { location: locationOf(call, name) });
      },
    }),
    operation({
      method: 'GET',
      path: item,
      summary: 'Show a resource class',
      since,
      rule: 'resource_classes:show',
      json: true,
      async answer(call) {
        const { name, updatedAt } = await getResourceClass(store, nameOf(call));
        return fresh(call, 200, toView(name), { modified: updatedAt });
      },
    }),
    operation({
      method: 'PUT',
      path: item,
      summary: 'Make sure that there is a custom resource class (before 1.7: rename one)',
      since,
      rule: 'resource_classes:update',
      answer: (call) => (minorOf(call) >= 7 ? ensured(store, call) : renamed(store, call)),
    }),
    operation({
      method: 'DELETE',
      path: item,
      summary: 'Delete a custom resource class',
      since,
      rule: 'resource_classes:delete',
      answer: (call) => deleteResourceClass(store, nameOf(call)),
    }),
  ];
}

async function ensured(store: PlacementStore, call: Call): Promise<unknown> {
  const name = nameOf(call);
  checked({ name }, named);
  const isNew = await ensureResourceClass(store, name);
  return new Answer(isNew ? 201 : 204, undefined, { location: locationOf(call, name) });
}

async function renamed(store: PlacementStore, call: Call): Promise<unknown> {
  if (call.headers['content-type'] === undefined) throw unsupported('None');
  const { name } = bodyOf(call, named);
  await renameResourceClass(store, nameOf(call), name);
  return toView(name);
}
