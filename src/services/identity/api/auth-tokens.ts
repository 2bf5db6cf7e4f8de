import { type Static, Type } from 'typebox';
import { BadRequest, Forbidden, NotFound, Unauthorized } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import type { Scope } from '../model/scope.ts';
import { checkPassword } from '../tokens/password.ts';
import { invalid, type ValidToken } from '../tokens/tokens.ts';
import { tokenView } from './token-view.ts';

const Named = Type.Object({ id: Type.Optional(Type.String()), name: Type.Optional(Type.String()) });
const AuthRequest = Type.Object({
  auth: Type.Object({
    identity: Type.Object({
      methods: Type.Array(Type.String(), { maxItems: 8 }),
      password: Type.Optional(
        Type.Object({
          user: Type.Object({
            id: Type.Optional(Type.String()),
            name: Type.Optional(Type.String()),
            password: Type.Optional(Type.Union([Type.Null(), Type.String()])),
            domain: Type.Optional(Named),
          }),
        }),
      ),
      token: Type.Optional(Type.Object({ id: Type.String() })),
    }),
    scope: Type.Optional(
      Type.Union([
        Type.Literal('unscoped'),
        Type.Object({
          project: Type.Optional(
            Type.Object({
              id: Type.Optional(Type.String()),
              name: Type.Optional(Type.String()),
              domain: Type.Optional(Named),
            }),
          ),
          domain: Type.Optional(Named),
          system: Type.Optional(Type.Object({ all: Type.Optional(Type.Boolean()) })),
          unscoped: Type.Optional(Type.Object({})),
        }),
      ]),
    ),
  }),
});
type AuthBody = Static<typeof AuthRequest>['auth'];

interface Authenticated {
  userId: string;
  methods: readonly string[];
  parent?: ValidToken;
}

const subjectHeader = 'x-subject-token';

/** Issue, validate, check and revoke tokens. */
export function authTokenRoutes(identity: Identity): Route[] {
  const { tokens, revocations, directory } = identity;
  const refused = (message?: string) =>
    new Unauthorized(message, { headers: { 'www-authenticate': `Keystone uri="${identity.url()}/v3"` } });

  /** What each method says of who asks; they must all say the same user. */
  async function authenticate(asked: AuthBody['identity']): Promise<Authenticated> {
    let userId: string | undefined;
    let parent: ValidToken | undefined;
    const methods: string[] = [];
    if (asked.methods.length === 0) throw refused('Attempted to authenticate with an unsupported method.');
    for (const method of new Set(asked.methods)) {
      let found: string;
      if (method === 'password' && asked.password) {
        found = await byPassword(asked.password.user);
      } else if (method === 'token' && asked.token) {
        parent = await tokens.validate(asked.token.id);
        if (!parent) throw new NotFound(invalid);
        found = parent.subject.user.id;
        methods.push(...parent.methods);
      } else if (method === 'password' || method === 'token') {
        throw new BadRequest(
          `Expecting to find ${method} in identity. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
        );
      } else {
        throw refused('Attempted to authenticate with an unsupported method.');
      }
      methods.push(method);
      if (userId !== undefined && userId !== found) throw refused();
      userId = found;
    }
    if (userId === undefined) throw refused();
    return { userId, methods: [...new Set(methods)], ...(parent ? { parent } : {}) };
  }

  async function byPassword(user: NonNullable<AuthBody['identity']['password']>['user']): Promise<string> {
    if (user.id === undefined && (user.name === undefined || !user.domain)) {
      throw new BadRequest(
        `Expecting to find ${user.name === undefined ? 'id or name' : 'domain'} in user. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
      );
    }
    if (typeof user.password !== 'string') throw refused();
    const found = await checkPassword(directory, user, user.password, identity.passwords);
    if (!found) throw refused();
    return found.id;
  }

  /** @returns undefined for an unscoped token */
  async function scopeOf(asked: AuthBody['scope'], userId: string): Promise<Scope | undefined> {
    if (asked === 'unscoped') return undefined;
    if (asked === undefined) return defaultScope(userId);
    const kinds = Object.keys(asked).filter((key) =>
      ['project', 'domain', 'system', 'unscoped'].includes(key),
    );
    if (kinds.length > 1) {
      throw new BadRequest(
        `Expecting to find ${kinds.join(', ')} in scope. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
      );
    }
    if (asked.unscoped) return undefined;
    if (asked.system) {
      if (asked.system.all !== true) throw refused();
      return { kind: 'system' };
    }
    if (asked.domain) {
      const { id, name } = asked.domain;
      const found =
        id === undefined
          ? name === undefined
            ? undefined
            : await directory.domainByName(name)
          : await directory.domain(id);
      if (!found) throw refused();
      return { kind: 'domain', domainId: found.id };
    }
    if (asked.project) {
      const { id, name, domain } = asked.project;
      if (id !== undefined) return { kind: 'project', projectId: id };
      if (name === undefined || !domain) {
        throw new BadRequest(
          'Expecting to find domain in project. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.',
        );
      }
      const domainId =
        domain.id ??
        (domain.name === undefined ? undefined : (await directory.domainByName(domain.name))?.id);
      const found = domainId === undefined ? undefined : await directory.projectByName(name, domainId);
      if (!found) throw refused();
      return { kind: 'project', projectId: found.id };
    }
    return undefined;
  }

  /** The user's default project, where he may still use it. */
  async function defaultScope(userId: string): Promise<Scope | undefined> {
    const projectId = (await directory.user(userId))?.default_project_id;
    if (!projectId) return undefined;
    const scope: Scope = { kind: 'project', projectId };
    return (await identity.subjects.find(userId, scope)) ? scope : undefined;
  }

  async function create(call: Call<Static<typeof AuthRequest>>): Promise<Answer> {
    const { auth } = call.body;
    const authenticated = await authenticate(auth.identity);
    // A token alone, without a scope, asks for the same again without its scope.
    const scope =
      auth.scope === undefined && authenticated.parent
        ? undefined
        : await scopeOf(auth.scope, authenticated.userId);
    const issued = await tokens.issue({ ...authenticated, ...(scope ? { scope } : {}) });
    if (!issued) throw refused();
    return new Answer(201, await view(issued.token, call), {
      'x-subject-token': issued.id,
      vary: 'X-Auth-Token',
    });
  }

  const view = async (token: ValidToken, call: Call): Promise<object> => {
    const withCatalog = call.queryValue('nocatalog') === undefined;
    return { token: tokenView(token, withCatalog ? await directory.shared() : undefined) };
  };

  /** The token in X-Subject-Token, once the caller may do `rule` to it. */
  async function subject(call: Call, rule: string): Promise<{ id: string; token: ValidToken }> {
    const id = call.headers[subjectHeader];
    if (typeof id !== 'string' || id === '') throw new NotFound('No token in the request');
    const allowExpired = /^(1|true|yes|on)$/i.test(call.queryValue('allow_expired') ?? '');
    const token = await tokens.validate(id, { allowExpired });
    if (!token) {
      if (!call.authenticated) throw new Forbidden();
      throw new NotFound(invalid);
    }
    call.enforce(rule, { target: { token: { user_id: token.subject.user.id } } });
    return { id, token };
  }

  return [
    route({
      method: 'POST',
      path: '/v3/auth/tokens',
      summary: 'Authenticate',
      public: true,
      body: AuthRequest,
      handler: create,
    }),
    route({
      method: 'GET',
      path: '/v3/auth/tokens',
      summary: 'Validate and show a token',
      async handler(call) {
        const rule = call.method === 'HEAD' ? 'identity:check_token' : 'identity:validate_token';
        const { id, token } = await subject(call, rule);
        return new Answer(200, await view(token, call), { 'x-subject-token': id, vary: 'X-Auth-Token' });
      },
    }),
    route({
      method: 'DELETE',
      path: '/v3/auth/tokens',
      summary: 'Revoke a token',
      async handler(call) {
        const { token } = await subject(call, 'identity:revoke_token');
        await identity.atomically(() => revocations.revoke({ auditId: token.auditIds[0] }));
      },
    }),
  ];
}
