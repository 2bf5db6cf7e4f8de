import { randomBytes } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import type { ApplicationCredential, AskedAccessRule } from '../store/application-credentials.ts';
import { newId } from '../store/new-id.ts';
import { accessRuleView } from '../tokens/authorities/application-credential.ts';
import { isDelegated } from '../tokens/delegated.ts';
import { expiry } from './expiry.ts';
import { Id, Name, NullableText, nullOr } from './fields.ts';
import { roleView } from './roles.ts';
import { collection, notFound, unique } from './style.ts';

const AccessRule = Type.Object(
  {
    id: Type.Optional(Id),
    service: Type.Optional(Id),
    path: Type.Optional(Type.String({ maxLength: 225, pattern: '^\\/.*' })),
    method: Type.Optional(Type.String({ pattern: '^(POST|GET|HEAD|PATCH|PUT|DELETE)$' })),
  },
  { additionalProperties: false },
);
const Creation = Type.Object({
  application_credential: Type.Object(
    {
      name: Name(255),
      description: Type.Optional(NullableText),
      secret: Type.Optional(nullOr(4096)),
      expires_at: Type.Optional(nullOr(64)),
      roles: Type.Optional(
        Type.Array(
          Type.Object(
            { id: Type.Optional(Id), name: Type.Optional(Name(255)) },
            { additionalProperties: false, minProperties: 1, maxProperties: 1 },
          ),
          { maxItems: 255 },
        ),
      ),
      unrestricted: Type.Optional(Type.Boolean()),
      access_rules: Type.Optional(Type.Array(AccessRule, { maxItems: 255 })),
      // Whose it is follows from the token and the path, whatever is said of it.
      id: Type.Optional(Type.Unknown()),
      user_id: Type.Optional(Type.Unknown()),
      project_id: Type.Optional(Type.Unknown()),
    },
    { additionalProperties: false },
  ),
});
type Asked = Static<typeof Creation>['application_credential'];

/** @throws Forbidden for a token of a trust, an OAuth access token or EC2 keys: what it makes would outlive it */
export function assertMayManage(call: Call): void {
  const { credentials } = call;
  if (credentials.applicationCredentialId === undefined && isDelegated(credentials))
    throw new Forbidden('Cannot manage application credentials with a token issued via delegation.');
}

/** Secrets that stand for a user on one project, with roles that he has there. */
export function applicationCredentialRoutes(identity: Identity): Route[] {
  const { applicationCredentials, directory, hasher, settings, subjects } = identity;
  const url = '/v3/users/:user_id/application_credentials';
  const invalid = (detail: string) => new BadRequest(`Invalid application credential: ${detail}`);
  const unassigned = () => invalid('Cannot create an application credential with unassigned role');

  async function view(row: ApplicationCredential, call: Call): Promise<Record<string, unknown>> {
    const { roles } = await directory.shared();
    const { id, name, description, project_id, expires_at, unrestricted, user_id } = row;
    return {
      id,
      name,
      description,
      project_id,
      user_id,
      system: null,
      roles: row.role_ids.flatMap((each) => {
        const role = roles.get(each);
        if (!role) return [];
        const { links: _links, ...fields } = roleView(role, call);
        return [fields];
      }),
      // Without the zone, as upstream shows it here and nowhere else.
      expires_at: expires_at?.replace(/Z$/, '') ?? null,
      unrestricted,
      ...(row.access_rules ? { access_rules: row.access_rules.map(accessRuleView) } : {}),
      links: { self: `${call.origin}/v3/users/${user_id}/application_credentials/${id}` },
    };
  }

  /** @throws Forbidden where the caller's own application credential was not made for that */
  async function assertUnrestricted(call: Call): Promise<void> {
    const { applicationCredentialId } = call.credentials;
    if (applicationCredentialId === undefined) return;
    const own = await applicationCredentials.get(applicationCredentialId);
    if (own?.unrestricted) return;
    throw new Forbidden(
      "You are not authorized to perform the requested action: Using method 'application_credential' is not allowed for managing additional application credentials.",
    );
  }

  /** The one that the path names, once its owner or an administrator asks. */
  async function named(call: Call, rule: string): Promise<ApplicationCredential> {
    const { id = '', user_id } = call.params;
    const found = await applicationCredentials.get(id);
    call.enforce(rule, { user_id: found?.user_id ?? user_id });
    assertMayManage(call);
    if (!found) throw notFound('Application Credential', id);
    return found;
  }

  /** The ids of the roles that are asked for; all that the caller's token has where none are. */
  async function rolesFor(call: Call, asked: Asked['roles']): Promise<string[]> {
    const { userId, projectId, applicationCredentialId } = call.credentials;
    const subject =
      projectId === undefined
        ? undefined
        : await subjects.find(userId, {
            scope: { kind: 'project', projectId },
            ...(applicationCredentialId === undefined
              ? {}
              : { authority: { kind: 'application-credential', applicationCredentialId } }),
          });
    const held = subject?.roles ?? [];
    if (!asked || asked.length === 0) return held.map((role) => role.id);
    const { roles } = await directory.shared();
    return asked.map(({ id, name }) => {
      const known =
        id === undefined
          ? [...roles.values()].find((role) => role.name === name && role.domain_id === '-')
          : roles.get(id);
      if (!known) throw notFound('role', id ?? name ?? '');
      if (!held.some((role) => role.id === known.id)) throw unassigned();
      return known.id;
    });
  }

  async function create(call: Call<Static<typeof Creation>>): Promise<Answer> {
    const { userId, projectId } = call.credentials;
    call.enforce('identity:create_application_credential', call.params);
    assertMayManage(call);
    await assertUnrestricted(call);
    if (call.params['user_id'] !== userId) {
      throw new Forbidden(
        'You are not authorized to perform the requested action: Cannot create an application credential for another user.',
      );
    }
    if (projectId === undefined) throw unassigned();
    const asked = call.body.application_credential;
    const secret = asked.secret || randomBytes(64).toString('base64url');
    const row = {
      id: newId(),
      name: asked.name,
      user_id: userId,
      project_id: projectId,
      description: asked.description ?? null,
      secret_hash: await hasher.hash(secret),
      expires_at: expiry(asked.expires_at),
      unrestricted: asked.unrestricted ?? false,
      role_ids: await rolesFor(call, asked.roles),
    };
    const rules = await rulesFor(userId, asked.access_rules ?? []);
    const limit = settings.application_credential_user_limit;
    await unique('application_credential', `name ${row.name}`, () =>
      identity.atomically(async () => {
        if (limit >= 0 && (await applicationCredentials.count(userId)) >= limit) {
          throw new Forbidden(
            `Unable to create additional application credentials, maximum of ${limit} already exceeded for user.`,
          );
        }
        await applicationCredentials.create(row, rules);
      }),
    );
    const made = (await applicationCredentials.get(row.id)) as ApplicationCredential;
    return new Answer(201, { application_credential: { ...(await view(made, call)), secret } });
  }

  /** @throws NotFound for the id of a rule that the user does not have */
  async function rulesFor(
    userId: string,
    asked: readonly AskedAccessRule[],
  ): Promise<Required<AskedAccessRule>[]> {
    const own = asked.some(({ id }) => id !== undefined)
      ? await applicationCredentials.accessRules({ user_id: userId })
      : [];
    return asked.map(({ id, service, path, method }) => {
      const known = id === undefined ? undefined : own.find((rule) => rule.id === id);
      if (known) return known;
      if (id !== undefined && service === undefined) throw notFound('Access Rule', id);
      if (service === undefined || path === undefined || method === undefined)
        throw invalid('an access rule needs service, path and method');
      return { id: newId(), service, path, method };
    });
  }

  return [
    route({
      method: 'GET',
      path: url,
      summary: 'List the application credentials of a user',
      async handler(call) {
        call.enforce('identity:list_application_credentials', call.params);
        assertMayManage(call);
        const rows = await applicationCredentials.list(
          call.params['user_id'] as string,
          call.queryValue('name'),
        );
        return collection(
          call,
          'application_credentials',
          await Promise.all(rows.map((row) => view(row, call))),
        );
      },
    }),
    route({
      method: 'POST',
      path: url,
      summary: 'Make an application credential for oneself',
      body: Creation,
      handler: create,
    }),
    route({
      method: 'GET',
      path: `${url}/:id`,
      summary: 'Show an application credential',
      async handler(call) {
        const row = await named(call, 'identity:get_application_credential');
        return { application_credential: await view(row, call) };
      },
    }),
    route({
      method: 'DELETE',
      path: `${url}/:id`,
      summary: 'Delete an application credential; its tokens end with it',
      async handler(call) {
        const { id } = await named(call, 'identity:delete_application_credential');
        await assertUnrestricted(call);
        await identity.atomically(() => applicationCredentials.delete(id));
      },
    }),
  ];
}
