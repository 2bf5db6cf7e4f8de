import { type Static, Type } from 'typebox';
import { Forbidden, NotFound, Unauthorized } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { unmetRules } from '../model/auth-rules.ts';
import { toIsoTime } from '../model/timestamps.ts';
import { AskedScope, askedGrounds } from '../tokens/asked-scope.ts';
import { calledUrl } from '../tokens/called-url.ts';
import { expecting } from '../tokens/expecting.ts';
import { invalid, type ValidToken } from '../tokens/tokens.ts';
import { tokenView } from './token-view.ts';

const subjectHeader = 'x-subject-token';
const receiptHeader = 'openstack-auth-receipt';

/** Whether a service that validates a token says that it enforces access rules, as keystonemiddleware does. */
const knowsAccessRules = ({ headers }: Call): boolean =>
  Number(headers['openstack-identity-access-rules'] ?? 0) >= 1;

/** Issue, validate, check and revoke tokens. */
export function authTokenRoutes(identity: Identity): Route[] {
  const { tokens, revocations, authentication, receipts, directory } = identity;
  const AuthRequest = Type.Object({
    auth: Type.Optional(Type.Object({ identity: authentication.schema, scope: Type.Optional(AskedScope) })),
  });
  const refused = (message?: string) =>
    new Unauthorized(message, { headers: { 'www-authenticate': `Keystone uri="${identity.url()}/v3"` } });

  const forbidden = (why: string) => new Forbidden(why);

  async function create(call: Call<Static<typeof AuthRequest>>): Promise<Answer> {
    const { auth } = call.body;
    if (!auth) throw expecting('auth', 'request body');
    const { method, headers } = call;
    const url = calledUrl(call, '/v3/auth/tokens', identity.settings.enable_proxy_headers_parsing);
    const proof = await authentication.prove(auth.identity, {
      method,
      url,
      headers,
      scope: auth.scope,
      refused,
    });
    const { userId, parent } = proof;
    const methods = [...new Set([...proof.methods, ...earlierMethods(call, userId)])];
    const unmet = unmetRules((await directory.user(userId))?.options ?? {}, methods, authentication.offered);
    if (unmet) return receiptAnswer(userId, methods, unmet);
    const grounds = await askedGrounds(identity, auth.scope, proof, refused);
    const issued = await tokens.issue({ userId, methods, ...grounds, ...(parent ? { parent } : {}) });
    const { authority } = grounds;
    if (authority?.kind === 'trust') {
      if (!issued) throw forbidden('The trust does not hold for this user');
      // Last, so that no use is lost to a token that nobody gets.
      if (!(await identity.trusts.use(authority.trustId))) throw forbidden('No remaining uses for trust');
    }
    if (!issued) throw refused();
    return new Answer(201, await view(issued.token, call), {
      'x-subject-token': issued.id,
      vary: 'X-Auth-Token',
    });
  }

  /** What the user has proved before, by the receipt that he got for it. */
  function earlierMethods(call: Call, userId: string): readonly string[] {
    const id = call.headers[receiptHeader];
    if (typeof id !== 'string' || id === '') return [];
    const receipt = receipts.open(id);
    if (receipt?.userId !== userId) throw refused();
    return receipt.methods;
  }

  /** A 401 that says which methods are wanting, and is worth those that were used. */
  async function receiptAnswer(
    userId: string,
    methods: readonly string[],
    required: string[][],
  ): Promise<Answer> {
    const user = await directory.user(userId);
    const domain = user && (await directory.domain(user.domain_id));
    if (!user?.enabled || !domain?.enabled) throw refused();
    const { id, receipt } = receipts.issue(userId, methods);
    const body = {
      receipt: {
        methods: receipt.methods,
        user: { id: user.id, name: user.name, domain: { id: domain.id, name: domain.name } },
        expires_at: toIsoTime(receipt.expiresAt),
        issued_at: toIsoTime(receipt.issuedAt),
      },
      required_auth_methods: required,
    };
    return new Answer(401, body, { 'openstack-auth-receipt': id });
  }

  const view = async (token: ValidToken, call: Call): Promise<object> => {
    const withCatalog = call.queryValue('nocatalog') === undefined;
    const projectId = token.subject.project?.id;
    const { serviceProviders } = await identity.directory.shared();
    return {
      token: {
        ...tokenView(token, withCatalog ? await identity.catalogs.rowsFor(projectId) : undefined),
        ...(serviceProviders.length > 0 ? { service_providers: serviceProviders } : {}),
      },
    };
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
    // Who does not know access rules would let through what they forbid: he learns that the token is not good.
    if (token.subject.bounds?.credentials?.accessRules && !knowsAccessRules(call))
      throw new NotFound(invalid);
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
