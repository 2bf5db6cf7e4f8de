import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { BadRequest, Conflict, NotFound, OverQuota } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route, type VersionedSchema } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import {
  generateCertificate,
  generateSshKey,
  sshFingerprint,
  x509Fingerprint,
} from '../model/keypair-material.ts';
import { type Keypair, keypairs } from '../store/keypairs.ts';
import { nextNumber } from '../store/numbers.ts';
import { quotaLimit } from '../store/quota-claims.ts';
import { closed, wrapped } from './parameter-types.ts';
import { assertQuery, shownTime } from './query.ts';
import { mostItems, pageLinks, pageOf } from './style.ts';

const nameOf = (characters: string) =>
  Type.String({ minLength: 1, maxLength: 255, pattern: `^(?! )[${characters}]+(?<! )$` });
const OldName = nameOf('_\\- a-zA-Z0-9');
const PublicKey = Type.String({ maxLength: 65_535 });
const KeyType = Type.Enum(['ssh', 'x509']);
const UserId = Type.String({ maxLength: 64 });

const Create: VersionedSchema = [
  ['2.1', wrapped('keypair', closed({ name: OldName, public_key: Type.Optional(PublicKey) }))],
  [
    '2.2',
    wrapped(
      'keypair',
      closed({ name: OldName, type: Type.Optional(KeyType), public_key: Type.Optional(PublicKey) }),
    ),
  ],
  [
    '2.10',
    wrapped(
      'keypair',
      closed({
        name: OldName,
        type: Type.Optional(KeyType),
        public_key: Type.Optional(PublicKey),
        user_id: Type.Optional(UserId),
      }),
    ),
  ],
  [
    '2.92',
    wrapped(
      'keypair',
      closed({
        name: nameOf('_\\-@. a-zA-Z0-9'),
        type: Type.Optional(KeyType),
        public_key: PublicKey,
        user_id: Type.Optional(UserId),
      }),
    ),
  ],
];
interface CreateBody {
  keypair: { name: string; type?: 'ssh' | 'x509'; public_key?: string; user_id?: string };
}

const rule = (verb: string): string => `os_compute_api:os-keypairs:${verb}`;
const typed = (row: Keypair, call: Call) => (call.since('2.2') ? { type: row.type } : {});
const brief = (row: Keypair, call: Call) => ({
  name: row.name,
  public_key: row.public_key,
  fingerprint: row.fingerprint,
  ...typed(row, call),
});

/** Whose key pairs a request is about: the caller's own, or (since 2.10, for administrators) a user's. */
function ownerOf(call: Call): string {
  const [asked] = call.since('2.10') ? call.queryValues('user_id') : [];
  return asked || call.credentials.userId;
}

/** Public keys that are put into guests. They belong to users, and are known by their names. */
export function keypairRoutes({ store }: Compute): Route[] {
  const rows = repository(store, keypairs);
  const byName = store.prepared((db, args: { user_id: string; name: string }) =>
    db.selectFrom('keypairs').selectAll().where('user_id', '=', args.user_id).where('name', '=', args.name),
  );

  async function find(user_id: string, name: string): Promise<Keypair> {
    const row = await byName.first({ user_id, name });
    if (!row) throw new NotFound(`Keypair ${name} not found for user ${user_id}`);
    return row as Keypair;
  }

  /** @throws OverQuota, Conflict */
  const add = (row: Omit<Keypair, 'number'>, call: Call): Promise<void> =>
    store.transaction(async () => {
      const { projectId = '' } = call.credentials;
      const limit = await quotaLimit(store, 'key_pairs', projectId, row.user_id);
      if (limit >= 0 && (await rows.count({ user_id: row.user_id })) >= limit) {
        throw new OverQuota(403, 'Quota exceeded, too many key pairs.');
      }
      if (await rows.find({ user_id: row.user_id, name: row.name })) {
        throw new Conflict(`Key pair '${row.name}' already exists.`);
      }
      await rows.insert({ ...row, number: await nextNumber(store, 'keypairs') });
    });

  async function create(call: Call<CreateBody>) {
    const { name, type = 'ssh', public_key: given, user_id = call.credentials.userId } = call.body.keypair;
    call.enforce(rule('create'), { user_id });
    const make = () => (type === 'x509' ? generateCertificate(user_id) : generateSshKey());
    const made = given === undefined ? await make() : undefined;
    const public_key = made?.publicKey ?? (given as string);
    const fingerprint = type === 'x509' ? x509Fingerprint(public_key) : await sshFingerprint(public_key);
    const row = { id: randomUUID(), user_id, name, type, public_key, fingerprint, created_at: timestamp() };
    await add(row, call);
    return {
      keypair: {
        name,
        public_key,
        fingerprint,
        user_id,
        ...(call.since('2.2') ? { type } : {}),
        ...(made ? { private_key: made.privateKey } : {}),
      },
    };
  }

  async function list(call: Call) {
    const user_id = ownerOf(call);
    call.enforce(rule('index'), { user_id });
    assertQuery(call, ['user_id', 'limit', 'marker']);
    const paged = call.since('2.35');
    const { limit: asked, marker } = paged ? pageOf(call) : { limit: mostItems };
    const limit = asked || mostItems;
    const after = marker ? await byName.first({ user_id, name: marker }) : undefined;
    if (marker && !after) throw new BadRequest(`Marker ${marker} could not be found.`);
    const page = await rows.list({
      where: { user_id },
      sort: [{ column: 'name', direction: 'asc' }],
      limit,
      ...(after ? { after: after as Keypair } : {}),
    });
    return {
      keypairs: page.map((row) => ({ keypair: brief(row, call) })),
      ...(paged ? pageLinks('keypairs', page.at(-1)?.name, page.length >= limit, call) : {}),
    };
  }

  const item = '/v2.1/os-keypairs/:name';
  const gone = async (call: Call) => {
    const user_id = ownerOf(call);
    call.enforce(rule('delete'), { user_id });
    assertQuery(call, ['user_id']);
    await rows.delete({ id: (await find(user_id, call.params['name'] as string)).id });
  };
  return [
    route({ method: 'GET', path: '/v2.1/os-keypairs', summary: 'List key pairs', handler: list }),
    route<CreateBody>({
      method: 'POST',
      path: '/v2.1/os-keypairs',
      summary: 'Import or create a key pair',
      body: Create,
      handler: async (call) => answer(call.since('2.2') ? 201 : 200, await create(call)),
    }),
    route({
      method: 'GET',
      path: item,
      summary: 'Show a key pair',
      async handler(call) {
        const user_id = ownerOf(call);
        call.enforce(rule('show'), { user_id });
        assertQuery(call, ['user_id']);
        const row = await find(user_id, call.params['name'] as string);
        return {
          keypair: {
            ...brief(row, call),
            user_id,
            id: row.number,
            created_at: shownTime(row.created_at),
            updated_at: null,
            deleted: false,
            deleted_at: null,
          },
        };
      },
    }),
    route({
      method: 'DELETE',
      path: item,
      summary: 'Delete a key pair',
      handler: async (call) => {
        await gone(call);
        return answer(call.since('2.2') ? 204 : 202);
      },
    }),
  ];
}
