import { randomInt } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { sameSecret } from '../../../../platform/auth/same-secret.ts';
import { BadRequest, Forbidden, NotFound, Unauthorized } from '../../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import { validator } from '../../../../platform/http/validation.ts';
import type { Identity } from '../../identity.ts';
import { MalformedOAuth } from '../../model/oauth1.ts';
import { hasRunOut } from '../../store/oauth1.ts';
import type { RequestTokenRow } from '../../store/tables/oauth1.ts';
import { calledUrl } from '../../tokens/called-url.ts';
import { isDelegated } from '../../tokens/delegated.ts';
import { isGenuine, type OAuthRequest, oauthRequest } from '../../tokens/signed-request.ts';
import { Id, Name } from '../fields.ts';
import { expecting, identityErrors, notFound } from '../style.ts';

const Authorized = Type.Object({
  roles: Type.Array(
    Type.Object(
      { id: Type.Optional(Id), name: Type.Optional(Name(255)) },
      { additionalProperties: false, minProperties: 1, maxProperties: 1 },
    ),
    { maxItems: 255 },
  ),
});

const checked = validator(Authorized);

/** Letters and digits that nobody takes for each other when he types them. */
const verifierCharacters = 'abcdefghkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const newVerifier = (): string =>
  Array.from({ length: 8 }, () => verifierCharacters[randomInt(verifierCharacters.length)]).join('');

/** A consumer asks, a user says yes, the consumer gets its access token: RFC 5849, section 2. */
export function handshakeRoutes(identity: Identity): Route[] {
  const { oauth1, directory, settings } = identity;

  /** @throws BadRequest for a request that says too little of itself */
  function signed(call: Call, ...wanted: string[]): OAuthRequest {
    const { method, headers } = call;
    const url = calledUrl(call, call.url, settings.enable_proxy_headers_parsing);
    try {
      const request = oauthRequest({ method, headers, url });
      for (const name of wanted) if (!request.parameters.get(name)) throw expecting(name, 'request');
      return request;
    } catch (error) {
      if (!(error instanceof MalformedOAuth)) throw error;
      throw new BadRequest(
        `Validation failed with errors: ${error.error}, detail message is: ${error.message}.`,
        { cause: error },
      );
    }
  }

  /** Keys and secrets in the words of OAuth; the time as it is, for clients split it without decoding. */
  const credentials = (row: { id: string; secret: string; expires_at: string | null }): Answer => {
    const end = row.expires_at === null ? '' : `&oauth_expires_at=${row.expires_at}`;
    return new Answer(201, `oauth_token=${row.id}&oauth_token_secret=${row.secret}${end}`, {
      'content-type': 'application/x-www-form-urlencoded',
    });
  };

  async function ask(call: Call): Promise<Answer> {
    const request = signed(call);
    const projectId = call.headers['requested-project-id'];
    if (typeof projectId !== 'string' || projectId === '') throw expecting('Requested-Project-Id', 'request');
    const consumer = await oauth1.consumer(request.stamp.consumerId);
    if (!consumer) throw new NotFound('Consumer not found');
    const calledBack = Boolean(request.parameters.get('oauth_callback'));
    if (!calledBack || !(await isGenuine(oauth1, request, consumer)))
      throw new Unauthorized('Invalid signature');
    // After the signature, so that who is nobody does not learn which projects there are.
    if (!(await directory.project(projectId))) throw notFound('project', projectId);
    return credentials(await oauth1.createRequestToken(consumer.id, projectId));
  }

  /** @throws NotFound, Unauthorized for one that has run out */
  async function requestToken(id: string): Promise<RequestTokenRow> {
    const row = await oauth1.requestToken(id);
    if (!row) throw new NotFound('Request token not found');
    if (hasRunOut(row)) throw new Unauthorized('Request token is expired');
    return row;
  }

  async function authorize(call: Call): Promise<object> {
    // As upstream: who may not is told so, whatever is wrong with what he asks for.
    call.enforce('identity:authorize_request_token');
    const problem = checked(call.body ?? {});
    if (problem) throw identityErrors.invalid({ ...problem, path: ['', ...problem.path] });
    const given = call.body as Static<typeof Authorized>;
    if (isDelegated(call.credentials)) {
      throw new Forbidden('Cannot authorize a request token with a token issued via delegation.');
    }
    const { id, project_id } = await requestToken(call.params['request_token_id'] as string);
    const { userId } = call.credentials;
    const { roles } = await directory.shared();
    const asked = given.roles.map((role) => {
      const known =
        role.id === undefined
          ? [...roles.values()].find((each) => each.name === role.name && each.domain_id === '-')?.id
          : role.id;
      if (known === undefined) throw notFound('role', role.name ?? '');
      return known;
    });
    const held = new Set(await identity.subjects.rolesOf(userId, { kind: 'project', projectId: project_id }));
    if (!asked.every((each) => held.has(each))) {
      throw new Unauthorized('authorizing user does not have role required');
    }
    const verifier = newVerifier();
    const said = { user_id: userId, role_ids: [...new Set(asked)], verifier };
    if (!(await oauth1.authorize(id, said))) throw new NotFound('Request token not found');
    return { token: { oauth_verifier: verifier } };
  }

  async function exchange(call: Call): Promise<Answer> {
    const request = signed(call, 'oauth_token', 'oauth_verifier');
    const row = await requestToken(request.parameters.get('oauth_token') as string);
    const consumer = await oauth1.consumer(request.stamp.consumerId);
    if (!consumer) throw new Unauthorized('Provided consumer does not exist.');
    if (consumer.id !== row.consumer_id) {
      throw new Unauthorized('Provided consumer key does not match stored consumer key.');
    }
    if (!(await isGenuine(oauth1, request, consumer, row))) throw new Unauthorized('Invalid signature');
    if (row.user_id === null) {
      throw new Unauthorized('Request Token does not have an authorizing user id.');
    }
    const verifier = request.parameters.get('oauth_verifier') ?? '';
    if (!row.verifier || !sameSecret(verifier, row.verifier))
      throw new Unauthorized('Provided verifier does not match stored verifier');
    const given = await oauth1.exchange(row);
    if (!given) throw new NotFound('Request token not found');
    return credentials(given);
  }

  return [
    route({
      method: 'POST',
      path: '/v3/OS-OAUTH1/request_token',
      summary: 'Ask, as a consumer, to act for a user',
      public: true,
      handler: ask,
    }),
    route({
      method: 'PUT',
      path: '/v3/OS-OAUTH1/authorize/:request_token_id',
      summary: 'Let a consumer act in one’s place',
      documented: Authorized,
      handler: authorize,
    }),
    route({
      method: 'POST',
      path: '/v3/OS-OAUTH1/access_token',
      summary: 'Fetch, as a consumer, what a user said yes to',
      public: true,
      handler: exchange,
    }),
  ];
}
