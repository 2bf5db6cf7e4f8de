import { ApiError, Unauthorized } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { unmetRules } from '../model/auth-rules.ts';

const longestForm = 16_384;
const methods = ['application_credential'];

/** Tokens for application credentials, asked for as OAuth 2.0 clients ask: RFC 6749, sections 2.3.1 and 4.4. */
export function oauth2TokenRoutes(identity: Identity): Route[] {
  const { authentication, directory, tokens, settings } = identity;
  const error = (status: number, code: string, error_description: string): Answer =>
    new Answer(
      status,
      { error: code, error_description },
      status === 401 ? { 'www-authenticate': `Keystone uri="${identity.url()}/v3"` } : {},
    );
  const refused = (message?: string) => new Unauthorized(message);

  async function issue(call: Call, id: string, secret: string): Promise<string> {
    const { method, headers, origin, url } = call;
    const request = { method, headers, url: `${origin}${url}`, scope: undefined, refused };
    const proof = await authentication.prove({ methods, application_credential: { id, secret } }, request);
    const { userId, authority, scope } = proof;
    if (unmetRules((await directory.user(userId))?.options ?? {}, proof.methods, authentication.offered))
      throw refused();
    const issued = await tokens.issue({
      userId,
      methods: proof.methods,
      ...(authority ? { authority } : {}),
      ...(scope ? { scope } : {}),
    });
    if (!issued) throw refused();
    return issued.id;
  }

  return [
    route({
      method: 'POST',
      path: '/v3/OS-OAUTH2/token',
      summary: 'Get a token as an OAuth 2.0 client',
      public: true,
      streams: true,
      async handler(call) {
        const said = call.headers.authorization;
        if (!said) return error(401, 'invalid_client', 'OAuth2.0 client authorization is required.');
        const [type = '', encoded = ''] = said.split(/ +/);
        if (type.toLowerCase() !== 'basic') {
          const description = `OAuth2.0 client authorization type ${type.toLowerCase()} is not supported.`;
          return error(401, 'invalid_client', description);
        }
        const [, id, secret] = /^([^:]+):(.+)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
        if (id === undefined || secret === undefined)
          return error(401, 'invalid_client', 'OAuth2.0 client authorization is invalid.');
        const form = await formOf(call);
        const grant = form?.get('grant_type');
        if (grant === undefined || grant === null)
          return error(400, 'invalid_request', 'The parameter grant_type is required.');
        if (grant !== 'client_credentials') {
          const description = `The parameter grant_type ${grant.slice(0, 80)} is not supported.`;
          return error(400, 'unsupported_grant_type', description);
        }
        try {
          const access_token = await issue(call, id, secret);
          const given = { access_token, token_type: 'Bearer', expires_in: settings.token_expiration };
          return new Answer(200, given, { 'cache-control': 'no-store' });
        } catch (cause) {
          if (!(cause instanceof ApiError) || (cause.status !== 401 && cause.status !== 400)) throw cause;
          const code = cause.status === 401 ? 'invalid_client' : 'invalid_request';
          return error(cause.status, code, cause.message);
        }
      },
    }),
  ];
}

/** A form; undefined where the body is none, or too long to be one. */
async function formOf(call: Call): Promise<URLSearchParams | undefined> {
  if (!call.headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded')) return;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of call.stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestForm) return;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
