import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import { Provider } from 'oidc-provider';

/** Of both clients. */
export const clientSecret = 'a secret that the client has';
/** What access tokens are for, where they are JWTs. */
const resource = 'urn:cumulet:identity';

/**
 * A real OpenID provider, at which everybody is logged in as `account` without being asked.
 *
 * @param jwt where access tokens are JWTs, for which there is no introspection: the key that signs them
 */
export async function startProvider(redirectUri: () => string, jwt?: { key: JWK; audience: string }) {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let account = 'ann';
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'cumulet',
        client_secret: clientSecret,
        redirect_uris: [redirectUri()],
        grant_types: ['authorization_code', 'client_credentials'],
        response_types: ['code'],
      },
      {
        client_id: 'other',
        client_secret: clientSecret,
        redirect_uris: [`${issuer}/other`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    cookies: { keys: ['key'] },
    ...(jwt ? { jwks: { keys: [jwt.key] } } : {}),
    extraTokenClaims: () => ({ email: `${account}@acme.example`, groups: ['developers'] }),
    claims: { openid: ['sub'], email: ['email'], groups: ['groups'] },
    scopes: ['openid', 'email', 'groups'],
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: !jwt, ...(jwt ? {} : { allowedPolicy: () => true }) },
      ...(jwt
        ? {
            resourceIndicators: {
              enabled: true,
              defaultResource: () => resource,
              useGrantedResource: () => true,
              getResourceServerInfo: () => ({
                scope: 'email groups',
                audience: jwt.audience,
                accessTokenFormat: 'jwt',
                accessTokenTTL: 600,
              }),
            },
          }
        : {}),
      clientCredentials: { enabled: true },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@acme.example`, groups: ['developers', 'a;b'] }),
    }),
  });
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void answer(request, response);
    void (async () => {
      const { params } = await provider.interactionDetails(request, response);
      const grant = new provider.Grant({ accountId: account, clientId: params['client_id'] as string });
      grant.addOIDCScope(params['scope'] as string);
      if (jwt) grant.addResourceScope(resource, 'email groups');
      const grantId = await grant.save();
      const result = { login: { accountId: account }, consent: { grantId } };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    })();
  });
  return {
    issuer,
    tokens: (client: string, redirect: string) => tokens(issuer, client, redirect),
    as: (name: string) => {
      account = name;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Follows redirects at the provider as a browser would, up to the address that is not its own. */
export async function browse(start: string, issuer: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let steps = 0; url.startsWith(issuer) && !url.startsWith(`${issuer}/other`); steps++) {
    assert.ok(steps < 10, 'too many redirects');
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const each of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      cookies.set(name, value);
    }
    const next = response.headers.get('location');
    assert.ok(next, `${response.status} of ${url}: ${await response.text()}`);
    url = new URL(next, url).href;
  }
  return url;
}

/** What the provider gives a client for whoever is logged in. */
async function tokens(
  issuer: string,
  client: string,
  redirect: string,
): Promise<{ access_token: string; id_token: string }> {
  const verifier = 'v'.repeat(43);
  const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier)));
  const url = new URL(`${issuer}/auth`);
  for (const [name, value] of Object.entries({
    client_id: client,
    response_type: 'code',
    scope: 'openid email groups',
    redirect_uri: redirect,
    state: 'state',
    code_challenge: challenge.toString('base64url'),
    code_challenge_method: 'S256',
  })) {
    url.searchParams.set(name, value);
  }
  const code = new URL(await browse(url.href, issuer)).searchParams.get('code') as string;
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client}:${encodeURIComponent(clientSecret)}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirect,
      code_verifier: verifier,
    }),
  });
  const body = (await response.json()) as { access_token: string; id_token: string };
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
}
