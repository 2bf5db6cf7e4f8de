import { createHash } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import type { Credential } from '../store/credentials.ts';
import { newId } from '../store/new-id.ts';
import { isDelegated } from '../tokens/delegated.ts';
import { expecting } from '../tokens/expecting.ts';
import { keptExtra } from './fields.ts';
import { collection, notFound, unique } from './style.ts';

const Blob = Type.String({ maxLength: 65_535 });
const Kind = Type.String({ minLength: 1, maxLength: 255 });
const UserId = Type.String({ minLength: 1, maxLength: 64 });
const ProjectId = Type.String({ maxLength: 64 });
const Creation = Type.Object({
  credential: Type.Object({
    blob: Blob,
    type: Kind,
    user_id: UserId,
    project_id: Type.Optional(ProjectId),
  }),
});
const Update = Type.Object({
  credential: Type.Object(
    {
      id: Type.Optional(Type.String()),
      blob: Blob,
      type: Type.Optional(Kind),
      user_id: Type.Optional(UserId),
      project_id: Type.Optional(ProjectId),
    },
    { additionalProperties: false },
  ),
});

/** The id of an EC2 key pair, which its access key alone finds. */
export const ec2CredentialId = (access: string): string => createHash('sha256').update(access).digest('hex');

/** @throws Forbidden for a token that was delegated: secrets are their owner's own */
export function assertOwnAuthority(call: Call): void {
  if (!isDelegated(call.credentials)) return;
  throw new Forbidden(
    'You are not authorized to perform the requested action: Delegated tokens cannot access credentials directly.',
  );
}

/** Secrets that identity keeps for users. */
export function credentialRoutes(identity: Identity): Route[] {
  const { credentials, directory } = identity;
  const path = '/v3/credentials';
  const view = ({ extra, ...rest }: Credential, call: Call): Record<string, unknown> => ({
    ...extra,
    ...rest,
    links: { self: `${call.origin}${path}/${rest.id}` },
  });

  async function named(call: Call, rule: string): Promise<Credential> {
    const { id = '' } = call.params;
    const found = await credentials.get(id);
    call.enforce(rule, found ? { target: { credential: found } } : {});
    if (!found) throw notFound('credential', id);
    assertOwnAuthority(call);
    return found;
  }

  async function list(call: Call): Promise<object> {
    const { system, userId } = call.credentials;
    call.enforce('identity:list_credentials', system ? {} : { target: { credential: { user_id: userId } } });
    const asked = call.queryValue('user_id');
    const type = call.queryValue('type');
    // Who may not see a stranger's is asked for no more than his own.
    const seesAll = call.can('identity:get_credential', { target: { credential: { user_id: '' } } });
    if (isDelegated(call.credentials) || (!seesAll && asked !== undefined && asked !== userId))
      return collection(call, 'credentials', []);
    const user_id = seesAll ? asked : userId;
    const found = await credentials.list({
      ...(user_id === undefined ? {} : { user_id }),
      ...(type === undefined ? {} : { type }),
    });
    const seen = found.filter((each) =>
      call.can('identity:get_credential', { target: { credential: each } }),
    );
    return collection(
      call,
      'credentials',
      seen.map((each) => view(each, call)),
    );
  }

  async function create(call: Call<Static<typeof Creation>>): Promise<Answer> {
    const { credential: asked } = call.body;
    call.enforce('identity:create_credential', { target: { credential: asked } });
    assertOwnAuthority(call);
    const { blob, type, user_id, project_id = null, ...extra } = asked;
    const isEc2 = type.toLowerCase() === 'ec2';
    if (isEc2 && project_id === null) throw expecting('project_id', 'credential');
    if (!(await directory.user(user_id))) throw notFound('user', user_id);
    const id = isEc2 ? ec2CredentialId(ec2Blob(blob)['access'] as string) : newId();
    const made = { id, blob, type, user_id, project_id, extra: keptExtra(extra) };
    await unique('credential', `ID ${id}`, () => credentials.insert(made));
    return new Answer(201, { credential: view(made, call) });
  }

  async function update(call: Call<Static<typeof Update>>): Promise<object> {
    const before = await named(call, 'identity:update_credential');
    const { id, blob, type, user_id, project_id } = call.body.credential;
    if (id !== undefined && id !== before.id) throw new BadRequest('Cannot change ID');
    // Clients say again whose it is; nobody gives it away.
    if (user_id !== undefined && user_id !== before.user_id)
      throw new BadRequest("Additional properties are not allowed ('user_id' was unexpected)");
    const after: Credential = {
      ...before,
      blob,
      ...(type === undefined ? {} : { type }),
      ...(project_id === undefined ? {} : { project_id }),
    };
    call.enforce('identity:update_credential', { target: { credential: after } });
    if (after.type.toLowerCase() === 'ec2' && before.type.toLowerCase() === 'ec2')
      assertSameBounds(ec2Blob(before.blob), ec2Blob(after.blob));
    const { id: _id, ...changes } = after;
    if (!(await credentials.update(before.id, changes))) throw notFound('credential', before.id);
    return { credential: view(after, call) };
  }

  return [
    route({ method: 'GET', path, summary: 'List credentials', handler: list }),
    route({ method: 'POST', path, summary: 'Keep a credential', body: Creation, handler: create }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      summary: 'Show a credential',
      async handler(call) {
        return { credential: view(await named(call, 'identity:get_credential'), call) };
      },
    }),
    route({
      method: 'PATCH',
      path: `${path}/:id`,
      summary: 'Change a credential',
      body: Update,
      handler: update,
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      summary: 'Forget a credential',
      async handler(call) {
        const { id } = await named(call, 'identity:delete_credential');
        await credentials.delete(id);
      },
    }),
  ];
}

/** What an EC2 key pair says. @throws BadRequest unless it is JSON with an access key */
export function ec2Blob(blob: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(blob);
  } catch {
    throw new BadRequest('Invalid blob in credential');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw expecting('blob', 'credential');
  const pair = parsed as Record<string, unknown>;
  if (typeof pair['access'] !== 'string') throw expecting('access', 'credential');
  return pair;
}

/** What a key pair was bounded by when it was made, it stays bounded by. */
function assertSameBounds(before: Record<string, unknown>, after: Record<string, unknown>): void {
  for (const key of ['trust_id', 'app_cred_id', 'access_token_id', 'access_id']) {
    if ((before[key] ?? null) !== (after[key] ?? null))
      throw new BadRequest(`${key} can not be updated for credential`);
  }
}
