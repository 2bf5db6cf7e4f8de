import { randomBytes } from 'node:crypto';
import { BadRequest, NotFound, PayloadTooLarge, Unauthorized } from '../../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import type { Connection } from '../../federation/connections.ts';
import type { ProvenAssertion } from '../../federation/login.ts';
import { loginPatience, type PendingLogin } from '../../federation/pending-logins.ts';
import type { Identity } from '../../identity.ts';
import { unmetRules } from '../../model/auth-rules.ts';
import { askedGrounds } from '../../tokens/asked-scope.ts';
import type { ValidToken } from '../../tokens/tokens.ts';
import { tokenView } from '../token-view.ts';
import { webssoPage } from './websso-page.ts';

const longestForm = 1024 * 1024;
/** What a client sends and understands that carries SAML's messages itself. */
const paosType = 'application/vnd.paos+xml';
const cookieName = 'cumulet_federation';

/** Where users of identity providers come in: with an assertion, an access token, or to be sent to log in. */
export function federatedAuthRoutes(identity: Identity): Route[] {
  const { federation, tokens, settings } = identity;
  const { connections, login, logins, tickets } = federation;
  const dashboards = new Set(settings.trusted_dashboard.map(lowerCaseHost));
  const refused = (message?: string) =>
    new Unauthorized(message, { headers: { 'www-authenticate': `Keystone uri="${identity.url()}/v3"` } });

  async function connectionOf(idpId: string, protocolId: string): Promise<Connection> {
    await login.assertEnabled(idpId);
    const found = connections.get(idpId, protocolId);
    if (!found) throw refused(`Identity Provider ${idpId} is not connected by ${protocolId}.`);
    return found;
  }

  /** The dashboard that a request names. @throws BadRequest, Unauthorized for one that is not trusted */
  function dashboardOf(call: Call): string {
    const origin = call.queryValue('origin');
    if (!origin) throw new BadRequest('Request must have an origin query parameter');
    if (!dashboards.has(lowerCaseHost(origin))) {
      throw refused(`${origin.slice(0, 200)} is not a trusted dashboard host`);
    }
    return origin;
  }

  /** Sends a browser to the provider. */
  async function begin(idpId: string, protocolId: string, dashboard: string | null): Promise<Answer> {
    const { saml, openId } = await connectionOf(idpId, protocolId);
    const sent = { idpId, protocolId, carried: false, dashboard };
    let url: string;
    let pending: PendingLogin;
    if (openId) {
      const begun = await openId.begin();
      url = begun.url;
      pending = { ...sent, name: begun.login.state, openId: begun.login };
    } else if (saml) {
      const name = randomBytes(32).toString('base64url');
      const begun = await saml.begin(name);
      url = begun.url;
      pending = { ...sent, name, requestId: begun.requestId };
    } else throw refused();
    return new Answer(302, '', {
      location: url,
      'cache-control': 'no-store',
      'set-cookie': cookie(await logins.seal(pending), federation.url().startsWith('https:')),
    });
  }

  /** Gives a client that is no browser the request that it carries to the provider. */
  async function beginCarried(
    saml: NonNullable<Connection['saml']>,
    [idpId, protocolId]: readonly [string, string],
  ): Promise<Answer> {
    const requestId = saml.newRequestId();
    const name = randomBytes(32).toString('base64url');
    const sent = { name, idpId, protocolId, carried: true, dashboard: null, requestId };
    const envelope = await saml.carriedRequest(await logins.seal(sent), requestId);
    return new Answer(200, envelope, { 'content-type': paosType, 'cache-control': 'no-store' });
  }

  /**
   * The login that somebody is back from.
   *
   * @param given what the provider gave back
   * @param cookies of the browser; null: a client that carries messages
   * @throws Unauthorized where it is not his, or is over
   */
  async function pendingOf(
    given: string,
    [idpId, protocolId]: readonly [string, string],
    cookies: readonly string[] | null,
  ): Promise<PendingLogin> {
    for (const sealed of cookies ?? [given]) {
      const found = await logins.open(sealed);
      if (!found || found.idpId !== idpId || found.protocolId !== protocolId) continue;
      if (cookies === null ? found.carried : !found.carried && found.name === given) return found;
    }
    throw refused('The login is not known, is over, or was begun by another browser.');
  }

  /** What a provider has proved counts once. */
  async function useUp({ name }: PendingLogin): Promise<void> {
    if (!(await tickets.useOnce(name, Date.now() + loginPatience * 1000)))
      throw refused('The login is over.');
  }

  /** An assertion that came by POST: by a browser, or by a client that carries it. */
  async function fromSaml(
    call: Call,
    saml: NonNullable<Connection['saml']>,
    names: readonly [string, string],
  ): Promise<{ assertion: ProvenAssertion; dashboard: string | null }> {
    const text = (await bodyOf(call)).toString('utf8');
    const carried = /^application\/vnd\.paos\+xml|^text\/xml/i.test(call.headers['content-type'] ?? '');
    const form = carried ? new URLSearchParams() : new URLSearchParams(text);
    const encoded = form.get('SAMLResponse');
    if (!carried && !encoded) throw refused('There is no SAML response in the request.');
    const { response, relayState } = carried
      ? saml.responseInEnvelope(text)
      : {
          response: Buffer.from(encoded ?? '', 'base64').toString('utf8'),
          relayState: form.get('RelayState') ?? undefined,
        };
    const read = await saml.verify(response);
    let dashboard: string | null = null;
    if (read.inResponseTo === undefined) {
      if (!saml.takesUnsolicited) throw refused('Nobody asked for this assertion.');
    } else {
      const pending = await pendingOf(relayState ?? '', names, carried ? null : cookiesOf(call));
      if (pending.requestId !== read.inResponseTo) throw refused('The assertion answers another login.');
      await useUp(pending);
      ({ dashboard } = pending);
    }
    if (!(await tickets.useOnce(`${read.issuer}\0${read.id}`, read.endsAt))) {
      throw refused('The assertion has been used.');
    }
    return { assertion: saml.attributesOf(read), dashboard };
  }

  async function enter(call: Call): Promise<Answer> {
    const idpId = call.params['idp_id'] as string;
    const protocolId = call.params['protocol_id'] as string;
    const { saml, openId, fromHeaders } = await connectionOf(idpId, protocolId);
    const bearer = /^Bearer +(\S+)$/i.exec(call.headers.authorization ?? '')?.[1];
    if (saml && call.method === 'POST') {
      const { assertion, dashboard } = await fromSaml(call, saml, [idpId, protocolId]);
      return finish(idpId, protocolId, { assertion, dashboard });
    }
    if (openId && bearer) {
      const assertion = await openId.bearer(bearer);
      return finish(idpId, protocolId, { assertion, dashboard: null });
    }
    const state = call.queryValue('state');
    if (openId && state) {
      const pending = await pendingOf(state, [idpId, protocolId], cookiesOf(call));
      const query = call.url.slice(call.url.indexOf('?'));
      if (!pending.openId) throw refused();
      const assertion = await openId.finish(query, pending.openId);
      await useUp(pending);
      return finish(idpId, protocolId, { assertion, dashboard: pending.dashboard });
    }
    if (fromHeaders) {
      const assertion = fromHeaders(call.headers);
      if (!assertion) throw refused();
      return finish(idpId, protocolId, { assertion, dashboard: null });
    }
    if (call.method === 'POST') throw refused();
    if (saml && call.headers.accept?.includes(paosType)) return beginCarried(saml, [idpId, protocolId]);
    return begin(idpId, protocolId, null);
  }

  /** A token for whom the assertion means. */
  async function finish(
    idpId: string,
    protocolId: string,
    { assertion, dashboard }: { assertion: ProvenAssertion; dashboard: string | null },
  ): Promise<Answer> {
    const { methods = [], ...proof } = await login.prove(idpId, protocolId, assertion);
    const authenticated = { ...proof, methods };
    const { options = {} } = (await identity.directory.user(proof.userId)) ?? {};
    // The rules of a user who is here too hold by whatever way he comes; a browser cannot bring a second proof.
    if (unmetRules(options, methods, identity.authentication.offered)) throw refused();
    // Whom a provider stands behind has no default project here: his token is for nothing yet.
    const grounds = proof.authority
      ? { authority: proof.authority }
      : await askedGrounds(identity, undefined, authenticated, refused);
    const issued = await tokens.issue({ ...authenticated, ...grounds });
    if (!issued) throw refused();
    if (dashboard !== null) {
      const { body, headers } = webssoPage(dashboard, issued.id);
      return new Answer(200, body, headers);
    }
    return new Answer(
      201,
      { token: await shown(issued.token) },
      {
        'x-subject-token': issued.id,
        vary: 'X-Auth-Token',
        'cache-control': 'no-store',
      },
    );
  }

  const shown = async (token: ValidToken): Promise<object> => {
    const { serviceProviders } = await identity.directory.shared();
    return {
      ...tokenView(token, await identity.catalogs.rowsFor(token.subject.project?.id)),
      ...(serviceProviders.length > 0 ? { service_providers: serviceProviders } : {}),
    };
  };

  /** WebSSO by a web server in front, or by sending the browser on. */
  async function single(call: Call, idpId: string, protocolId: string): Promise<Answer> {
    const dashboard = dashboardOf(call);
    const { fromHeaders } = await connectionOf(idpId, protocolId);
    if (!fromHeaders) return begin(idpId, protocolId, dashboard);
    const assertion = fromHeaders(call.headers);
    if (!assertion) throw refused();
    return finish(idpId, protocolId, { assertion, dashboard });
  }

  const websso = (call: Call): Promise<Answer> => {
    const protocolId = call.params['protocol_id'] as string;
    const known = connections.withProtocol(protocolId);
    if (known.length === 0) throw refused('Missing entity ID from environment');
    dashboardOf(call);
    if (known.length > 1) {
      throw refused(
        'Several identity providers are connected by this protocol: name one of them in the path.',
      );
    }
    return single(call, known[0] as string, protocolId);
  };

  const entry = '/v3/OS-FEDERATION/identity_providers/:idp_id/protocols/:protocol_id/auth';
  const own = '/v3/auth/OS-FEDERATION/identity_providers/:idp_id/protocols/:protocol_id/websso';
  const metadata = route({
    method: 'GET',
    path: `${entry}/metadata`,
    summary: 'Show what this cloud is as a SAML service provider of an identity provider',
    public: true,
    async handler(call) {
      const { saml } = await connectionOf(
        call.params['idp_id'] as string,
        call.params['protocol_id'] as string,
      );
      if (!saml) throw new NotFound('Metadata is for SAML alone.');
      return new Answer(200, await saml.metadata(), { 'content-type': 'application/samlmetadata+xml' });
    },
  });
  const entrances = (['GET', 'POST'] as const).flatMap((method) => [
    route({
      method,
      path: entry,
      summary: 'Authenticate by an identity provider',
      public: true,
      streams: method === 'POST',
      handler: enter,
    }),
    route({
      method,
      path: '/v3/auth/OS-FEDERATION/websso/:protocol_id',
      summary: 'Sign a browser in by a protocol',
      public: true,
      streams: method === 'POST',
      handler: websso,
    }),
    route({
      method,
      path: own,
      summary: 'Sign a browser in by an identity provider',
      public: true,
      streams: method === 'POST',
      handler: (call: Call) =>
        single(call, call.params['idp_id'] as string, call.params['protocol_id'] as string),
    }),
  ]);
  return [...entrances, metadata];
}

/** Also `POST`ed bodies that are not JSON. @throws PayloadTooLarge */
async function bodyOf(call: Call): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of call.stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestForm) throw new PayloadTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Providers answer by a POST from their own site: over HTTPS the cookie comes along with it. */
const cookie = (value: string, secure: boolean): string =>
  `${cookieName}=${value}; Path=/v3/OS-FEDERATION; Max-Age=${loginPatience}; HttpOnly; ${secure ? 'Secure; SameSite=None' : 'SameSite=Lax'}`;

const cookiesOf = (call: Call): string[] =>
  (call.headers.cookie ?? '')
    .split(';')
    .map((each) => each.trim())
    .filter((each) => each.startsWith(`${cookieName}=`))
    .map((each) => each.slice(cookieName.length + 1));

/** Names of hosts are the same in any case; paths are not. */
function lowerCaseHost(url: string): string {
  return url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, (each) => each.toLowerCase());
}
