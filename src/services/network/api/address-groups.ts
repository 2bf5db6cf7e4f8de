import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { type Cidr, formatCidr, parseAddress, parseCidr } from '../model/addresses.ts';
import { badRequest, conflict, invalidAttribute, notFound } from '../model/errors.ts';
import { securityGroupsNaming } from '../store/address-groups.ts';
import type { Network } from '../store/network.ts';
import { forgetSharing } from '../store/sharing.ts';
import { changeRow, stamped } from '../store/standard.ts';
import { type AddressGroupRow, addressGroups } from '../store/tables.ts';
import {
  isShared,
  name,
  networkResources,
  ownerOf,
  ownOrShared,
  sharedFilter,
  standardAttributes,
} from './standard.ts';
import { assertRevision } from './style.ts';

const Addresses = Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1000 });

/** An address or block as upstream keeps it: with its prefix, without what lies behind that; none twice. */
function blocks(given: readonly string[]): string[] {
  const all = given.map((text): Cidr => {
    const address = parseAddress(text);
    const cidr = parseCidr(address ? `${text}/${address.version === 4 ? 32 : 128}` : text);
    if (!cidr) throw invalidAttribute('addresses', `'${text}' is not a valid IP address or subnet`);
    return cidr;
  });
  return [...new Set(all.map(formatCidr))];
}

const listed = (addresses: readonly string[]): string =>
  `[${addresses.map((each) => `'${each}'`).join(', ')}]`;

function added(row: AddressGroupRow, given: readonly string[]): string[] {
  const wanted = blocks(given);
  const present = wanted.filter((each) => row.addresses.includes(each));
  if (present.length === 0) return [...row.addresses, ...wanted];
  throw badRequest(
    'AddressesAlreadyExist',
    `Addresses ${listed(present)} already exist in the address group ${row.id}.`,
  );
}

function removed(row: AddressGroupRow, given: readonly string[]): string[] {
  const gone = blocks(given);
  const absent = gone.filter((each) => !row.addresses.includes(each));
  if (absent.length === 0) return row.addresses.filter((each) => !gone.includes(each));
  throw notFound(
    'AddressesNotFound',
    `Addresses ${listed(absent)} not found in the address group ${row.id}.`,
  );
}

/** Addresses that security group rules name together: what changes in a group changes what its rules let through. */
export function addressGroupsApi(network: Network) {
  const { store } = network;
  const made = networkResources(network)({
    one: 'address_group',
    many: 'address_groups',
    path: '/address-groups',
    rows: rowsOf(store, addressGroups),
    attributes: {
      ...standardAttributes,
      tags: { ...standardAttributes.tags, hidden: true },
      name,
      addresses: { schema: Addresses, create: 'optional', default: [] },
      shared: {
        schema: Type.Boolean(),
        column: false,
        from: (row: AddressGroupRow, call: Call) => isShared(row, call),
      },
    },
    policy: {
      list: 'get_address_group',
      show: 'get_address_group',
      create: 'create_address_group',
      update: 'update_address_group',
      delete: 'delete_address_group',
    },
    scope: ownOrShared('address_groups', 'address_group'),
    target: (row, call) => ({ ...row, tenant_id: row.project_id, shared: isShared(row, call) }),
    filters: { shared: sharedFilter('address_groups', 'address_group') },

    create: async (call, body) => {
      const row: AddressGroupRow = {
        ...stamped(ownerOf(call, body)),
        name: body.name,
        description: body.description,
        addresses: blocks(body.addresses),
        tags: [],
        shared_with: [],
      };
      await repository(store, addressGroups).insert(row);
      return row;
    },

    update: (_call, row, changes) => changeRow(store, addressGroups, row, changes),

    delete: async (_call, row) => {
      if ((await securityGroupsNaming(network, row.id)).length > 0) {
        throw conflict(
          'AddressGroupInUse',
          `Address group ${row.id} is in use on one or more security group rules.`,
        );
      }
      await forgetSharing(store, 'address_group', row.id);
      await repository(store, addressGroups).delete({ id: row.id });
    },
  });

  const actions: Route[] = (
    [
      ['add', added],
      ['remove', removed],
    ] as const
  ).map(([verb, change]) =>
    route({
      method: 'PUT',
      path: `/v2.0/address-groups/:id/${verb}_addresses`,
      body: Type.Object({ addresses: Addresses }, { additionalProperties: false }),
      summary: verb === 'add' ? 'Add addresses to a group' : 'Remove addresses of a group',
      handler: async (call) => {
        const after = await store.transaction(async () => {
          const row = await made.find(call, call.params['id'] as string);
          call.enforce(`${verb}_addresses`, { ...row, tenant_id: row.project_id });
          assertRevision(call, row);
          network.hosts.ring({ securityGroups: await securityGroupsNaming(network, row.id) });
          return changeRow(store, addressGroups, row, { addresses: change(row, call.body.addresses) });
        });
        return made.body(after, call);
      },
    }),
  );
  return { ...made, routes: [...made.routes, ...actions] };
}
